"""Records as a PDF, set by typst in this process: no system fonts, no network, no other program.

The file conforms to PDF/A-2a (it can be archived) and PDF/UA-1 (screen readers can read it).
Both forbid characters that the fonts do not have. Typst names those it lacks; they are then
given by their names or numbers in brackets, with a note that says so: nothing vanishes. So is
whatever is beyond USUAL in a text on which typst itself breaks, as on some in which signs for the
direction of writing, or of no width, meet.
"""

import ast
import json
import logging
import re
import unicodedata
from collections.abc import Callable
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
USUAL = re.compile(r"[\n\t -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027]")
"""What is set in any case: Latin, Greek and Cyrillic letters, and dashes and quotation marks."""
BROKEN = "PanicException"
"""How a fault within typst arrives: no ``Exception``, of a class that cannot be imported."""

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
    lacks: Callable[[str], bool] = _lacking.__contains__
    for _attempt in range(ATTEMPTS):
        try:
            return _compile(template, _displayable(shown, lacks), moment, STANDARDS)
        except _Broken:
            logger.warning("%s breaks on what it is given, which is set in usual signs", template)
            lacks = _is_unusual
        except typst.TypstError as error:
            found = _named_in(error)
            if found <= _lacking:
                logger.warning("%s does not conform to PDF/A and PDF/UA: %s", template, error)
                break
            _lacking.update(found)
    return _compile(template, _displayable(shown, lacks), moment, [])


class _Broken(Exception):
    """Typst broke on a text."""


def _compile(template: str, data: Json, moment: int, standards: list[Any]) -> bytes:
    try:
        return typst.compile(
            str(TEMPLATES / template),
            root=str(TEMPLATES),
            ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(data)},
            pdf_standards=standards,
            timestamp=moment,
        )
    except BaseException as error:
        if type(error).__name__ == BROKEN:
            raise _Broken(str(error)) from error
        raise


# Characters that cannot be shown


def _named_in(error: typst.TypstError) -> set[str]:
    """Return the characters that typst says it cannot show; it writes them as Rust does."""
    texts = [ast.literal_eval(_as_python(text)) for text in LACKING.findall(error.diagnostic)]
    return {char for text in texts for char in text if not (char.isascii() and char.isprintable())}


def _as_python(text: str) -> str:
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda code: rf"\U{int(code[1], 16):08x}", text)


def _is_unusual(char: str) -> bool:
    return char in _lacking or not USUAL.match(char)


def _displayable(data: Json, lacks: Callable[[str], bool]) -> Json:
    """Return the data without characters that are lacking, and with a note if it had any."""
    shown = _replaced(data, lacks)
    if shown != data:
        shown["note"] = _(
            "Signs that the fonts of this file lack are given by name or number in brackets; its "
            "page shows them as they were typed."
        )
    return shown


def _replaced(value: Any, lacks: Callable[[str], bool]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(one, lacks) for name, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, lacks) for one in value]
    if isinstance(value, str):
        return "".join(_stand_in(char) if lacks(char) else char for char in value)
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
