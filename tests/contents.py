"""What the database of a test holds, in one number by which two beginnings are told apart.

Reading it is quick and planning it is not: a statement over a hundred tables. So it is about those
alone that can hold rows, and the number is kept for as long as nothing has been written: within a
test that is rolled back, where nobody else writes, every statement that is no mere reading makes
it forgotten.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psycopg2
from django.db import connection

from expansive_cm.prepared import NAMED, ONE_PLAN
from tests import sequences

OUTSIDE = ("django_migrations", "django_content_type", "auth_permission")
"""Written by migrations alone."""
BESIDE = ("django_session", "expansive_cm_cache")
"""Who is signed in decides nothing that a maker writes."""
COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL),
       coalesce(a.attnum = ANY (k.conkey), false), place
  FROM (SELECT *, row_number() OVER (PARTITION BY attrelid ORDER BY attnum) - 1 AS place
          FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped) AS a
  JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attgenerated = ''
 ORDER BY c.relname, a.attnum
"""
WRITTEN_TO = """
SELECT relname FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
   AND pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
       + pg_stat_get_xact_tuples_deleted(oid) > 0
"""
ASKS = (f"EXECUTE {NAMED}".upper(), f"PREPARE {NAMED}".upper())
"""How questions begin that the product prepares, the first time with a run in the same message."""
READS = ("SELECT", "SAVEPOINT", "RELEASE", "SET")
"""How statements begin that leave every row as it is, where they are one and not several."""
MOST = (f"EXECUTE {NAMED}", "SELECT ")
"""How most of those are written to the letter, which is told at once."""


@dataclass(frozen=True)
class Column:
    """A column that rows are written to."""

    name: str
    type: str
    is_key: bool
    place: int
    """Which of the values it is where a row is written as text."""

    @property
    def is_time(self) -> bool:
        return self.type == "timestamp with time zone"


@functools.cache
def tables() -> dict[str, list[Column]]:
    """Every table that tests write to, with its columns."""
    found: dict[str, list[Column]] = {}
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        for table, *column in cursor.fetchall():
            if table not in OUTSIDE:
                found.setdefault(table, []).append(Column(*column))
    return found


def looks_of(names: Iterable[str]) -> str:
    """The statement that says in one number what these tables hold, but for times."""
    parts = []
    for table in names:
        if table in BESIDE:
            continue
        kept = ", ".join(f'"{one.name}"' for one in tables()[table] if not one.is_time)
        parts.append(f"SELECT '{table}' || ROW({kept})::text AS row FROM \"{table}\"")
    # Ordered by bytes: a collation takes ten times as long.
    return (
        "SELECT md5(string_agg(row, E'\\n' ORDER BY row COLLATE \"C\")) "
        f"FROM ({' UNION ALL '.join(parts)}) AS rows"
    )


def written_to() -> list[str]:
    """The tables that the transaction under way has written to so far."""
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN_TO)
        return [table for (table,) in cursor.fetchall() if table in tables()]


@dataclass
class Kept:
    """The number of a moment, and the transaction in which it was told."""

    within: Any
    number: str | None = None
    passed_on: Callable[[str], None] | None = None
    """Who wants to know the number once it is told."""


_kept: list[Kept] = []
_at_first: list[str] = []
"""The number of a database to which nobody has committed anything yet."""
_never_empty: set[str] = set()
"""The tables to which migrations have written rows."""
_began_empty: list[bool] = [False]
"""Whether the test began with those rows alone."""
_were_alone: list[bool] = [False]
"""Whether nobody else wrote in the test before, or in this one once it has begun."""


def _still_kept() -> Kept | None:
    """What is kept of this moment, where nothing has been written since."""
    test = _transaction_of_test()
    return _kept[-1] if _kept and test is not None and _kept[-1].within is test else None


def is_known() -> bool:
    """Whether the number need not be read: nothing has been written since it was told."""
    kept = _still_kept()
    return kept is not None and kept.number is not None


def looks() -> str:
    """One number for what the database holds, but for times."""
    test = _transaction_of_test()
    kept = _still_kept()
    if kept is not None and kept.number is not None:
        return kept.number
    number = _read()
    if kept is not None and kept.passed_on is not None:
        kept.passed_on(number)
    if test is not None:
        _kept[:] = [Kept(test, number)]
    return number


def now_looks(number: str | None, passed_on: Callable[[str], None]) -> None:
    """Note what the database looks like now; who cannot tell is told when it is read."""
    test = _transaction_of_test()
    _kept[:] = [] if test is None else [Kept(test, number, passed_on)]


def begin(*, empty: bool) -> None:
    """A test begins; in an empty database all begin alike until somebody commits something."""
    forget()
    if not (is_alone() and _were_alone[0]):
        sequences.forget()
    _were_alone[:] = [is_alone()]
    _began_empty[:] = [empty]
    if _transaction_of_test() is None or not empty:
        _at_first.clear()
    else:
        now_looks(_at_first[0] if _at_first else None, _at_first.append)


def never_empty(names: Iterable[str]) -> None:
    """Note which tables hold rows in every test."""
    _never_empty.update(names)


def forget() -> None:
    """The database may look otherwise now."""
    _kept.clear()


def watch() -> None:
    """Have every statement of this process looked at from now on."""
    if _watched not in connection.execute_wrappers:
        connection.execute_wrappers.append(_watched)


def _watched(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    try:
        return execute(sql, params, many, context)
    finally:
        if not isinstance(sql, str):
            sequences.forget()
            _has_written()
        elif _only_reads(sql):
            sequences.read_by(sql)
        else:
            sequences.moved_by(sql)
            _has_written()


def _only_reads(sql: str) -> bool:
    if sql.startswith(MOST) and ";" not in sql:
        return True
    begins = sql.removeprefix(f"{ONE_PLAN}; ")[:20].lstrip().upper()
    return begins.startswith(ASKS) or (begins.startswith(READS) and ";" not in sql)


def _has_written() -> None:
    forget()
    if not is_alone():
        sequences.forget()
        _at_first.clear()


def is_alone() -> bool:
    """Whether nobody else writes: within a test that is rolled back."""
    return _transaction_of_test() is not None


def _transaction_of_test() -> Any:
    """The transaction of a test that is rolled back, or None: others might write as well."""
    blocks = connection.atomic_blocks
    return blocks[0] if blocks and blocks[0]._from_testcase else None


def _read() -> str:
    """Read the tables that can hold rows: of a hundred, those that this test has written to."""
    begun_here = is_alone() and _began_empty[0]
    names = {*(_never_empty if begun_here else holding()), *written_to()}
    with connection.cursor() as cursor:
        cursor.execute(looks_of(sorted(names)))
        return str(cursor.fetchone()[0])


# --- What has been committed ----------------------------------------------------------------

_beside: list[Any] = []
"""A session that only looks, and for which this look is planned once."""


def holding() -> list[str]:
    """The tables that hold rows which somebody has committed.

    Planning this takes longer than all else in a test, and putting back what deletes rows has
    PostgreSQL forget what a session has planned: so another session looks.
    """
    try:
        return _holding()
    except psycopg2.errors.LockNotAvailable:  # the test itself has locked a table
        return list(tables())
    except psycopg2.OperationalError:  # the session was ended, and another will do
        _beside.clear()
        return _holding()


def _holding() -> list[str]:
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    where = {name: parameters[name] for name in names if name in parameters}
    if _beside[1:] != [where] or _beside[0].closed:
        end_looking()
        session = psycopg2.connect(
            application_name="looks at tests", options="-c lock_timeout=1s", **where
        )
        session.autocommit = True
        parts = ", ".join(
            f"CASE WHEN EXISTS (SELECT FROM \"{table}\") THEN '{table}' END" for table in tables()
        )
        with session.cursor() as cursor:
            cursor.execute(f"PREPARE holding AS SELECT array_remove(ARRAY[{parts}], NULL)")
        _beside[:] = [session, where]
    with _beside[0].cursor() as cursor:
        cursor.execute("EXECUTE holding")
        return list(cursor.fetchone()[0])


def end_looking() -> None:
    """Let go of the database."""
    if _beside:
        _beside[0].close()
    _beside.clear()
