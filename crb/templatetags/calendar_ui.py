"""How the calendar's pages and mails say when a meeting is: `{% load calendar_ui %}`."""

from django import template
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _

from crb.models import Meeting

register = template.Library()


@register.filter
def meeting_day(meeting: Meeting) -> str:
    """Return day and time where the board meets, short enough for a subject."""
    return f"{date_format(meeting.date, 'D j F Y')}, {time_format(meeting.start, 'H:i')}"


@register.filter
def meeting_when(meeting: Meeting) -> str:
    """Return day, time and zone where the board meets; the reader's time if that is another."""
    begins = meeting.starts_at.astimezone(meeting.tzinfo)
    ends = meeting.ends_at.astimezone(meeting.tzinfo)
    words = (
        f"{date_format(meeting.date, 'l j F Y')}, "
        f"{time_format(begins.time(), 'H:i')}–{time_format(ends.time(), 'H:i')} ({meeting.zone})"
    )
    here = timezone.localtime(meeting.starts_at)
    if here.utcoffset() == begins.utcoffset():
        return words
    own = f"{date_format(here, 'j F')}, {time_format(here.time(), 'H:i')}"
    return _("%(when)s; your time: %(own)s") % {"when": words, "own": own}
