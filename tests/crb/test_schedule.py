"""When a board meets: a year of meetings, both clock changes and every bank holiday."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone
from hypothesis import example, given
from hypothesis import strategies as st

from crb.models import Board
from crb.schedule import (
    HolidayPolicy,
    Rhythm,
    holiday_on,
    in_rhythm,
    is_known_region,
    is_skipped,
    months_ahead,
    next_working_day,
    previous_working_day,
    slots,
    to_utc,
)

MONDAYS = Rhythm("Europe/London", 0, time(14), date(2026, 1, 12), 14, "GB-ENG")

A_YEAR_OF_MEETINGS = """
2026-01-12 | 2026-01-12 | 14:00 GMT | 14:00
2026-01-26 | 2026-01-26 | 14:00 GMT | 14:00
2026-02-09 | 2026-02-09 | 14:00 GMT | 14:00
2026-02-23 | 2026-02-23 | 14:00 GMT | 14:00
2026-03-09 | 2026-03-09 | 14:00 GMT | 14:00
2026-03-23 | 2026-03-23 | 14:00 GMT | 14:00
2026-04-06 | 2026-04-07 | 14:00 BST | 13:00 | Easter Monday
2026-04-20 | 2026-04-20 | 14:00 BST | 13:00
2026-05-04 | 2026-05-05 | 14:00 BST | 13:00 | May Day
2026-05-18 | 2026-05-18 | 14:00 BST | 13:00
2026-06-01 | 2026-06-01 | 14:00 BST | 13:00
2026-06-15 | 2026-06-15 | 14:00 BST | 13:00
2026-06-29 | 2026-06-29 | 14:00 BST | 13:00
2026-07-13 | 2026-07-13 | 14:00 BST | 13:00
2026-07-27 | 2026-07-27 | 14:00 BST | 13:00
2026-08-10 | 2026-08-10 | 14:00 BST | 13:00
2026-08-24 | 2026-08-24 | 14:00 BST | 13:00
2026-09-07 | 2026-09-07 | 14:00 BST | 13:00
2026-09-21 | 2026-09-21 | 14:00 BST | 13:00
2026-10-05 | 2026-10-05 | 14:00 BST | 13:00
2026-10-19 | 2026-10-19 | 14:00 BST | 13:00
2026-11-02 | 2026-11-02 | 14:00 GMT | 14:00
2026-11-16 | 2026-11-16 | 14:00 GMT | 14:00
2026-11-30 | 2026-11-30 | 14:00 GMT | 14:00
2026-12-14 | 2026-12-14 | 14:00 GMT | 14:00
2026-12-28 | 2026-12-29 | 14:00 GMT | 14:00 | Boxing Day (observed)
"""
"""By rhythm, held on, local time, UTC, holiday.

The clocks go forward on 29 March 2026 and back on 25 October 2026.
"""

OTHER_MONDAYS_MOVED = """
2026-05-26 instead of 2026-05-25, Spring Bank Holiday
2026-09-01 instead of 2026-08-31, Late Summer Bank Holiday
"""


def test_a_year_of_fortnightly_meetings() -> None:
    lines = []
    for slot in slots(MONDAYS, date(2026, 1, 1), date(2026, 12, 31)):
        local = slot.starts_at.astimezone(ZoneInfo("Europe/London"))
        assert local.date() == slot.on
        parts = [slot.nominal_on, slot.on, f"{local:%H:%M %Z}", f"{slot.starts_at:%H:%M}"]
        lines.append(" | ".join(str(part) for part in [*parts, slot.holiday] if part))
    assert lines == A_YEAR_OF_MEETINGS.strip().splitlines()


EASTER_AND_CHRISTMAS = {
    HolidayPolicy.NEXT_WORKING_DAY: """
2026-04-06 | 2026-04-07 | Easter Monday
2026-05-04 | 2026-05-05 | May Day
2026-12-28 | 2026-12-29 | Boxing Day (observed)
""",
    HolidayPolicy.PREVIOUS_WORKING_DAY: """
2026-04-06 | 2026-04-02 | Easter Monday
2026-05-04 | 2026-05-01 | May Day
2026-12-28 | 2026-12-24 | Boxing Day (observed)
""",
    HolidayPolicy.MEET_ANYWAY: """
2026-04-06 | 2026-04-06
2026-05-04 | 2026-05-04
2026-12-28 | 2026-12-28
""",
}


@pytest.mark.parametrize("policy", HolidayPolicy)
def test_what_a_board_does_on_a_holiday(policy: HolidayPolicy) -> None:
    rhythm = replace(MONDAYS, holiday_policy=policy)
    found = slots(rhythm, date(2026, 1, 1), date(2026, 12, 31))
    lines = [
        " | ".join(str(part) for part in (one.nominal_on, one.on, one.holiday) if part)
        for one in found
        if holiday_on(one.nominal_on, "GB-ENG")
    ]
    assert lines == EASTER_AND_CHRISTMAS[policy].strip().splitlines()
    assert len({one.on for one in found}) == len(found) == 26
    local = {one.starts_at.astimezone(ZoneInfo("Europe/London")).time() for one in found}
    assert local == {time(14)}


@pytest.mark.parametrize(
    ("day", "region", "expected"),
    [
        (date(2026, 4, 6), "GB-ENG", (date(2026, 4, 2), "Easter Monday")),
        (date(2027, 1, 1), "GB-ENG", (date(2026, 12, 31), "New Year's Day")),
        (date(2026, 4, 6), "", (date(2026, 4, 6), "")),
    ],
)
def test_the_working_day_before(day: date, region: str, expected: tuple[date, str]) -> None:
    assert previous_working_day(day, region) == expected


def test_a_day_of_the_rhythm_is_one_whenever_the_meeting_is_held() -> None:
    assert in_rhythm(MONDAYS, date(2026, 4, 6))
    assert not in_rhythm(MONDAYS, date(2026, 4, 7))
    assert not in_rhythm(MONDAYS, date(2026, 4, 13))
    assert not in_rhythm(MONDAYS, date(2025, 12, 29)), "before the first"


def test_the_mondays_between_meet_the_other_bank_holidays() -> None:
    other = Rhythm("Europe/London", 0, time(14), date(2026, 1, 5), 14, "GB-ENG")
    moved = [
        f"{slot.on} instead of {slot.nominal_on}, {slot.holiday}"
        for slot in slots(other, date(2026, 1, 1), date(2026, 12, 31))
        if slot.holiday
    ]
    assert moved == OTHER_MONDAYS_MOVED.strip().splitlines()


@pytest.mark.parametrize(
    ("day", "region", "expected"),
    [
        (date(2026, 4, 3), "GB-ENG", (date(2026, 4, 7), "Good Friday")),
        (date(2026, 12, 25), "GB-ENG", (date(2026, 12, 29), "Christmas Day")),
        (date(2027, 1, 1), "GB-ENG", (date(2027, 1, 4), "New Year's Day")),
        (date(2026, 12, 25), "", (date(2026, 12, 25), "")),
        (date(2026, 12, 24), "GB-ENG", (date(2026, 12, 24), "")),
        (date(2026, 5, 9), "GB-ENG", (date(2026, 5, 9), "")),
    ],
)
def test_a_holiday_moves_to_the_next_working_day(
    day: date, region: str, expected: tuple[date, str]
) -> None:
    assert next_working_day(day, region) == expected


def test_scotland_has_holidays_of_its_own() -> None:
    assert next_working_day(date(2026, 4, 6), "GB-ENG")[0] == date(2026, 4, 7)
    assert next_working_day(date(2026, 4, 6), "GB-SCT")[0] == date(2026, 4, 6)


@pytest.mark.parametrize("region", ["XX", "GB-XXX", "GB-", "ENG"])
def test_unknown_regions_are_known_to_be_unknown(region: str) -> None:
    assert not is_known_region(region)
    assert is_known_region("GB-ENG")
    assert is_known_region("SE")


def test_the_series_begins_on_its_weekday_and_never_before_its_first_date() -> None:
    wednesdays = Rhythm("Europe/London", 2, time(9), date(2026, 9, 10), 14)
    found = [slot.on for slot in slots(wednesdays, date(2026, 1, 1), date(2026, 10, 20))]
    assert found == [date(2026, 9, 16), date(2026, 9, 30), date(2026, 10, 14)]


def test_a_window_may_begin_anywhere_in_the_series() -> None:
    year = slots(MONDAYS, date(2026, 1, 1), date(2026, 12, 31))
    for first in (date(2026, 3, 23), date(2026, 3, 24), date(2026, 4, 6)):
        expected = [slot for slot in year if slot.nominal_on >= first]
        assert slots(MONDAYS, first, date(2026, 12, 31)) == expected


def test_times_that_the_clocks_skip_or_repeat() -> None:
    skipped = to_utc(date(2026, 3, 29), time(1, 30), "Europe/London")
    assert skipped == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    twice = to_utc(date(2026, 10, 25), time(1, 30), "Europe/London")
    assert twice == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert is_skipped(date(2026, 3, 29), time(1, 30), "Europe/London")
    assert not is_skipped(date(2026, 10, 25), time(1, 30), "Europe/London")


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2023, 11, 30), 3, date(2024, 2, 29)),
        (date(2026, 9, 30), 3, date(2026, 12, 30)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
    ],
)
def test_months_ahead(day: date, months: int, expected: date) -> None:
    assert months_ahead(day, months) == expected


ZONES = st.sampled_from(
    "Pacific/Auckland Pacific/Chatham Australia/Lord_Howe Asia/Kolkata Europe/London UTC "
    "America/St_Johns America/New_York Pacific/Honolulu Pacific/Kiritimati".split()
)
"""From the first to have a day to the last, with and without clock changes, north and south."""


@given(
    zone=ZONES,
    first=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    weekday=st.integers(0, 6),
    interval=st.integers(1, 60),
)
@example("Europe/London", date(2028, 2, 29), 1, 14)
@example("Pacific/Auckland", date(2028, 2, 29), 1, 14)
def test_every_meeting_keeps_weekday_distance_and_time_of_day(
    zone: str, first: date, weekday: int, interval: int
) -> None:
    rhythm = Rhythm(zone, weekday, time(14), first, interval)
    found = slots(rhythm, first, months_ahead(first, 12))
    assert found[0].on.weekday() == weekday
    for earlier, later in zip(found, found[1:], strict=False):
        assert (later.on - earlier.on).days == interval
    local = {slot.starts_at.astimezone(ZoneInfo(zone)).time() for slot in found}
    assert local == {time(14)}
    assert {slot.starts_at.astimezone(ZoneInfo(zone)).date() for slot in found} == {
        slot.on for slot in found
    }


@given(
    moment=st.datetimes(datetime(2027, 12, 30), datetime(2028, 12, 31), timezones=st.just(UTC)),
    board=ZONES,
    reader=ZONES,
)
@example(datetime(2028, 2, 29, 11, 30, tzinfo=UTC), "Pacific/Auckland", "Pacific/Honolulu")
@example(datetime(2028, 3, 26, 1, 0, tzinfo=UTC), "Europe/London", "Pacific/Auckland")
@example(datetime(2028, 10, 29, 0, 30, tzinfo=UTC), "Europe/London", "Pacific/Honolulu")
def test_it_is_the_day_where_the_board_meets_whoever_asks(
    moment: datetime, board: str, reader: str
) -> None:
    with time_machine.travel(moment, tick=False), timezone.override(reader):
        assert Board(zone=board).today == moment.astimezone(ZoneInfo(board)).date()
