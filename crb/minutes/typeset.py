"""Minutes as a PDF, set by typst in this process: no system fonts, no network, no other program.

The file conforms to PDF/A-2a (it can be archived) and PDF/UA-1 (screen readers can read it).
Both forbid characters that the fonts do not have. Typst names those it lacks; they are then
given by their names or numbers in brackets, with a note that says so: nothing vanishes.
"""

import ast
import json
import logging
import re
import unicodedata
from datetime import datetime
from typing import Any

import typst
from django.conf import settings
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

logger = logging.getLogger(__name__)

Json = dict[str, Any]

TEMPLATE = settings.BASE_DIR / "templates" / "crb" / "minutes.typ"
STANDARDS = ["a-2a", "ua-1"]
ATTEMPTS = 4
LACKING = re.compile(r'the (?:text|PDF contains the codepoint) `("(?:[^"\\]|\\.)*")`')
MEANINGLESS = ("Cc", "Cf", "Cs", "Mn", "Me")
"""Categories of characters that show nothing by themselves."""

_lacking: set[str] = set()
"""Characters that typst's fonts have turned out to lack, remembered for the next file."""


def typeset(view: Json, *, at: datetime | None = None) -> bytes:
    """Return the minutes that ``reading`` has put into words as a PDF.

    The same minutes at the same moment give the same bytes. Takes some tens of milliseconds.
    """
    moment = int((at or timezone.now()).timestamp())
    data = {**view, **_frame(view)}
    for _attempt in range(ATTEMPTS):
        try:
            return _compile(_displayable(data), moment, STANDARDS)
        except typst.TypstError as error:
            found = _named_in(error)
            if found <= _lacking:
                logger.warning("The minutes do not conform to PDF/A and PDF/UA: %s", error)
                break
            _lacking.update(found)
    return _compile(_displayable(data), moment, [])


def file_name(view: Json) -> str:
    """Return a name for the file that sorts by board and says what it is."""
    return f"{slugify(view['title']) or 'minutes'}.pdf"


def _compile(data: Json, moment: int, standards: list[Any]) -> bytes:
    return typst.compile(
        str(TEMPLATE),
        ignore_system_fonts=True,
        sys_inputs={"minutes": json.dumps(data)},
        pdf_standards=standards,
        timestamp=moment,
    )


def _frame(view: Json) -> Json:
    """Return language, labels and small print."""
    language, _separator, region = settings.LANGUAGE_CODE.partition("-")
    audience = _("With the members' votes: for the board, auditors and administrators only.")
    return {
        "language": language,
        "region": region or None,
        "audience": audience if view["has_votes"] else _("Without the members' single votes."),
        "note": "",
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


# Characters that cannot be shown


def _named_in(error: typst.TypstError) -> set[str]:
    """Return the characters that typst says it cannot show; it writes them as Rust does."""
    texts = [ast.literal_eval(_as_python(text)) for text in LACKING.findall(error.diagnostic)]
    return {char for text in texts for char in text if not (char.isascii() and char.isprintable())}


def _as_python(text: str) -> str:
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda code: rf"\U{int(code[1], 16):08x}", text)


def _displayable(data: Json) -> Json:
    """Return the data without characters known to be lacking, and with a note if it had any."""
    shown = _replaced(data)
    if shown != data:
        shown["note"] = _(
            "Signs that the fonts of this file lack are given by name or number in brackets; the "
            "page of the minutes shows them as they were typed."
        )
    return shown


def _replaced(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one) for one in value]
    if isinstance(value, str):
        return "".join(_stand_in(char) if char in _lacking else char for char in value)
    return value


def _stand_in(char: str) -> str:
    """Return what stands for a character: nothing, its name, or its number."""
    category = unicodedata.category(char)
    if category in MEANINGLESS:
        return ""
    name = unicodedata.name(char, "")
    if name and not category.startswith("L"):
        return f"[{name.lower()}]"
    return f"[U+{ord(char):04X}]"
