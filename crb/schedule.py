"""When a board meets: pure functions, without a database or a clock.

A board meets on its weekday every so many days (14 by default) at the same local wall-clock
time. Days are counted as local dates and the time of day is put on afterwards, so that 14:00
in London stays 14:00 across both clock changes; no number of days is ever added to a UTC time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

SATURDAY = 5
LONGEST_BREAK_DAYS = 60
FURTHEST = timedelta(days=366)
"""How far ahead anything of a board may be put; a year that was mistyped would be further."""


class HolidayPolicy(StrEnum):
    """What a board does when its day is a holiday."""

    NEXT_WORKING_DAY = "next_working_day"
    PREVIOUS_WORKING_DAY = "previous_working_day"
    MEET_ANYWAY = "meet_anyway"


@dataclass(frozen=True)
class Rhythm:
    """What decides the dates of a board.

    ``weekday`` counts from Monday = 0. The series begins on the first such weekday on or after
    ``first_date``. ``holiday_region`` is a country with an optional part, as in ``GB-ENG`` or
    ``DE``; empty means that no holidays are observed.
    """

    zone: str
    weekday: int
    start: time
    first_date: date
    interval_days: int = 14
    holiday_region: str = ""
    holiday_policy: HolidayPolicy = HolidayPolicy.NEXT_WORKING_DAY


@dataclass(frozen=True)
class Slot:
    """One date of the series: the day it falls on by rhythm, and the day the board meets."""

    nominal_on: date
    on: date
    starts_at: datetime
    holiday: str = ""


def slots(rhythm: Rhythm, first: date, last: date) -> list[Slot]:
    """Return the meetings whose day by rhythm lies between two local dates, both included."""
    return [slot(rhythm, day) for day in _nominal_days(rhythm, first, last)]


def in_rhythm(rhythm: Rhythm, day: date) -> bool:
    """Whether a local date is a day of the rhythm, whenever the meeting is then held."""
    return day in _nominal_days(rhythm, day, day)


def slot(rhythm: Rhythm, nominal_on: date) -> Slot:
    """Return when the board meets for a day of its rhythm, as its policy for holidays says."""
    on, holiday = _day_held(rhythm, nominal_on)
    return Slot(nominal_on, on, to_utc(on, rhythm.start, rhythm.zone), holiday)


def _day_held(rhythm: Rhythm, nominal_on: date) -> tuple[date, str]:
    if rhythm.holiday_policy == HolidayPolicy.NEXT_WORKING_DAY:
        return next_working_day(nominal_on, rhythm.holiday_region)
    if rhythm.holiday_policy == HolidayPolicy.PREVIOUS_WORKING_DAY:
        return previous_working_day(nominal_on, rhythm.holiday_region)
    return nominal_on, ""


def _nominal_days(rhythm: Rhythm, first: date, last: date) -> Iterator[date]:
    if rhythm.interval_days < 1:
        raise ValueError("a board meets at most once a day")
    day = rhythm.first_date + timedelta(days=(rhythm.weekday - rhythm.first_date.weekday()) % 7)
    if day < first:
        intervals = -((day - first).days // rhythm.interval_days)
        day += timedelta(days=intervals * rhythm.interval_days)
    while day <= last:
        yield day
        day += timedelta(days=rhythm.interval_days)


def next_working_day(day: date, region: str) -> tuple[date, str]:
    """Return the day itself, or the next working day and the name of the holiday it avoids.

    Only a holiday moves a meeting: a board that meets on Saturdays keeps them, but nothing is
    moved onto a weekend.
    """
    return _working_day(day, region, timedelta(days=1))


def previous_working_day(day: date, region: str) -> tuple[date, str]:
    """Return the day itself, or the working day before it and the holiday that it avoids."""
    return _working_day(day, region, timedelta(days=-1))


def _working_day(day: date, region: str, step: timedelta) -> tuple[date, str]:
    name = holiday_on(day, region)
    if not name:
        return day, ""
    for _attempt in range(LONGEST_BREAK_DAYS):
        day += step
        if day.weekday() < SATURDAY and not holiday_on(day, region):
            return day, name
    raise ValueError(f"{region} has no working day within {LONGEST_BREAK_DAYS} days")


def holiday_on(day: date, region: str) -> str:
    """Return the name of the holiday on a day, or "" on any other day."""
    return _holidays(region, day.year).get(day, "") if region else ""


@lru_cache(maxsize=128)
def _holidays(region: str, year: int) -> dict[date, str]:
    country, _separator, part = region.partition("-")
    return dict(holidays.country_holidays(country, subdiv=part or None, years=year).items())


def is_known_region(region: str) -> bool:
    """Whether the holidays of a region are known: ``GB``, ``GB-ENG``, …"""
    country, separator, part = region.partition("-")
    known = holidays.list_supported_countries(include_aliases=True)
    return country in known and (not separator or part in known[country])


def cutoff_of(on: date, start: time, zone: str, days: int, region: str) -> datetime:
    """Return the moment at which the agenda of a meeting is published.

    It lies ``days`` working days before the meeting's day, at the meeting's own local time: days
    are counted as dates, so the clock change does not move it. Neither weekends nor the region's
    holidays count; of a meeting at a weekend the Friday is the first. 0 is the start itself.
    """
    if days < 0:
        raise ValueError("an agenda is not published after its meeting")
    for _working_day in range(days):
        on = _working_day_before(on, region)
    return to_utc(on, start, zone)


def _working_day_before(day: date, region: str) -> date:
    for _attempt in range(LONGEST_BREAK_DAYS):
        day -= timedelta(days=1)
        if day.weekday() < SATURDAY and not holiday_on(day, region):
            return day
    raise ValueError(f"{region} has no working day within {LONGEST_BREAK_DAYS} days")


def to_utc(on: date, at: time, zone: str) -> datetime:
    """Return the moment of a local wall-clock time.

    A time that the clocks skip in spring is read with the offset before the change, so it
    begins by as much later as was skipped; of a time that comes twice in autumn, the first.
    """
    return datetime.combine(on, at, ZoneInfo(zone)).astimezone(UTC)


def is_skipped(on: date, at: time, zone: str) -> bool:
    """Whether the clocks, going forward, leave this local time out."""
    local = datetime.combine(on, at)
    return to_utc(on, at, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local


def months_ahead(day: date, months: int) -> date:
    """Return the same day some months later, or the last of that month where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first_of_next = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last_day = (first_of_next - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last_day))
