"""What administrators are mailed of the process, besides single changes."""

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from post_office.models import Email

from accounts.models import User

from . import outbox
from .unheld import Unheld

THREAD = "part-"
WHY = gettext_lazy("you look after people and their parts as an administrator")


def is_for_administrators(email: Email) -> bool:
    """Whether a mail in the outbox is one of those below."""
    return str((email.headers or {}).get("References", "")).startswith(f"<{THREAD}")


def unheld(parts: Sequence[Unheld], administrators: Iterable[User]) -> None:
    """Queue one mail for each administrator of parts that are given on one page, at least one."""
    context = {
        "sentences": [part.sentence for part in parts],
        "url": outbox.absolute(parts[0].url),
        "why": WHY,
    }
    headers = outbox.thread_headers(f"{THREAD}{parts[0].key.replace(' ', '-')}")
    tag = _("Changes")
    outbox.put(
        [
            outbox.compose(person, "unheld", context, tag=tag, headers=headers)
            for person in administrators
        ]
    )
