"""What many tests begin with: made once in a run, afterwards put back row by row.

The first time in a run, a maker is called, and what it wrote is read back from the database: the
cast, a change in testing, a running meeting. The next time the database looks exactly as it did
before that call, in whichever process, the same rows are put back instead, which takes
milliseconds. Nothing else is assumed: another person, board or setting, another day, or a row
more is another beginning, and the maker is called. So what tests begin with was always written by
the functions that users call, in this run and by this code.

Times move along: what was written while the maker ran is written within milliseconds of now, in
the same order, and what was planned keeps its distance from when the maker was done, which is now,
however long it took. What stands in texts does not move, so a beginning is forgotten when an hour
ends, or a day somewhere.
"""

import functools
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import time_machine
from django.apps import apps as django_apps
from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.functional import cached_property

from expansive_cm.statements import ObjectStatement, given_keys, is_one_of
from tests import beginnings, sequences
from tests.contents import is_alone, is_known, looks, now_looks, tables, written_to

Made = TypeVar("Made")
QUARTER, HOUR, DAY = 15 * 60, 3600, 24 * 3600
BETWEEN_HOURS = (-9.5, -3.5, -2.5, 3.5, 4.5, 5.5, 5.75, 6.5, 8.75, 9.5, 10.5, 12.75, 13.75)
"""Where in the world a day does not begin when an hour ends in UTC, in hours from it."""
MIDNIGHTS = frozenset(-hours * HOUR % DAY for hours in BETWEEN_HOURS)
APART = timedelta(microseconds=5)
"""How far from each other are put what was written at different times, however slow it was."""
LATER = "<later>"
"""Where the statements that write rows again say how long after the first time it is."""
VALUE = re.compile(r'("[^"\\]*(?:(?:""|\\.)[^"\\]*)*"|[^,"]*),', re.DOTALL)
"""A value of a row that is written as text."""
NOTHING = frozenset[str]()
_under_way: list[str] = []
"""The maker that is being called and read, for what it calls is not read by itself."""
_anew: list[bool] = []
"""Not empty while nothing that is remembered will do."""


@dataclass(frozen=True)
class Begun:
    """What a maker wrote, from when on and within how long, and what it gave back."""

    new: dict[str, list[str]]
    gone: dict[str, list[str]]
    since: datetime
    lasted: timedelta
    numbering: list[tuple[str, int | None]]
    on_commit: tuple[tuple[Callable[[], Any], bool], ...]
    answer: Any
    looks: list[str] = field(default_factory=list)
    """What the database looks like with it, once that has been read."""
    message: list[tuple[str, str]] = field(default_factory=list)
    """The statements that write it again, once they have been worded."""


@functools.cache
def may_put_back() -> bool:
    """Whether this database lets rows be written as they were, without asking triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        return bool(cursor.fetchone()[0])


@contextmanager
def made_anew() -> Iterator[None]:
    """Call the makers within the block, whatever is remembered of them."""
    _anew.append(True)
    try:
        yield
    finally:
        _anew.pop()


def remembered(maker: Callable[..., Made]) -> Callable[..., Made]:
    """Let a maker's rows be put back when it is called again at the same beginning."""
    known: dict[Any, Begun] = {}

    @functools.wraps(maker)
    def make(*args: Any, **kwargs: Any) -> Made:
        # Where another maker has written something by now, this beginning was hardly ever seen
        # before: looking for it takes longer than what is found saves.
        if _anew or (_under_way and not is_known()):
            return maker(*args, **kwargs)
        key = beginning(args, kwargs)
        if key is None:
            return maker(*args, **kwargs)
        given = [*args, *kwargs.values()]
        if key not in known:
            name = f"{maker.__module__}.{maker.__qualname__} {key!r}"
            if made := beginnings.found(name):
                known[key] = made
            elif _under_way:
                return maker(*args, **kwargs)
            else:
                make_it = functools.partial(make_and_read, maker, args, kwargs)
                known[key] = beginnings.shared(name, make_it, has_no_files)
                for one in objects_in(given):
                    forget_what_was_read(one)
        put_back(known[key])
        return renewed(known[key].answer, given)

    return make


@functools.cache
def tables_with_files() -> frozenset[str]:
    """The tables whose rows are worth something only where their files lie."""
    return frozenset(
        model._meta.db_table
        for model in django_apps.get_models()
        if any(isinstance(one, models.FileField) for one in model._meta.fields)
    )


def has_no_files(begun: Begun) -> bool:
    """Whether it is all in the database; each process has a folder of its own for files."""
    return not any(rows for table, rows in begun.new.items() if table in tables_with_files())


def beginning(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What decides what a maker will write, or None if that cannot be told."""
    try:
        given = named([*args, *sorted(kwargs.items())])
    except NotPlainError:
        return None
    if not may_put_back():
        return None
    clock = time_machine.escape_hatch.is_travelling(), time.time_ns() == time.time_ns()
    return looks(), clock, period(), other_settings(), given


def period() -> float:
    """When an hour last ended, or a day began somewhere: what texts say of times holds since."""
    last = time.time() // QUARTER * QUARTER
    while last % HOUR and last % DAY not in MIDNIGHTS:
        last -= QUARTER
    return last


class NotPlainError(Exception):
    """A maker was given something whose value cannot be told."""


def named(value: Any) -> Any:
    """A maker's argument, as what can be compared. Raises: NotPlainError."""
    if value is None or isinstance(value, str | int | date):
        return value
    if isinstance(value, models.Model):
        return type(value), value.pk
    if isinstance(value, list | tuple):
        return tuple(named(one) for one in value)
    if is_dataclass(value):
        return tuple(named(getattr(value, one.name)) for one in fields(value))
    raise NotPlainError


def other_settings() -> str:
    """The settings that a test has changed."""
    changed: dict[str, str] = {}
    holder = settings._wrapped
    while "default_settings" in vars(holder):
        for name, value in vars(holder).items():
            if name.isupper():
                changed.setdefault(name, repr(value))
        holder = holder.default_settings
    return repr(sorted(changed.items()))


def make_and_read(
    maker: Callable[..., Made], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Begun:
    """Call the maker, find out what it wrote, and take it back.

    So the first test finds what all others find, however long the machine takes for each step.
    """
    since = timezone.now()
    with transaction.atomic():
        waiting = len(connection.run_on_commit)
        _under_way.append(maker.__name__)
        try:
            answer = maker(*args, **kwargs)
        finally:
            _under_way.pop()
        until = timezone.now()
        # Each once: each mail has its delivery started, and one start delivers all of them.
        calls = tuple(
            dict.fromkeys((func, robust) for _, func, robust in connection.run_on_commit[waiting:])
        )
        touched = written_to()
        after = every_row(touched)
        transaction.set_rollback(True)
    before = every_row(touched)
    differ = [
        table for table in after.keys() | before.keys() if after.get(table) != before.get(table)
    ]
    new = {one: sorted(after.get(one, NOTHING) - before.get(one, NOTHING)) for one in differ}
    gone = {one: sorted(before.get(one, NOTHING) - after.get(one, NOTHING)) for one in differ}
    moments = moments_in(new, since, until)
    lasted = len(moments) * APART
    # A clock that stands still has spared nothing: what is planned keeps its hour exactly.
    new = drawn_together(new, since, moments, max(until - since - lasted, timedelta(0)))
    return Begun(new, gone, since, lasted, sequences.numbering(), calls, summary(answer))


def times_in(new: dict[str, list[str]]) -> Iterator[str]:
    """Every time in these rows, as it is written there."""
    for table, rows in new.items():
        places = [column.place for column in tables()[table] if column.is_time]
        for row in rows if places else ():
            values = values_in(row)
            yield from (values[place] for place in places if values[place])


def values_in(row: str) -> list[str]:
    """The values of a row that is written as text, each as it is written there."""
    return VALUE.findall(row[1:-1] + ",")


def moment(written: str) -> datetime | None:
    """The time that is written like this; none where it is at no end, or before all years."""
    try:
        return datetime.fromisoformat(written.strip('"'))
    except ValueError:
        return None


def moments_in(new: dict[str, list[str]], since: datetime, until: datetime) -> list[datetime]:
    """Every time at which something was written, in order."""
    times = {moment(written) for written in set(times_in(new))}
    return sorted(time for time in times if time and since <= time <= until)


def drawn_together(
    new: dict[str, list[str]], since: datetime, moments: list[datetime], spared: timedelta
) -> dict[str, list[str]]:
    """The rows with each of these times put right after the one before it.

    All later ones come as much sooner as that spares: what was planned by a slow maker for an hour
    from its step is due in an hour at most.
    """
    places = {time: place for place, time in enumerate(moments)}
    moved: dict[str, str] = {}
    for written in set(times_in(new)):
        time = moment(written)
        if time in places:
            moved[written] = f'"{since + APART * places[time]}"'
        elif time and time > since:
            moved[written] = f'"{time - spared}"'
    return {table: [with_times(table, row, moved) for row in rows] for table, rows in new.items()}


def with_times(table: str, row: str, moved: dict[str, str]) -> str:
    """The row with other times in the place of these."""
    values = values_in(row)
    for column in tables()[table]:
        if column.is_time:
            values[column.place] = moved.get(values[column.place], values[column.place])
    return f"({','.join(values)})"


def forget_what_was_read(one: models.Model) -> None:
    """Take what an object has read of others out of it: nothing may depend on who made it read."""
    for name in list(vars(one)):
        if isinstance(getattr(type(one), name, None), cached_property):
            del vars(one)[name]
    one._state.fields_cache.clear()
    vars(one).pop("_prefetched_objects_cache", None)


def every_row(among: Iterable[str]) -> dict[str, frozenset[str]]:
    """Every row of these tables, as text, by its table."""
    found: dict[str, set[str]] = {}
    parts = [f"SELECT '{table}', t::text FROM \"{table}\" t" for table in among]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts) or "SELECT '', '' WHERE false")
        for table, row in cursor.fetchall():
            found.setdefault(table, set()).add(row)
    return {table: frozenset(rows) for table, rows in found.items()}


def put_back(begun: Begun) -> None:
    """Write the rows again, their times moved to now; tell who follows a meeting."""
    if not is_alone():
        sequences.forget()
    # Within a test's transaction it needs no point to come back to: a test that fails here is over.
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        if not begun.message:
            begun.message.extend(message(begun, cursor))
        now = timezone.now()
        later = cursor.mogrify(" + %s", [now - begun.since]).decode()
        # All in one message: the way to the server and back takes as long as a table.
        steps = [head.replace(LATER, later) + rows for head, rows in begun.message]
        if statement := sequences.setting(begun.numbering):
            steps.append(cursor.mogrify(*statement).decode())
        with sequences.setting_all(begun.numbering):
            cursor.execute("; ".join(steps))
    for func, robust in begun.on_commit:
        transaction.on_commit(func, robust=robust)
    now_looks(begun.looks[0] if begun.looks else None, begun.looks.append)
    # Nothing was written later than now, on a quick machine either.
    time.sleep(max(0.0, (now + begun.lasted - timezone.now()).total_seconds()))


def message(begun: Begun, cursor: Any) -> Iterator[tuple[str, str]]:
    """The statements that write the rows again: how each begins, and the rows it is about."""

    def among(table: str, rows: list[str]) -> str:
        return str(cursor.mogrify(f'unnest(%s::"{table}"[])', [rows]).decode())

    # A change of this setting has PostgreSQL forget all that it has planned: it is set only where
    # triggers refuse. What they do of rows that are written is done at the end, or harmless.
    deletes = [(table, rows) for table, rows in begun.gone.items() if rows]
    if deletes:
        yield "SET LOCAL session_replication_role = replica", ""
    for table, rows in deletes:
        keys = ", ".join(f'"{one.name}"' for one in tables()[table] if one.is_key)
        head = f'DELETE FROM "{table}" WHERE ({keys}) IN (SELECT {keys} FROM '
        yield head, f"{among(table, rows)})"
    if deletes:
        yield "SET LOCAL session_replication_role = origin", ""
    for table, rows in begun.new.items():
        if rows:
            columns = tables()[table]
            names = ", ".join(f'"{one.name}"' for one in columns)
            values = ", ".join(f'"{one.name}"{LATER * one.is_time}' for one in columns)
            head = f'INSERT INTO "{table}" ({names}) SELECT {values} FROM '
            yield head, among(table, rows)


# --- What a maker gives back ----------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """An object of the database, by its key."""

    model: type[models.Model]
    key: Any


def summary(answer: Any) -> Any:
    """The answer with keys in the place of objects."""
    if isinstance(answer, models.Model):
        return Row(type(answer), answer.pk)
    if isinstance(answer, list):
        return [summary(one) for one in answer]
    if isinstance(answer, dict):
        return {name: summary(one) for name, one in answer.items()}
    if is_dataclass(answer) and not isinstance(answer, type):
        return replace(
            answer, **{one.name: summary(getattr(answer, one.name)) for one in fields(answer)}
        )
    return answer


def renewed(answer: Any, given: list[Any]) -> Any:
    """The answer with objects for its keys: those that were given, or else read afresh."""
    objects: dict[Row, models.Model] = {}
    if not isinstance(answer, Row):
        objects = {Row(type(one), one.pk): one for one in objects_in(given)}
    wanted: dict[type[models.Model], set[Any]] = {}
    for row in rows_in(answer):
        if row not in objects:
            wanted.setdefault(row.model, set()).add(row.key)
    for model, keys in wanted.items():
        for one in with_keys(model).objects(keys=list(keys)):
            objects[Row(model, one.pk)] = one
    return filled(answer, objects)


@functools.cache
def with_keys(model: type[models.Model]) -> ObjectStatement[Any]:
    """What reads the objects of these keys."""
    return ObjectStatement(
        lambda: model._base_manager.filter(is_one_of("pk", given_keys("keys"))).order_by()
    )


def rows_in(answer: Any) -> Iterator[Row]:
    """Every key in an answer."""
    if isinstance(answer, Row):
        yield answer
    elif isinstance(answer, list | dict):
        for one in answer.values() if isinstance(answer, dict) else answer:
            yield from rows_in(one)
    elif is_dataclass(answer):
        for field in fields(answer):
            yield from rows_in(getattr(answer, field.name))


def objects_in(given: Any) -> Iterator[models.Model]:
    """Every object in what a maker was given."""
    if isinstance(given, models.Model):
        yield given
    elif isinstance(given, list):
        for one in given:
            yield from objects_in(one)
    elif is_dataclass(given):
        for field in fields(given):
            yield from objects_in(getattr(given, field.name))


def filled(answer: Any, objects: dict[Row, models.Model]) -> Any:
    """The answer with each key replaced by its object."""
    if isinstance(answer, Row):
        return objects[answer]
    if isinstance(answer, list):
        return [filled(one, objects) for one in answer]
    if isinstance(answer, dict):
        return {name: filled(one, objects) for name, one in answer.items()}
    if is_dataclass(answer) and not isinstance(answer, type):
        return replace(
            answer,
            **{one.name: filled(getattr(answer, one.name), objects) for one in fields(answer)},
        )
    return answer
