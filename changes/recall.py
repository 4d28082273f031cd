"""What has been read of a change is remembered for as long as nobody changes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import Model, prefetch_related_objects

from .models import Change, Development


class Recollection(dict[str, Any]):
    """The rows of each relation of one record: read when they are first asked for, then kept.

    Stands where Django keeps what was prefetched, so that ``change.events.all()`` finds them.
    """

    def __init__(self, record: Model, known: dict[str, Any]) -> None:
        super().__init__(known)
        self.record = record

    def __missing__(self, relation: str) -> Any:
        # Django fills a plain dictionary; while it does so, this one must not be asked.
        read: dict[str, Any] = {}
        self.record._prefetched_objects_cache = read  # type: ignore[attr-defined]
        try:
            prefetch_related_objects([self.record], relation)
        finally:
            self.record._prefetched_objects_cache = self  # type: ignore[attr-defined]
        self[relation] = rows = read[relation]
        for row in rows:
            if isinstance(row, Development):
                row._prefetched_objects_cache = Recollection(row, {})
        return rows


@contextmanager
def recalling(change: Change) -> Iterator[None]:
    """Read each kind of the change's records at most once within the block.

    For blocks that ask much and write none of these records: what somebody may do, and who is
    told what of it. Afterwards the change knows what it knew before, and nothing else.
    """
    before = change.__dict__.get("_prefetched_objects_cache")
    change._prefetched_objects_cache = Recollection(change, before or {})
    try:
        yield
    finally:
        if before is None:
            del change._prefetched_objects_cache
        else:
            change._prefetched_objects_cache = before
