"""How the sequences of a test's database stand, so that only those are set that have moved.

A sequence goes on whatever is rolled back, and setting a hundred of them takes longer than the
first statement of most tests. Within a test that is rolled back nobody else writes, and each of its
statements is looked at (`tests/contents.py`): a sequence whose table none of them has inserted into
stands where it stood. Of anything that is not plainly told, all are taken to have moved.
"""

import functools
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection

Numbers = list[tuple[str, int | None]]
"""The last number that each sequence has given out, None where it has given none."""
NUMBERING = (
    "SELECT format('%I', sequencename), last_value FROM pg_sequences WHERE schemaname = 'public'"
)
OF_TABLES = """
SELECT c.relname, format('%I', s.relname)
  FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
  JOIN pg_class c ON c.oid = d.refobjid
 WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
   AND d.deptype IN ('a', 'i')
UNION
SELECT c.relname, format('%I', s.relname)
  FROM pg_attrdef a JOIN pg_class c ON c.oid = a.adrelid
  JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid
   AND d.refclassid = 'pg_class'::regclass
  JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
"""
UNUSED = "(SELECT seqmin FROM pg_sequence WHERE seqrelid = %s::regclass), false"
"""How a sequence is set that has given out no number."""
PLAIN = ("INSERT", "UPDATE", "DELETE", "WITH", "ROLLBACK", "LOCK")
"""How statements begin that say themselves which sequences they move."""
INSERTS = re.compile(r"INSERT\s+(?i:INTO\s+(?:\"?public\"?\.)?\"?(\w+))")
"""Begins with letters as they are: of any case, each place of a long statement is tried."""
INSERTS_OF_ANY_CASE = re.compile(INSERTS.pattern, re.IGNORECASE)
NEXT = re.compile(r"\bnextval\('(\w+)'\)", re.IGNORECASE)
_known: dict[str, int | None] = {}
_setting_all: list[bool] = []
"""Not empty while a statement runs of which it is known where all sequences stand after it."""


@functools.cache
def of_tables() -> dict[str, frozenset[str]]:
    """The sequences that number the rows of each table."""
    found: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(OF_TABLES)
        for table, sequence in cursor.fetchall():
            found.setdefault(table, set()).add(sequence)
    return {table: frozenset(sequences) for table, sequences in found.items()}


def forget() -> None:
    """Any sequence may have moved."""
    _known.clear()


def moved_by(statement: str) -> None:
    """Forget of the sequences which this statement may have moved."""
    if _setting_all:
        return
    if not statement[:20].lstrip().upper().startswith(PLAIN):
        forget()
    if not _known:
        return
    for table in tables_in(statement):
        for sequence in of_tables().get(table, ()):
            _known.pop(sequence, None)
    read_by(statement)


def tables_in(statement: str) -> list[str]:
    """The tables that a statement may insert into; what stands in its values may name more."""
    is_plain = statement.upper().count("INSERT") == statement.count("INSERT")
    return (INSERTS if is_plain else INSERTS_OF_ANY_CASE).findall(statement)


def read_by(statement: str) -> None:
    """Forget of the sequences that this statement asks for a number, or sets."""
    if "tval" not in statement:  # neither of them: one look through most statements
        return
    if "setval" in statement:
        forget()
    elif "nextval" in statement:
        named = NEXT.findall(statement)
        if len(named) < statement.count("nextval"):
            forget()
        for sequence in named:
            _known.pop(sequence, None)


def numbering() -> Numbers:
    """The last number that each sequence has given out, None where it has given none."""
    with connection.cursor() as cursor:
        cursor.execute(NUMBERING)
        numbers: Numbers = cursor.fetchall()
    _known.update(numbers)
    return numbers


def setting(numbers: Numbers) -> tuple[str, list[object]] | None:
    """The statement that lets each sequence stand there, with its values; None if all do.

    Note with `stand` that it has been run.
    """
    others = [(name, last) for name, last in numbers if _known.get(name, -1) != last]
    if not others:
        return None
    # One by one: to look them up in the catalogue takes longer to plan than all of this.
    set_each = (f"setval(%s, {UNUSED if last is None else '%s'})" for _name, last in others)
    values = [value or name for name, last in others for value in (name, last)]
    return f"SELECT {', '.join(set_each)}", values


def stand(numbers: Iterable[tuple[str, int | None]]) -> None:
    """Note where the sequences stand now."""
    _known.update(numbers)


@contextmanager
def setting_all(numbers: Numbers) -> Iterator[None]:
    """Have statements that let every sequence stand there looked through for none."""
    _setting_all.append(True)
    try:
        yield
    except BaseException:
        forget()
        raise
    finally:
        _setting_all.pop()
    stand(numbers)


def number_as(numbers: Numbers) -> None:
    """Let rows be numbered from here on, whatever was taken back since.

    So what a test begins with, and all that it does then, has the same keys in every run.
    """
    if statement := setting(numbers):
        with connection.cursor() as cursor:
            cursor.execute(*statement)
    stand(numbers)
