"""Records as a PDF, set by typst in this process: no system fonts, no network, no other program.

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
from django.utils.translation import gettext as _

logger = logging.getLogger(__name__)

Json = dict[str, Any]

TEMPLATES = settings.BASE_DIR / "templates"
STANDARDS = ["a-2a", "ua-1"]
ATTEMPTS = 4
LACKING = re.compile(r'the (?:text|PDF contains the codepoint) `("(?:[^"\\]|\\.)*")`')
MEANINGLESS = ("Cc", "Cf", "Cs", "Mn", "Me")
"""Categories of characters that show nothing by themselves."""

_lacking: set[str] = set()
"""Characters that typst's fonts have turned out to lack, remembered for the next file."""


def typeset(template: str, data: Json, *, at: datetime) -> bytes:
    """Return data as a PDF, set by a template that begins with ``components/file.typ``.

    The data are texts, lists and dictionaries, with what ``sheet`` asks for there; the language
    is added. The same data at the same moment give the same bytes.
    """
    language, _separator, region = settings.LANGUAGE_CODE.partition("-")
    shown = {**data, "language": language, "region": region or None, "note": ""}
    moment = int(at.timestamp())
    for _attempt in range(ATTEMPTS):
        try:
            return _compile(template, _displayable(shown), moment, STANDARDS)
        except typst.TypstError as error:
            found = _named_in(error)
            if found <= _lacking:
                logger.warning("%s does not conform to PDF/A and PDF/UA: %s", template, error)
                break
            _lacking.update(found)
    return _compile(template, _displayable(shown), moment, [])


def _compile(template: str, data: Json, moment: int, standards: list[Any]) -> bytes:
    return typst.compile(
        str(TEMPLATES / template),
        root=str(TEMPLATES),
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data)},
        pdf_standards=standards,
        timestamp=moment,
    )


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
            "Signs that the fonts of this file lack are given by name or number in brackets; its "
            "page shows them as they were typed."
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
