"""Checklists: what a template says is to be checked, and what of it is open on a change.

A template holds one as text, an entry a line. A change that is sent gets a copy, which a later
edit of the template leaves alone (``lifecycle.checklist``). The points of secure coding in the
record of a development are something else (``models.CHECKLIST``).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from .models import Change, ChecklistItem
from .models.configuration import STEP_MARK

MOST = 50
LONGEST = 200
"""So many entries of so many characters a checklist has at most."""
REQUIRED = "(required)"
"""What ends the line of an entry without which nothing is recorded as done."""
_REQUIRED = re.compile(r"\(required\)[.,;:]?$", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One line of a checklist."""

    text: str
    is_required: bool = False

    def __str__(self) -> str:
        return f"{self.text} {REQUIRED}" if self.is_required else self.text


def entries(text: str) -> list[Entry]:
    """Return the entries of a text, without the marks and numbers of a list."""
    found = []
    for line in text.splitlines():
        line = STEP_MARK.sub("", line).strip()
        words = _REQUIRED.sub("", line).rstrip()
        if words:
            found.append(Entry(words, words != line))
    return found


def fault(text: str) -> str:
    """Say why a text is no checklist that people work with; "" where it is one."""
    found = entries(text)
    if len(found) > MOST:
        return _("These are %(number)d entries; a checklist has %(most)d at most.") % {
            "number": len(found),
            "most": MOST,
        }
    for one in found:
        if len(one.text) > LONGEST:
            words = _("“%(begin)s…” is too long: an entry has %(most)d characters at most.")
            return words % {"begin": one.text[:40], "most": LONGEST}
    return ""


def items_of(change: Change) -> list[ChecklistItem]:
    """Return the entries of a change; no query for one that began with no template."""
    if change.template_id is None:
        return []
    return list(change.checklist_items.all())


def as_entries(items: Iterable[ChecklistItem]) -> list[Entry]:
    """Return what the entries of a change say, whoever has ticked them."""
    return [Entry(one.text, one.is_required) for one in items]


def as_text(found: Iterable[Entry]) -> str:
    """Return entries as the text of a template, the opposite of ``entries``."""
    return "\n".join(str(one) for one in found)


def needed(items: Iterable[ChecklistItem]) -> list[ChecklistItem]:
    """Return the required entries that are not ticked: without them nothing is recorded as done."""
    return [one for one in items if one.is_required and not one.is_ticked]


def missing(change: Change) -> str:
    """Say which required entries are not ticked yet; "" where nothing is in the way."""
    found = [one.text for one in needed(items_of(change))]
    words = _("Required on the checklist, and not ticked yet: %s.")
    return words % "; ".join(found) if found else ""
