"""What administrators are mailed of the process, besides single changes."""

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User

from . import outbox
from .unheld import Unheld

WHY = gettext_lazy("you look after people and their parts as an administrator")


def unheld(parts: Sequence[Unheld], administrators: Iterable[User]) -> None:
    """Queue one mail for each administrator of parts that are given on one page, at least one."""
    context = {
        "sentences": [part.sentence for part in parts],
        "url": outbox.absolute(parts[0].url),
        "why": WHY,
    }
    headers = outbox.thread_headers(f"part-{parts[0].key.replace(' ', '-')}")
    tag = _("Changes")
    outbox.put(
        [
            outbox.compose(person, "unheld", context, tag=tag, headers=headers)
            for person in administrators
        ]
    )
