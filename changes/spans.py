"""The times in which a freeze or a maintenance window holds, as local time in a zone says it."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.db.models import DateField, DateTimeField, Func, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

Span = tuple[datetime, datetime]
"""When something begins, and the moment from which on it is over."""

FURTHEST = timedelta(days=3653)
"""A window begins and ends at most so far from today: what lies beyond is a slip of the pen."""
LONGEST_RULE = timedelta(days=731)
"""What comes every week does so for at most two years; then somebody says again that it should."""


def day_in(zone: str | Combinable, moment: datetime | Combinable) -> Cast:
    """Return the day it is at a moment in a zone, as an expression of a query."""
    at = Value(moment, DateTimeField()) if isinstance(moment, datetime) else moment
    place = Value(zone) if isinstance(zone, str) else zone
    there = Func(place, at, function="timezone", output_field=DateTimeField())
    return Cast(there, DateField())


def weekly(
    weekday: int, from_time: time, to_time: time, zone: str, first: date, last: date
) -> list[Span]:
    """Return each time from the first day to the last one, both included.

    One that ends no later than it begins ends on the day after. Where the clocks leave nothing of
    it, it does not hold that week; where they make its end come twice, it ends the second time.
    """
    place = ZoneInfo(zone)
    day = first + timedelta(days=(weekday - first.weekday()) % 7)
    over_night = timedelta(days=1 if to_time <= from_time else 0)
    found = []
    while day <= last:
        starts = datetime.combine(day, from_time, place)
        ends = _second_time(datetime.combine(day + over_night, to_time, place))
        if ends.timestamp() > starts.timestamp():
            found.append((starts, ends))
        day += timedelta(days=7)
    return found


def _second_time(moment: datetime) -> datetime:
    """Return the later moment of two with this local time; what comes once, or never, as it is."""
    return max(moment, moment.replace(fold=1), key=datetime.timestamp)


def said_twice(zone: tzinfo, first: datetime, until: datetime) -> list[Span]:
    """Return the times between two moments whose local time there comes twice.

    As where clocks are put back: nobody can write, in a form, which of the two is meant.
    """
    found: list[Span] = []
    at = first.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while at < until:
        following = at + timedelta(days=1)
        back = _offset(zone, at) - _offset(zone, following)
        if back > timedelta():
            low, high = at, following
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                if _offset(zone, middle) == _offset(zone, at):
                    low = middle
                else:
                    high = middle
            change = (low + timedelta(seconds=59)).replace(second=0, microsecond=0)
            found.append((change - back, change + back))
        at = following
    return found


def _offset(zone: tzinfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def once_faults(starts_at: datetime, ends_at: datetime, now: datetime) -> dict[str, str]:
    """Return what is wrong with a window that holds once, by field."""
    if now - starts_at > FURTHEST:
        return {"starts_at": _("This is more than ten years ago.")}
    if ends_at.timestamp() <= starts_at.timestamp():
        return {"ends_at": _("It must end after it begins.")}
    if ends_at <= now:
        return {"ends_at": _("This moment has passed. Choose a later one.")}
    if ends_at - now > FURTHEST:
        return {"ends_at": _("This is more than ten years ahead.")}
    return {}


def weekly_faults(
    from_time: time, to_time: time, first: date, last: date | None, today: date
) -> dict[str, str]:
    """Return what is wrong with a window that comes every week, by field; one without end is."""
    if from_time == to_time:
        return {"to_time": _("It must end at another time than it begins.")}
    if last is None:
        return {"until": _("Say until which day it comes every week: at most two years on.")}
    if last < max(first, today):
        return {"until": _("The last day must not lie before the first, nor before today.")}
    if last - today > FURTHEST:
        return {"until": _("This is more than ten years ahead.")}
    if last - first > LONGEST_RULE:
        return {"until": _("It comes every week for two years at most. Choose an earlier day.")}
    return {}
