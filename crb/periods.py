"""The months that the board looks back upon, and on which day a meeting counts.

A decision belongs to the day of its meeting, or to the day on which that was opened if it was
opened before; one of a ballot without a meeting, whose day is that of its deadline, thus to the
day on which the ballot was opened. The same day counts for attendance.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from django.db.models import DateField
from django.db.models.functions import Least, TruncDate

from expansive_cm.statements import Given

from .models import Board
from .schedule import months_ahead

PERIODS = (3, 6, 12)
"""Months that can be looked back upon."""


@dataclass(frozen=True)
class Period:
    """Days from one to another, both included."""

    months: int
    since: date
    until: date

    @property
    def days(self) -> dict[str, date]:
        """The first day and the last, by the names of filters and of `GIVEN`."""
        return {"since": self.since, "until": self.until}

    def month(self, first: date) -> tuple[date, date]:
        """Return the days of a month that lie in the period."""
        last = months_ahead(first, 1) - timedelta(days=1)
        return max(first, self.since), min(last, self.until)


GIVEN = Period(0, cast(date, Given("since", DateField())), cast(date, Given("until", DateField())))
"""Stands in a statement for a period whose days (``days``) are given when it is run."""


def period_of(board: Board, months: int) -> Period:
    """Return the last so many months up to today, where the board meets."""
    until = board.today
    return Period(months, months_ahead(until, -months) + timedelta(days=1), until)


def counted_on(board: Board, meeting: str = "") -> Least:
    """The day on which a meeting or ballot counts; ``meeting`` is the path that leads to it."""
    opened = TruncDate(f"{meeting}started_at", tzinfo=ZoneInfo(board.zone))
    return Least(f"{meeting}date", opened, output_field=DateField())
