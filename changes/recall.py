"""What has been read of a change is remembered for as long as nobody changes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import Model

from expansive_cm.statements import read_related

from .models import Change, Development


class Recollection(dict[str, Any]):
    """The rows of each relation of one record: read when they are first asked for, then kept.

    Stands where Django keeps what was prefetched, so that ``change.events.all()`` finds them.
    """

    def __init__(self, record: Model, known: dict[str, Any]) -> None:
        super().__init__(known)
        self.record = record

    def __missing__(self, relation: str) -> Any:
        self[relation] = rows = self.read(relation)
        for row in rows:
            if isinstance(row, Development):
                vars(row)["_prefetched_objects_cache"] = Recollection(row, {})
        return rows

    def read(self, relation: str) -> Any:
        """Return the rows of a relation, in one query."""
        # The question itself must not be looked for among the answers.
        vars(self.record)["_prefetched_objects_cache"] = {}
        try:
            return read_related(self.record, relation)
        finally:
            vars(self.record)["_prefetched_objects_cache"] = self


@contextmanager
def recalling(change: Change) -> Iterator[None]:
    """Read each kind of the change's records at most once within the block.

    For blocks that ask much and write none of these records: what somebody may do, and who is
    told what of it. Afterwards the change knows what it knew before, and nothing else.
    """
    before = change.__dict__.get("_prefetched_objects_cache")
    vars(change)["_prefetched_objects_cache"] = Recollection(change, before or {})
    try:
        yield
    finally:
        if before is None:
            del vars(change)["_prefetched_objects_cache"]
        else:
            vars(change)["_prefetched_objects_cache"] = before
