"""The database of a test run: migrated once, copied for each worker, emptied after commits.

Migrations run once for each state of their files, into a database that stays on the server as a
template; each worker's database, and each later run's, is a copy of it.
"""

import hashlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import TestCase, TransactionTestCase
from psycopg2 import sql

from accounts.history_rows import NUMBERED_FROM
from expansive_cm.prepared import Prepared
from tests import contents, sequences
from tests.browser import end_streams
from tests.contents import tables
from tests.remembered import every_row, may_put_back
from tests.sequences import number_as, numbering

PREFIX = "prepared_"
OURS = ("accounts", "changes", "crb", "audit", "expansive_cm")
LOCK = 4711
"""Held while a template is made: the other worker waits for it, and does not make it again."""


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """Give this process a database of its own, as migrations leave one."""
    own = settings.DATABASES["default"]
    name = own.get("TEST", {}).get("NAME") or f"test_{own['NAME']}"
    with django_db_blocker.unblock():
        template = ensure_template()
        drop(name)
        run("CREATE DATABASE {} TEMPLATE {}", name, template)
        use(name)
        remember_what_migrations_wrote()
    TransactionTestCase._fixture_teardown = give_back
    for case in (TestCase, TransactionTestCase):
        case._fixture_setup = numbered_anew(case)
    contents.watch()
    yield
    end_streams()  # no listener may hold the database when it is dropped
    contents.end_looking()
    with django_db_blocker.unblock():
        connections.close_all()
        drop(name)


# --- The template ---------------------------------------------------------------------------


def ensure_template() -> str:
    """Migrate an empty database unless there is one of exactly these migrations; give its name."""
    name = PREFIX + state_of_migrations()
    with maintenance() as server, server.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [PREFIX + "%"])
        there = {row[0] for row in cursor.fetchall()}
        if name not in there:
            for other in there:
                drop(other)
            migrate(name)
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    return name


def state_of_migrations() -> str:
    """A number for the migrations of every app, and for the models they are of."""
    total = hashlib.sha256()
    for app in sorted(apps.get_app_configs(), key=lambda one: one.label):
        patterns = ["migrations/*.py"]
        if app.name in OURS:
            patterns += ["models.py", "models/*.py", "operations.py", "roles.py", "history_rows.py"]
        for path in sorted(one for pattern in patterns for one in Path(app.path).glob(pattern)):
            total.update(str(path.relative_to(app.path)).encode() + path.read_bytes())
    total.update(inspect.getsource(migrate).encode())
    return total.hexdigest()[:12]


def migrate(name: str) -> None:
    """Make a migrated database of this name, which is there when it is whole and not before."""
    building = name + "_building"
    drop(building)
    run("CREATE DATABASE {}", building)
    use(building)
    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable", verbosity=0)
    connection.close()
    run("ALTER DATABASE {} RENAME TO {}", building, name)


def use(name: str) -> None:
    """Let this process work on that database."""
    connection.close()
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name


def drop(name: str) -> None:
    """Drop a database, whoever is still connected to it."""
    run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def run(statement: str, *names: str) -> None:
    """Run a statement about whole databases."""
    with maintenance() as server, server.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


@contextmanager
def maintenance() -> Iterator[Any]:
    """A connection to the server beside every database of ours."""
    parameters = connection.get_connection_params()
    known = {name: parameters.get(name) for name in ("user", "password", "host", "port")}
    server = psycopg2.connect(dbname="postgres", **known)
    server.autocommit = True
    yield server
    server.close()


# --- Before a test and after it -------------------------------------------------------------

_first_rows: dict[str, frozenset[str]] = {}
_first_numbers: list[tuple[str, int | None]] = []
APART = 1000
"""Each table counts from a thousand of its own: the key of one row is never that of another's."""
BEGINS = {"history_order": NUMBERED_FROM}
"""Where a sequence begins that gives out no lower number."""
IN_USE = " OR ".join(
    f"EXISTS (SELECT FROM {table})"
    for table in ("accounts_user", "accounts_organisation", "changes_change", "crb_board")
)
_is_in_use = Prepared(f"SELECT {IN_USE}", (), {})


def remember_what_migrations_wrote() -> None:
    """Keep the rows that a test must find however the one before it has left them."""
    _first_rows.update(every_row(tables()))
    contents.never_empty(_first_rows)
    number_as(
        [
            (name, BEGINS.get(name, (place + 1) * APART) if last is None else last)
            for place, (name, last) in enumerate(sorted(numbering()))
        ]
    )
    _first_numbers.extend(numbering())


def numbered_anew(case: type[TransactionTestCase]) -> Any:
    """Let the first row of each table have the same number in every test of this kind."""
    begin = case.__dict__["_fixture_setup"].__func__

    def begin_numbered(cls: type[TransactionTestCase]) -> None:
        begin(cls)
        [(in_use,)] = _is_in_use.rows({})
        contents.begin(empty=not in_use)
        if in_use:  # by what a whole file of tests looks at
            sequences.forget()
        else:
            number_as(_first_numbers)

    return classmethod(begin_numbered)


def give_back(case: TransactionTestCase) -> None:
    """Take out every row that a test has committed, and bring back those of migrations.

    Deleting waits for nobody who reads, where truncating waits for whoever has looked at a
    table; and truncating a hundred tables, most of them empty, takes a hundred times as long.
    """
    if not may_put_back():
        emptying("DISABLE")
        call_command("flush", verbosity=0, interactive=False)
        emptying("ENABLE")
        return
    holding = contents.holding()
    with transaction.atomic(), connection.cursor() as cursor:
        # No trigger refuses, no foreign key is asked: everything goes.
        cursor.execute("SET LOCAL session_replication_role = replica")
        steps = [f'DELETE FROM "{table}"' for table in holding]
        for table, rows in _first_rows.items():
            names = ", ".join(f'"{column.name}"' for column in tables()[table])
            insert = f'INSERT INTO "{table}" ({names}) SELECT {names} FROM unnest(%s::"{table}"[])'
            steps.append(cursor.mogrify(insert, [sorted(rows)]).decode())
        cursor.execute(";".join(steps))


def emptying(what: str) -> None:
    """Switch off what refuses that a table is emptied at once, or on again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'never_emptied'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} {what} TRIGGER never_emptied")
