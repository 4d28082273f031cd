"""Numbers of changes that must not be told: a draft exists only for whoever raised it.

Linking a draft of one's own writes its number into the other change's events and history, which
stay as they are; what is not the reader's to see is left out when they are shown.
"""

import re
from collections.abc import Collection, Iterable

from django.utils.translation import gettext as _

from accounts.models import User

from .queries import visible_to

MENTION = re.compile(r"\bCR-?([0-9]{1,9})\b", re.IGNORECASE)


def mentioned(texts: Iterable[str]) -> set[int]:
    """Return the numbers of the changes that texts name."""
    return {int(number) for text in texts for number in MENTION.findall(text)}


def unseen(reader: User, numbers: Collection[int]) -> set[int]:
    """Return those of the changes that do not exist for this person. One query, or none."""
    if not numbers:
        return set()
    return set(numbers) - set(
        visible_to(reader).filter(pk__in=numbers).values_list("pk", flat=True)
    )


def nameless() -> str:
    """Return what stands where the number would."""
    return _("another change request")


def without(text: str, hidden: Collection[int]) -> str:
    """Return a text in which these changes have no number."""
    if not hidden:
        return text
    return MENTION.sub(lambda m: nameless() if int(m[1]) in hidden else m[0], text)
