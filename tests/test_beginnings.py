"""What one process has made to begin tests with serves the others, and only what can."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from tests import beginnings
from tests.remembered import every_row, written_to


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
