"""Text out of cells that a tool exports as HTML, with its signs escaped once more or not."""

import re
from html import unescape

TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
ITEM = re.compile(r"(?i)<li\b[^<>]*>")
BREAK = re.compile(
    r"(?i)</?(?:p|div|br|ul|ol|li|tr|table|h[1-6]|blockquote|pre|hr)(?:[\s/][^<>]*)?>"
)


def as_text(cell: str) -> str:
    """Return what a cell says: entities as their signs, a line for each block, and no tags."""
    markup = cell if TAG.search(cell) else unescape(cell)
    if not TAG.search(markup):
        return markup
    text = BREAK.sub("\n", ITEM.sub("\n- ", markup))
    lines = (" ".join(line.split()) for line in unescape(TAG.sub("", text)).splitlines())
    return "\n".join(line for line in lines if line and line != "-")
