"""When an agenda is published: so many working days before the meeting, at its local time."""

from datetime import UTC, date, datetime, time

import pytest

from crb.schedule import cutoff_of


def london(day: date, days: int, region: str = "GB-ENG") -> str:
    return f"{cutoff_of(day, time(14), 'Europe/London', days, region):%a %d %b %Y %H:%M}"


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        (date(2026, 1, 20), 0, "Tue 20 Jan 2026 14:00"),
        (date(2026, 1, 20), 1, "Mon 19 Jan 2026 14:00"),
        (date(2026, 1, 20), 2, "Fri 16 Jan 2026 14:00"),
        (date(2026, 1, 20), 7, "Fri 09 Jan 2026 14:00"),
        # New Year's Day is no working day.
        (date(2026, 1, 2), 1, "Wed 31 Dec 2025 14:00"),
        # Christmas Day is a Friday; Boxing Day, a Saturday, is given on the Monday.
        (date(2026, 12, 29), 1, "Thu 24 Dec 2026 14:00"),
        (date(2026, 12, 29), 2, "Wed 23 Dec 2026 14:00"),
        # Good Friday 3 April and Easter Monday 6 April 2026.
        (date(2026, 4, 7), 1, "Thu 02 Apr 2026 13:00"),
        (date(2026, 4, 7), 2, "Wed 01 Apr 2026 13:00"),
        # The early May bank holiday is on Monday the 4th.
        (date(2026, 5, 5), 2, "Thu 30 Apr 2026 13:00"),
        # A meeting on a Saturday: the Friday is the first working day before it.
        (date(2026, 1, 17), 1, "Fri 16 Jan 2026 14:00"),
        (date(2026, 1, 17), 0, "Sat 17 Jan 2026 14:00"),
    ],
)
def test_working_days_are_counted_back(day: date, days: int, expected: str) -> None:
    assert london(day, days) == expected


def test_local_time_stays_across_both_clock_changes() -> None:
    # The clocks go forward on Sunday 29 March and back on Sunday 25 October 2026.
    assert london(date(2026, 3, 31), 2) == "Fri 27 Mar 2026 14:00"
    assert london(date(2026, 3, 31), 1) == "Mon 30 Mar 2026 13:00"
    assert london(date(2026, 10, 27), 2) == "Fri 23 Oct 2026 13:00"
    assert london(date(2026, 10, 27), 1) == "Mon 26 Oct 2026 14:00"


def test_the_holidays_are_those_of_the_region() -> None:
    # 2 January is a holiday in Scotland only; without a region there are none.
    assert london(date(2026, 1, 5), 1, "GB-ENG") == "Fri 02 Jan 2026 14:00"
    assert london(date(2026, 1, 5), 1, "GB-SCT") == "Wed 31 Dec 2025 14:00"
    assert london(date(2026, 1, 5), 2, "") == "Thu 01 Jan 2026 14:00"


def test_other_zones_have_their_own_clock() -> None:
    moment = cutoff_of(date(2026, 3, 9), time(9, 30), "America/New_York", 1, "US")
    assert moment == datetime(2026, 3, 6, 14, 30, tzinfo=UTC)


def test_never_after_the_meeting() -> None:
    with pytest.raises(ValueError, match="not published after"):
        london(date(2026, 1, 20), -1)
