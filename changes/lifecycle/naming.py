"""Names that people give to what they keep: one line, of letters that can be seen."""

import re
import unicodedata

from expansive_cm.texts import composed

LOOKS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Signs that only choose how the one before them is drawn."""
BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0]")
"""Signs that count as printable, and show nothing."""


def as_name(text: str, longest: int) -> str:
    """Return a name as it is kept, "" for one that is too long or cannot be seen."""
    name = " ".join(composed(LOOKS.sub("", text)).split())
    seen = name.isprintable() and not BLANK.search(name) and any(map(_stands_alone, name))
    return name if seen and len(name) <= longest else ""


def _stands_alone(letter: str) -> bool:
    """Whether a sign is more than an accent on the one before it."""
    return not letter.isspace() and not unicodedata.category(letter).startswith("M")
