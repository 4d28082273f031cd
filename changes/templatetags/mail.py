"""What mails need beyond Django's own filters: `{% load mail %}`."""

from datetime import datetime

from django import template
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from post_office.models import STATUS, Email

from accounts.templatetags.ui import badge

register = template.Library()

STATES = {
    STATUS.sent: (_("Sent"), "green", "check"),
    STATUS.queued: (_("Waiting"), "blue", "clock"),
    STATUS.requeued: (_("Tried, waiting"), "amber", "repeat"),
    STATUS.failed: (_("Refused"), "red", "x"),
}


@register.filter
def mail_time(moment: datetime | None) -> str:
    """Write a moment in the reader's time zone, naming the zone."""
    if moment is None:
        return "–"
    zone = timezone.get_current_timezone_name()
    return f"{format_date(timezone.localtime(moment), 'j F Y, H:i')} ({zone})"


@register.filter
def quoted(text: str) -> str:
    """Mark each line of a text as quoted, for the text body of a mail."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())


@register.simple_tag
def mail_state(email: Email) -> SafeString:
    """Show whether a message was sent, waits, or was refused for good."""
    return badge(*STATES[email.status])
