"""Numbers that came as text: in an address, a query or a form."""

DIGITS = 18
"""More than any key, version or position has; the database takes nineteen."""
LARGEST_KEY = 2**63 - 1
"""The largest number that a key of the database can be."""


def whole_number(text: str) -> int | None:
    """Return the number that plain digits write, or None: also for one that nothing here has.

    Python refuses to read more than 4,300 digits, and the database more than nineteen.
    """
    plain = text.isascii() and text.isdigit() and len(text) <= DIGITS
    return int(text) if plain else None
