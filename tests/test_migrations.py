"""An empty database becomes what the models say, by migrating forwards; an older one is known."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from psycopg2 import sql
from simple_history.models import HistoricalChanges

from accounts.operations import KeepHistory
from audit.sources import OWN_APPS
from expansive_cm.health import made_by_an_earlier_version
from expansive_cm.services.processes import StartError
from expansive_cm.services.run import prepare, preparing
from tests.database import ensure_template

# One migrated database serves all tests of this file: they belong into one process.
pytestmark = pytest.mark.xdist_group("migrations")

MADE_BEFORE = [
    ("accounts", "0001_initial"),
    ("accounts", "0005_acts"),
    ("changes", "0001_initial"),
    ("changes", "0017_acts"),
    ("crb", "0001_initial"),
    ("crb", "0011_events"),
]
"""What stands in a database of the time before each app began with one new migration."""


@contextmanager
def database(purpose: str, template: str = "template0") -> Iterator[str]:
    """The address of a new database, empty or a copy of another, which is dropped at the end."""
    server = os.environ["DATABASE_URL"]
    name = f"migrations_{purpose}_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    names = [sql.Identifier(name), sql.Identifier(template)]
    with closing(psycopg2.connect(server)) as server_connection:
        server_connection.autocommit = True
        with server_connection.cursor() as cursor:
            drop = sql.SQL("DROP DATABASE IF EXISTS {}").format(names[0])
            cursor.execute(drop)
            cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
            try:
                yield urlsplit(server)._replace(path=f"/{name}").geturl()
            finally:
                cursor.execute(drop)


@contextmanager
def known_to_django(address: str) -> Iterator[str]:
    """The alias of that database, which this process knows meanwhile."""
    own = {**connection.settings_dict, "NAME": urlsplit(address).path[1:]}
    connections.settings["backwards"] = own
    try:
        yield "backwards"
    finally:
        connections["backwards"].close()
        del connections["backwards"], connections.settings["backwards"]


def rows(address: str, question: str) -> set[Any]:
    """What that database answers: values where it has one column, otherwise tuples."""
    with closing(psycopg2.connect(address)) as asked, asked.cursor() as cursor:
        cursor.execute(question)
        return {row[0] if len(row) == 1 else row for row in cursor.fetchall()}


@pytest.fixture(scope="module")
def migrated(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A copy of what this run's migrations, of exactly these files, made of an empty database."""
    with django_db_blocker.unblock():
        template = ensure_template()
    with database("forwards", template) as address:
        yield address


TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
COLUMNS = (
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
)
TRIGGERS = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgenabled = 'O'"
REFUSING = f"{TRIGGERS} AND pg_get_triggerdef(oid) LIKE '%refuse_rewriting_history()'"


@pytest.mark.django_db
def test_models_and_migrations_agree(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        call_command("makemigrations", check=True, dry_run=True, interactive=False)
    except SystemExit:
        pytest.fail(f"Migrations are missing: {capsys.readouterr().out}")


def test_an_empty_database_gets_every_table_and_column(migrated: str) -> None:
    expected = {
        (model._meta.db_table, field.column)
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
        for field in model._meta.concrete_fields
    }
    present = rows(migrated, COLUMNS)
    assert expected - present == set()
    assert {column for column in present - expected if column[0].startswith(OWN_APPS)} == set()


def test_an_empty_database_gets_every_declared_trigger(migrated: str) -> None:
    expected = {
        (model._meta.db_table, trigger.get_pgid(model))
        for model in apps.get_models()
        for trigger in getattr(model._meta, "triggers", [])
    }
    assert len(expected) >= 15
    assert expected - rows(migrated, TRIGGERS) == set()


def test_an_empty_database_refuses_to_rewrite_history(migrated: str) -> None:
    """Found by looking: a table of history that a migration forgot to protect is named."""
    tables = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if issubclass(model, HistoricalChanges)
    }
    assert len(tables) >= 30
    protected = {table for table, _name in rows(migrated, REFUSING)}
    records = {"changes_authorisation", "changes_boarddecision", "changes_comment"}
    assert protected == tables | {"changes_rawmail"} | records


def test_what_was_created_can_be_taken_back(migrated: str, django_db_blocker: Any) -> None:
    with database("backwards", urlsplit(migrated).path[1:]) as address:
        with django_db_blocker.unblock(), known_to_django(address) as alias:
            call_command("migrate", "changes", "zero", database=alias, verbosity=0)
        ours = {table for table in rows(migrated, TABLES) if table.startswith(("changes_", "crb_"))}
        left = rows(address, TABLES)
        assert ours and not ours & left
        assert "accounts_historicaluser" in {table for table, _name in rows(address, REFUSING)}


@pytest.mark.django_db
def test_a_later_migration_protects_what_is_new_and_leaves_what_stands() -> None:
    state = MigrationLoader(connection).project_state()
    question = f"{REFUSING} AND tgrelid::regclass::text LIKE 'crb_%'"
    with connection.cursor() as cursor:
        cursor.execute(question)
        before = set(cursor.fetchall())
        cursor.execute("DROP TRIGGER append_only ON crb_historicalboard")
        cursor.execute("DROP INDEX crb_historicalboard_person")
        with connection.schema_editor() as editor:
            KeepHistory().database_forwards("crb", editor, state, state)
        cursor.execute(question)
        assert set(cursor.fetchall()) == before
        cursor.execute("SELECT 'crb_historicalboard_person'::regclass")


@pytest.mark.django_db
def test_a_table_that_counted_for_itself_is_numbered_in_order_without_being_rewritten() -> None:
    state = MigrationLoader(connection).project_state()
    table = "crb_historicalboard"
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE {table} ALTER history_id DROP DEFAULT;"
            f"ALTER TABLE {table} ALTER history_id ADD GENERATED BY DEFAULT AS IDENTITY;"
            f"SELECT pg_relation_filenode('{table}')"
        )
        before = cursor.fetchone()
        with connection.schema_editor() as editor:
            KeepHistory().database_forwards("crb", editor, state, state)
        cursor.execute(f"SELECT pg_relation_filenode('{table}')")
        assert cursor.fetchone() == before
        cursor.execute(
            "SELECT column_default FROM information_schema.columns "
            "WHERE table_name = %s AND column_name = 'history_id'",
            [table],
        )
        assert cursor.fetchone() == ("nextval('history_order'::regclass)",)


def test_data_of_an_earlier_version_are_named_and_left_alone(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with database("earlier") as address:
        with closing(psycopg2.connect(address)) as earlier, earlier.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE django_migrations ("
                "id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, "
                "app varchar(255), name varchar(255), applied timestamptz DEFAULT now())"
            )
            cursor.executemany(
                "INSERT INTO django_migrations (app, name) VALUES (%s, %s)", MADE_BEFORE
            )
            earlier.commit()
        logins, environment = tmp_path / "logins", {**os.environ, "DATABASE_URL": address}
        with (
            pytest.raises(StartError, match="could not be prepared"),
            preparing(environment, logins) as process,
        ):
            prepare(process, logins, Event())
        said = "".join(capfd.readouterr())
        assert "made by an earlier version" in said and "make demo-reset" in said
        assert "Traceback" not in said
        assert rows(address, TABLES) == {"django_migrations"}


@pytest.mark.django_db
def test_migrate_names_data_of_an_earlier_version_and_no_others() -> None:
    """One cut off while it was made goes on, and so does one that a later version has seen."""
    first = [node for node in MigrationLoader(connection).graph.root_nodes() if node[0] in OWN_APPS]
    assert {app for app, _name in first} == set(OWN_APPS)
    recorded = MigrationRecorder(connection)
    for seen, is_earlier in [
        ([], False),
        (first[:1], False),
        ([*first, ("changes", "9999_later")], False),
        (MADE_BEFORE, True),
        ([*first[:1], *MADE_BEFORE[2:]], True),
        ([("accounts", "0003_append_only_history")], True),
        ([(app, "0001_first") for app in ("accounts", "changes", "crb")], True),
    ]:
        recorded.migration_qs.filter(app__in=OWN_APPS).delete()
        for migration in seen:
            recorded.record_applied(*migration)
        assert made_by_an_earlier_version() is is_earlier, seen
    with pytest.raises(CommandError, match="(?s)made by an earlier version.*make demo-reset"):
        call_command("migrate", verbosity=0)


def test_an_index_that_is_built_beside_writers_can_be_built_again() -> None:
    """Django's own stops for good at the half that an interruption leaves."""
    migrations = MigrationLoader(None).disk_migrations.values()
    own = [one for one in migrations if one.app_label in OWN_APPS]
    assert own
    assert not [
        one for one in own if AddIndexConcurrently in {type(step) for step in one.operations}
    ]
