"""The number that people call a change by, as they write it."""

import re

_WRITTEN = re.compile(r"^\s*CR-?0*(\d{1,18})\s*$", re.IGNORECASE)


def parse_reference(text: str) -> int | None:
    """Return the primary key in ``CR-000123`` (also ``cr123``), or None."""
    match = _WRITTEN.match(text)
    return int(match.group(1)) if match else None
