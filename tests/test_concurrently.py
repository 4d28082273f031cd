"""Acts at once whose threads keep their sessions: none meets what another has left."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone, translation

from tests.concurrently import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def session() -> int:
    """The number of this thread's session, which answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def end(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [number])


def begin_and_end_nothing() -> None:
    transaction.atomic().__enter__()
    session()


def switch_off_commits() -> None:
    connection.set_autocommit(False)
    session()


def ask_nonsense() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT nonsense")


def fail_to_fail() -> None:
    with pytest.raises(ValueError):
        session()


def speak_otherwise() -> None:
    translation.activate("de")
    timezone.activate("Asia/Tokyo")


def test_sessions_are_kept_and_whatever_an_act_leaves_is_not() -> None:
    first = at_once(session, session)
    assert at_once(session, session) == first
    end(first[0])
    second = at_once(session, session)
    assert second[1:] == first[1:] and second[0] != first[0]
    (at_first,) = at_once(about)
    for act in (begin_and_end_nothing, switch_off_commits, ask_nonsense, speak_otherwise):
        at_once(act)
        for _again in range(2):
            assert at_once(about) == [at_first], act


def about() -> tuple[Any, ...]:
    """What a session says of itself once it answers."""
    session()
    return (
        connection.in_atomic_block,
        connection.get_autocommit(),
        translation.get_language(),
        timezone.get_current_timezone_name(),
    )


def test_what_fails_is_told_by_whatever_it_was() -> None:
    (failed, fine) = at_once(fail_to_fail, session)
    assert "DID NOT RAISE" in str(failed)
    assert isinstance(fine, int)
