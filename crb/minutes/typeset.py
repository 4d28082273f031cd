"""Minutes as a PDF."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from expansive_cm.ui import typesetting

Json = dict[str, Any]

TEMPLATE = "crb/minutes.typ"


def typeset(view: Json, *, at: datetime | None = None) -> bytes:
    """Return the minutes that ``reading`` has put into words as a PDF.

    The same minutes at the same moment give the same bytes. Takes some tens of milliseconds.
    """
    return typesetting.typeset(TEMPLATE, {**view, **_frame(view)}, at=at or timezone.now())


def file_name(view: Json) -> str:
    """Return a name for the file that sorts by board and says what it is."""
    return f"{slugify(view['title']) or 'minutes'}.pdf"


def _frame(view: Json) -> Json:
    """Return labels and small print."""
    audience = _("With the members' votes: for the board, auditors and administrators only.")
    return {
        "author": view["board"],
        "audience": audience if view["has_votes"] else _("Without the members' single votes."),
        "words": _words(),
    }


def _words() -> dict[str, str]:
    words = {
        "page": _("Page {page} of {pages}"),
        "attendance": _("Attendance"),
        "remarks": _("Remarks"),
        "items": _("Items"),
        "no_items": _("The board met without an item."),
        "vote": _("The vote"),
        "counts": _("Votes"),
        "recused": _("Recused"),
        "questions": _("Questions"),
        "discussion": _("Discussion"),
        "actions": _("Actions"),
        "member": _("Member"),
        "ballot": _("Vote"),
        "remark": _("Reason"),
        "missing": _("Did not vote"),
        "recusal": _("Conflict of interest of"),
        "all_actions": _("All actions"),
        "action": _("Action"),
        "owner": _("Owner"),
        "due": _("Due"),
        "about": _("About"),
        "addenda": _("Addenda"),
    }
    return {name: str(text) for name, text in words.items()}
