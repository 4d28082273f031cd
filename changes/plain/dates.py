"""Days and times as they stand in a sentence, in the reader's time zone."""

from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _


def local_day(when: date | datetime) -> date:
    """Return the day of a moment in the reader's zone; a day is itself."""
    return timezone.localtime(when).date() if isinstance(when, datetime) else when


def day(when: date | datetime, today: date) -> str:
    """Write a day: ``3 December``, with its year where that is not this one."""
    local = local_day(when)
    return date_format(local, "j F" if local.year == today.year else "j F Y")


def span(start: datetime, end: datetime, today: date) -> str:
    """Write from when to when something is planned, naming the zone."""
    first, last = timezone.localtime(start), timezone.localtime(end)
    until = date_format(last, "H:i")
    if first.date() != last.date():
        until = _("%(day)s, %(time)s") % {"day": day(end, today), "time": until}
    return _("%(day)s, %(start)s to %(end)s (%(zone)s)") % {
        "day": day(start, today),
        "start": date_format(first, "H:i"),
        "end": until,
        "zone": timezone.get_current_timezone_name(),
    }
