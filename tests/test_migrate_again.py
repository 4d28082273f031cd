"""A migration behind a lock comes again, and says so. About 1 s."""

import time
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.commands.migrate import Command as Migrate
from django.db import connection, transaction

from accounts.management.commands import migrate

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
