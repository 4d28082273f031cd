"""Rows that the loader writes many at a time: as soon as something else asks for their table.

Nearly half of what a step writes tells of it, and is not read again before the next step of the
same kind. Each row has its number, and what stands in it, when the step writes it.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.expressions import DatabaseDefault
from post_office.models import Email

from accounts import history_rows
from changes.models import AccessLink, Event, MailFile, Notice
from crb.models import BoardEvent, Invitation
from expansive_cm.prepared import NAMED, prepared_by

from .swapping import swapped

WRITTEN_BEHIND = frozenset({AccessLink, BoardEvent, Email, Event, Invitation, MailFile, Notice})
"""Besides them, all history."""
HISTORY_ORDER = "history_order"
TAKEN_AT_ONCE = 500
"""Numbers of a sequence; at the end it goes back to the last that a row has."""
RUNS = re.compile(rf"EXECUTE ({NAMED}\d+)")
Write = Callable[..., list[tuple[Any, ...]]]


@contextmanager
def written_behind() -> Iterator[None]:
    """Write what is only told with the next of its kind; all of it is there at the end.

    Where the load fails, what waits is not written.
    """
    write = QuerySet._insert  # type: ignore[attr-defined]  # stubs name what is public only
    waiting, numbers = Waiting(write), Numbers()

    def insert(
        self: "QuerySet[Any]", objs: Sequence[Model], fields: Sequence[Any], **options: Any
    ) -> Any:
        model = self.model
        is_told = model in WRITTEN_BEHIND or issubclass(model, history_rows.Row)
        if not is_told or options.get("on_conflict") or model._meta.pk in fields:
            return write(self, objs, fields, **options)
        rows = waiting.add(model, fields, numbers.take(model, len(objs)), objs)
        returned = [one.attname for one in options.get("returning_fields") or ()]
        return [tuple(getattr(row, name) for name in returned) for row in rows]

    with ExitStack() as stack:
        stack.enter_context(swapped(QuerySet, "_insert", insert))
        stack.enter_context(
            swapped(history_rows, "_next_number", lambda _: numbers.next_of(HISTORY_ORDER))
        )
        stack.enter_context(connection.execute_wrapper(waiting.before))
        yield
        waiting.write_all()
        numbers.give_back()


class Waiting:
    """Rows that are not written yet, by model."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._rows: dict[str, tuple[type[Model], list[Any], list[Any]]] = {}
        self._prepared: dict[str, str] = {}

    def add(
        self, model: Any, fields: Sequence[Any], numbers: Sequence[int], objs: Sequence[Model]
    ) -> list[Any]:
        """Keep new rows with their numbers, as they are now. Returns what they will hold."""
        pk = model._meta.pk
        *_, waiting = self._rows.setdefault(model._meta.db_table, (model, [pk, *fields], []))
        rows = []
        for number, one in zip(numbers, objs, strict=True):
            held = {field.attname: _held(field, field.pre_save(one, True)) for field in fields}
            rows.append(SimpleNamespace(**held, **{pk.attname: number}))
        waiting += rows
        return rows

    def before(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        """Write what waits for a table that a statement names, then run that."""
        if self._rows:
            said = self._in_full(str(sql))
            for table in [table for table in self._rows if table in said]:
                self._write_rows(table)
        return execute(sql, params, many, context)

    def write_all(self) -> None:
        """Write what still waits."""
        for table in list(self._rows):
            self._write_rows(table)

    def _write_rows(self, table: str) -> None:
        model, fields, rows = self._rows.pop(table)
        for at in range(0, len(rows), TAKEN_AT_ONCE):
            some = rows[at : at + TAKEN_AT_ONCE]
            self._write(model._base_manager.all(), some, fields=fields, raw=True)

    def _in_full(self, sql: str) -> str:
        """Return what a statement says, where it runs a prepared one also what that says."""
        named = RUNS.search(sql)
        if not named:
            return sql
        if named[1] not in self._prepared:
            # One that is being prepared is not known yet, and says all itself.
            self._prepared |= prepared_by(connection)
        return sql + self._prepared.get(named[1], "")


def _held(field: Any, value: Any) -> Any:
    """Return what the database puts into a field by itself, where that is what it is to hold."""
    if not isinstance(value, DatabaseDefault):
        return value
    assert not hasattr(field.db_default, "resolve_expression"), f"{field} is reckoned by it."
    return field.db_default


class Numbers:
    """The next numbers of sequences, taken many at a time."""

    def __init__(self) -> None:
        self._taken: dict[str, list[int]] = defaultdict(list)
        self._last: dict[str, int] = {}
        self._sequences: dict[type[Model], str] = {}

    def take(self, model: type[Model], count: int) -> list[int]:
        """Return the numbers of the next rows of a model."""
        if model not in self._sequences:
            self._sequences[model] = self._sequence_of(model)
        return [self.next_of(self._sequences[model]) for _ in range(count)]

    def next_of(self, sequence: str) -> int:
        """Return the next number of a sequence."""
        taken = self._taken[sequence]
        if not taken:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT nextval(%s) FROM generate_series(1, %s)", [sequence, TAKEN_AT_ONCE]
                )
                taken.extend(number for (number,) in reversed(cursor.fetchall()))
        self._last[sequence] = taken.pop()
        return self._last[sequence]

    def give_back(self) -> None:
        """Let the next rows go on from the last number used, unless others took some meanwhile."""
        with connection.cursor() as cursor:
            for sequence, left in self._taken.items():
                if left:
                    cursor.execute(
                        f"SELECT setval(%s, %s) FROM {sequence} WHERE last_value = %s",  # noqa: S608
                        [sequence, self._last[sequence], left[0]],
                    )
        self._taken.clear()

    @staticmethod
    def _sequence_of(model: type[Model]) -> str:
        if issubclass(model, history_rows.Row):
            return HISTORY_ORDER
        table, column = model._meta.db_table, model._meta.pk.column
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [f'"{table}"', column])
            name: str = cursor.fetchone()[0]
        return name
