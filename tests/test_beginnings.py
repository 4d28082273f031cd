"""What one process has made to begin tests with serves the others, and only what can."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone
from post_office.models import Email

from accounts.models import SuccessTeam, User
from tests import beginnings
from tests.concurrently import at_once
from tests.contents import looks
from tests.remembered import every_row, remembered, written_to
from tests.sequences import NUMBERING, number_as, numbering

ODD = (
    """A "team", (both\\of, ''them'')\n{NULL,"'%s <later>; 2026-11-30 02:39:31.123456+00""",
    'two""',
    "2026-11-30 02:39:31.123456+00",
)
MOVING = (
    "INSERT INTO accounts_successteam (name, email) VALUES ('One', '')",
    'insert into public."accounts_successteam" (name, email) SELECT name, email FROM '
    "(VALUES ('One', ''), ('Two', '')) AS two(name, email)",
    "Insert Into accounts_successteam (name, email) VALUES ('One', 'insert@example.com')",
    "WITH made AS (INSERT INTO accounts_successteam (name, email) VALUES ('One', '') "
    "RETURNING id) SELECT id FROM made",
    "SET LOCAL lock_timeout = '9s'; INSERT INTO accounts_successteam (name, email) "
    "VALUES ('One', '')",
    "SELECT 1; INSERT INTO accounts_successteam (name, email) VALUES ('One', '')",
    "SELECT nextval('history_order')",
    "SELECT nextval(pg_get_serial_sequence('accounts_successteam', 'id'))",
    "SELECT setval('accounts_successteam_id_seq', 4711)",
    "DO $$ BEGIN PERFORM nextval('history_order'); END $$",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TEST_BEGINNINGS", str(tmp_path))
    return tmp_path


@pytest.fixture
def numbers() -> Iterator[int]:
    return iter(range(10))


def always(_made: Any) -> bool:
    return True


def test_what_was_made_is_read_by_all_others(numbers: Iterator[int]) -> None:
    made = beginnings.shared("cast", lambda: ["made", next(numbers)], always)
    again = beginnings.shared("cast", lambda: ["made", next(numbers)], always)

    assert made == again == beginnings.found("cast") == ["made", 0]
    assert beginnings.found("another cast") is None


@pytest.mark.parametrize("for_others", [True, False])
def test_what_no_other_can_use_stays_with_its_maker(
    numbers: Iterator[int], for_others: bool
) -> None:
    def make() -> Any:
        # What a function within another gives back cannot be written to a file.
        return (lambda: None) if for_others else next(numbers)

    beginnings.shared("cast", make, lambda _made: for_others)

    assert beginnings.found("cast") is None


@pytest.mark.django_db
def test_what_is_read_back_is_all_that_was_written() -> None:
    User.objects.create_user("grace@harbour.example", display_name="Grace")

    rows = every_row(written_to())

    for table in ("accounts_user", "accounts_historicaluser"):
        assert [row for row in rows[table] if "grace@harbour.example" in row]


@pytest.mark.django_db
def test_what_is_put_back_is_what_was_written_whatever_it_holds() -> None:
    @remembered
    def mails() -> list[Email]:
        return [Email.objects.create(from_email="a@a.example", message=text) for text in ODD]

    assert [mail.message for mail in mails()] == list(ODD)


@pytest.mark.django_db
def test_what_is_planned_is_no_later_because_the_maker_was_slow() -> None:
    day = timedelta(days=1)
    with time_machine.travel(timezone.now(), tick=False) as clock:

        @remembered
        def mail() -> Email:
            clock.shift(timedelta(minutes=2))
            return Email.objects.create(from_email="a@a.example", expires_at=timezone.now() + day)

        soon = timedelta(seconds=1)
        assert day - soon < mail().expires_at - timezone.now() < day + soon


@pytest.mark.django_db
@pytest.mark.parametrize("statement", MOVING)
def test_rows_are_numbered_as_before_whatever_has_moved_a_sequence(statement: str) -> None:
    before = numbering()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        cursor.execute(NUMBERING)
        assert cursor.fetchall() != before
        transaction.set_rollback(True)

    number_as(before)

    assert numbering() == before


@pytest.mark.django_db(transaction=True)
def test_a_row_that_another_has_committed_makes_another_beginning() -> None:
    before = looks()
    at_once(lambda: SuccessTeam.objects.create(name="Of another"))
    after = looks()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'looks at tests'"
        )

    assert looks() == after != before
