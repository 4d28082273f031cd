"""By when something is due that is reckoned in working days: the board knows which those are.

The app of the board, which this one may not ask, hands in its zone and holidays at start-up.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from .models import Change

SATURDAY = 5
LONGEST_BREAK = 30
"""So many days together are no working days at most: a calendar without any ends there."""

Calendar = tuple[str, Callable[[date], bool]]
"""A zone, and whether a day is a holiday in it."""


def product_calendar(change: Change) -> Calendar:
    """Return the product's own zone, in which no holidays are known."""
    return timezone.get_default_timezone_name(), lambda day: False


_calendar: list[Callable[[Change], Calendar]] = [product_calendar]


def provide(calendar: Callable[[Change], Calendar]) -> None:
    """Let the app of the board say which zone and holidays count for a change."""
    _calendar[:] = [calendar]


def due_after(change: Change, moment: datetime, days: int) -> datetime:
    """Return the end of the working day that comes so many of them after the day of a moment."""
    zone, is_holiday = _calendar[0](change)
    day = timezone.localtime(moment, ZoneInfo(zone)).date()
    left = days
    for _attempt in range(days * 7 + LONGEST_BREAK):
        if not left:
            break
        day += timedelta(days=1)
        if day.weekday() < SATURDAY and not is_holiday(day):
            left -= 1
    return datetime.combine(day, time(23, 59), ZoneInfo(zone))
