"""The days that are looked at, and as many just before them."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

BY_WEEKS_UNTIL = 100
"""Of more days than these the charts show months instead of weeks."""
LONGEST = 1830
"""Five years and a few days: no page is asked for more."""
USUAL = 90


@dataclass(frozen=True)
class Span:
    """Days from one to another, both included, in the product's own zone."""

    since: date
    until: date

    @property
    def zone(self) -> ZoneInfo:
        """Where a day begins and ends, for whoever reads it."""
        return ZoneInfo(settings.TIME_ZONE)

    @property
    def length(self) -> int:
        """How many days these are."""
        return (self.until - self.since).days + 1

    @property
    def before(self) -> "Span":
        """As many days, just before these."""
        return Span(self.since - timedelta(days=self.length), self.since - timedelta(days=1))

    @property
    def since_at(self) -> datetime:
        """The moment with which it begins."""
        return _midnight(self.since, self.zone)

    @property
    def until_at(self) -> datetime:
        """The first moment after it."""
        return _midnight(self.until + timedelta(days=1), self.zone)

    @property
    def given(self) -> dict[str, datetime]:
        """Its bounds and where the days before begin, by the names that statements give them."""
        return {"before": self.before.since_at, "since": self.since_at, "until": self.until_at}

    @property
    def by_weeks(self) -> bool:
        """Whether charts show its weeks; else its months."""
        return self.length <= BY_WEEKS_UNTIL

    @property
    def parts(self) -> list[date]:
        """The first day of each of its weeks (Mondays) or months."""
        first, found = self.part_of(self.since), []
        while first <= self.until:
            found.append(first)
            first = self.part_of(first + timedelta(days=7 if self.by_weeks else 31))
        return found

    def part_of(self, day: date) -> date:
        """Return the first day of the week or month of a day."""
        return day - timedelta(days=day.weekday()) if self.by_weeks else day.replace(day=1)

    def part(self, first: date) -> "Span":
        """Return the days of a week or month that lie in it."""
        step = timedelta(days=7 if self.by_weeks else 31)
        last = self.part_of(first + step) - timedelta(days=1)
        return Span(max(first, self.since), min(last, self.until))


def last_days(number: int) -> Span:
    """Return so many days up to today."""
    today = timezone.localdate(timezone=ZoneInfo(settings.TIME_ZONE))
    return Span(today - timedelta(days=number - 1), today)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
