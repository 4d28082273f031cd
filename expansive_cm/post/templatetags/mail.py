"""What mails need beyond Django's own filters: `{% load mail %}`."""

from datetime import datetime

from django import template
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.text import Truncator

from expansive_cm import texts

register = template.Library()
LONGEST_COMMENT = 5000


@register.filter
def mail_time(moment: datetime | None) -> str:
    """Write a moment in the reader's time zone, naming the zone."""
    if moment is None:
        return "–"
    zone = timezone.get_current_timezone_name()
    return f"{format_date(timezone.localtime(moment), 'j F Y, H:i')} ({zone})"


@register.filter
def for_mail(body: str) -> str:
    """Return so much of a comment as a mail tells."""
    return Truncator(body).chars(LONGEST_COMMENT)


@register.filter
def quoted(text: str) -> str:
    """Mark each line of a text as quoted, for the text body of a mail."""
    return texts.quoted(text.strip())
