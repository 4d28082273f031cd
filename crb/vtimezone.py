"""VTIMEZONE components for the time zones of meetings: pure, from the time zone database.

Calendars that do not know a zone by its name read its rules here. Where the clocks change by a
yearly rule, as in Europe, each change is written as one (RRULE), because widely used calendars
ignore lists of dates; zones whose changes follow no such rule get the list.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vRecur

DAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
YEARS_COMPARED = 3
WEEK = 7


@dataclass(frozen=True)
class ClockChange:
    """One change of the clocks: the wall clock it strikes at, and the offsets around it."""

    at: datetime
    before: timedelta
    after: timedelta
    name: str


@dataclass(frozen=True)
class YearlyRule:
    """A change that comes every year on the same weekday of a month; -1 is the month's last."""

    first: ClockChange
    nth: int


def vtimezone(zone: str, year: int) -> Timezone:
    """Return the component that describes a zone from a year on."""
    years = [_changes(zone, one) for one in range(year, year + YEARS_COMPARED)]
    rules = _rules(years)
    if rules is None:
        return Timezone.from_tzinfo(
            ZoneInfo(zone), zone, first_date=date(year, 1, 1), last_date=date(year + 10, 1, 1)
        )
    component = Timezone()
    component.add("tzid", zone)
    for rule in rules:
        component.add_component(_observance(rule))
    if not rules:
        component.add_component(_fixed(zone, year))
    return component


def _rules(years: list[list[ClockChange]]) -> list[YearlyRule] | None:
    """Return one rule per change of a year, or None if the years do not follow the same ones."""
    if len({len(changes) for changes in years}) != 1:
        return None
    rules = [_rule(same) for same in zip(*years, strict=True)]
    found = [rule for rule in rules if rule is not None]
    return found if len(found) == len(rules) else None


def _rule(changes: tuple[ClockChange, ...]) -> YearlyRule | None:
    first = changes[0]
    if len({_kind(one) for one in changes}) != 1:
        return None
    for place in (_from_end, _from_start):
        places = {place(one.at) for one in changes}
        if len(places) == 1:
            nth = places.pop()
            return YearlyRule(first, nth) if nth in (-1, 1, 2, 3, 4) else None
    return None


def _kind(change: ClockChange) -> tuple[object, ...]:
    at = change.at
    return (at.month, at.weekday(), at.time(), change.before, change.after)


def _from_start(at: datetime) -> int:
    return (at.day - 1) // WEEK + 1


def _from_end(at: datetime) -> int:
    """-1 for the last such weekday of its month; 0 for all others, which are counted forwards."""
    return -1 if (at + timedelta(days=WEEK)).month != at.month else at.day * 10


def _observance(rule: YearlyRule) -> TimezoneDaylight | TimezoneStandard:
    change = rule.first
    forward = change.after > change.before
    component = TimezoneDaylight() if forward else TimezoneStandard()
    component.add("dtstart", change.at)
    weekday = f"{rule.nth}{DAY_CODES[change.at.weekday()]}"
    component.add("rrule", vRecur(freq="YEARLY", bymonth=change.at.month, byday=weekday))
    component.add("tzoffsetfrom", change.before)
    component.add("tzoffsetto", change.after)
    component.add("tzname", change.name)
    return component


def _fixed(zone: str, year: int) -> TimezoneStandard:
    moment = datetime(year, 1, 1, tzinfo=ZoneInfo(zone))
    component = TimezoneStandard()
    component.add("dtstart", moment.replace(tzinfo=None))
    component.add("tzoffsetfrom", moment.utcoffset())
    component.add("tzoffsetto", moment.utcoffset())
    component.add("tzname", moment.tzname())
    return component


@lru_cache(maxsize=256)
def _changes(zone: str, year: int) -> list[ClockChange]:
    return list(_find_changes(ZoneInfo(zone), year))


def _find_changes(zone: ZoneInfo, year: int) -> Iterator[ClockChange]:
    day = datetime(year, 1, 1, tzinfo=UTC)
    while day.year == year:
        following = day + timedelta(days=1)
        if _offset(day, zone) != _offset(following, zone):
            moment = _minute_of_change(day, following, zone)
            before, after = _offset(moment - timedelta(minutes=1), zone), _offset(moment, zone)
            wall = (moment + before).replace(tzinfo=None)
            yield ClockChange(wall, before, after, moment.astimezone(zone).tzname() or "")
        day = following


def _minute_of_change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    old = _offset(low, zone)
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) // 2
        middle -= timedelta(seconds=middle.second, microseconds=middle.microsecond)
        low, high = (middle, high) if _offset(middle, zone) == old else (low, middle)
    return high


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
