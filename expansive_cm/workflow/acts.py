"""An act: what is stored together, and is told together by whoever reads history.

An act is one transaction, or a part of one: in a nest of acts the outermost counts, as when the
outcome of a board takes a step on a change. Its rows of history carry its number, which is that
of the first of them, or of none where the first were written in bulk.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import transaction


@dataclass
class Act:
    """An act under way; ``number`` is that of its first row of history, once there is one."""

    number: int | None = None


_under_way: ContextVar[Act | None] = ContextVar("act", default=None)


def current() -> Act | None:
    """Return the act that is under way, None where nobody said that there is one."""
    return _under_way.get()


@contextmanager
def acting() -> Iterator[None]:
    """Do all of the block or nothing of it, as one act, or as a part of the one under way.

    The act ends before the transaction does: what follows from it once it is stored is no part.
    """
    with transaction.atomic():
        if _under_way.get() is not None:
            yield
            return
        begun = _under_way.set(Act())
        try:
            yield
        finally:
            _under_way.reset(begun)
