"""A migration behind a lock comes again, and says so; an index waits as long as it takes. 2 s."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.postgres.operations import AddIndexConcurrently
from django.core.management import CommandError, call_command
from django.core.management.commands.migrate import Command as Migrate
from django.db import OperationalError, connection, transaction
from django.db.models import Index

from accounts.management.commands import migrate
from accounts.operations import AddIndexBeside

pytestmark = pytest.mark.django_db


@pytest.fixture
def holder() -> Iterator[Any]:
    """Another connection that holds the table of sessions."""
    other = connection.copy()
    other.ensure_connection()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
    yield other
    other.close()


@pytest.fixture
def runs(monkeypatch: Any) -> list[str]:
    """Let a migration be a statement on the table of sessions; return how it went each time."""
    done: list[str] = []

    def alter(*_args: Any, **_options: Any) -> None:
        done.append("began")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = 50")
            cursor.execute("LOCK TABLE django_session IN SHARE MODE")
        done.append("finished")

    monkeypatch.setattr(Migrate, "handle", alter)
    return done


def test_it_comes_again_until_the_table_is_free(
    holder: Any, runs: list[str], monkeypatch: Any
) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            holder.rollback()

    monkeypatch.setattr(time, "sleep", wait)
    said = StringIO()
    call_command("migrate", stderr=said)
    assert runs == ["began", "began", "began", "finished"]
    assert waits == [migrate.WAIT_SECONDS] * 2
    assert said.getvalue().count("a table that is in use. Nothing of it was done") == 2


def test_it_gives_up_with_a_sentence(holder: Any, runs: list[str], monkeypatch: Any) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    with pytest.raises(CommandError, match="6 times .* and run it again"):
        call_command("migrate", stderr=StringIO())
    assert runs == ["began"] * migrate.TRIES


@pytest.fixture
def migrating() -> Iterator[Any]:
    """A connection as migrations have it, with a limit that is over at once."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1ms'; DROP INDEX IF EXISTS tests_beside")
    yield other
    with other.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS tests_beside")
    other.close()


INDEX = Index(fields=["expire_date", "session_key"], name="tests_beside")


def build(migrating: Any, operation: type[AddIndexConcurrently]) -> tuple[int, bool]:
    """Add the index; return which it is, and whether it serves anybody."""
    state = SimpleNamespace(apps=apps)
    with migrating.schema_editor(atomic=False) as editor:
        operation("session", INDEX).database_forwards("sessions", editor, state, state)
    return found(migrating)


def found(migrating: Any) -> tuple[int, bool]:
    with migrating.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid, indisvalid FROM pg_index WHERE indexrelid = %s::regclass",
            [INDEX.name],
        )
        return cursor.fetchone()


def test_an_index_outlasts_those_who_write_and_what_was_left_of_it(migrating: Any) -> None:
    writer = connection.copy()
    writer.inc_thread_sharing()
    writer.set_autocommit(False)
    with writer.cursor() as cursor:
        cursor.execute("LOCK TABLE django_session IN ROW EXCLUSIVE MODE")
    with pytest.raises(OperationalError):
        build(migrating, AddIndexConcurrently)
    left, serves = found(migrating)
    assert not serves, "PostgreSQL leaves one that bears the name"

    over = Event()

    def go_on() -> None:
        """Finish what is being written once the index waits for it."""
        with writer.cursor() as cursor:
            is_waiting = False
            while not is_waiting and not over.is_set():
                cursor.execute("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")
                (is_waiting,) = cursor.fetchone()
        writer.close()

    with ThreadPoolExecutor() as threads:
        gone = threads.submit(go_on)
        try:
            built, serves = build(migrating, AddIndexBeside)
        finally:
            over.set()
        gone.result()
    assert serves and built != left
    assert build(migrating, AddIndexBeside) == (built, True), "what is there is kept"
    with migrating.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() != ("0",), "what follows is limited again"
