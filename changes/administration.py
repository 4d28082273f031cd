"""What administrators are mailed of the process, besides single changes."""

from collections.abc import Iterable, Sequence

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from post_office.models import Email

from accounts.models import User
from expansive_cm.post.threads import is_of_thread, thread_headers
from expansive_cm.post.words import absolute

from . import outbox
from .unheld import Unheld

THREAD = "part-"
LISTED = 200
"""Of so many parts one mail tells."""
WHY = gettext_lazy("you look after people and their parts as an administrator")


def is_for_administrators(email: Email) -> bool:
    """Whether a mail in the outbox is one of those below."""
    return is_of_thread(email, THREAD)


def unheld(parts: Sequence[Unheld], administrators: Iterable[User]) -> None:
    """Queue one mail for each administrator of parts that nobody can take, at least one.

    It names the first LISTED of them and counts the others, which Home names in their turn.
    """
    context = {
        "parts": [(part.sentence, absolute(part.url)) for part in parts[:LISTED]],
        "more": len(parts[LISTED:]),
        "url": absolute(_where([part.url for part in parts])),
        "why": WHY,
    }
    headers = thread_headers(f"{THREAD}{parts[0].key.replace(' ', '-')}")
    tag = _("Changes")
    outbox.put(
        [
            outbox.compose(person, "unheld", context, tag=tag, headers=headers)
            for person in administrators
        ]
    )


def _where(urls: Sequence[str]) -> str:
    """The page on which all of them are given, or Home, which leads to each."""
    return urls[0] if len(set(urls)) == 1 else reverse("changes:home")
