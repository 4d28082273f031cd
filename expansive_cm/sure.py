"""What the rules say is there, though its type would let it be missing."""

from typing import TypeVar

T = TypeVar("T")


def sure(value: T | None) -> T:
    """Return what the process guarantees to be there, such as the requester of a sent request.

    Raises AssertionError where the guarantee does not hold: a fault of ours, never of a person.
    """
    assert value is not None
    return value
