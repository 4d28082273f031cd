"""What mails need beyond Django's own filters: `{% load mail %}`."""

from collections.abc import Iterable
from datetime import datetime

from django import template
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from post_office.models import STATUS, Email

from expansive_cm.post.rows import is_worded
from expansive_cm.ui.templatetags.ui import badge

from ..message_words import TOPICS
from ..models import MailEvent, Notice

register = template.Library()
LONGEST_COMMENT = 5000

STATES = {
    STATUS.sent: (_("Sent"), "green", "check"),
    STATUS.queued: (_("Waiting"), "blue", "clock"),
    STATUS.requeued: (_("Tried, waiting"), "amber", "repeat"),
    STATUS.failed: (_("Refused"), "red", "x"),
}

BECAME = {
    MailEvent.Kind.REFUSED: ("red", "x"),
    MailEvent.Kind.BOUNCED: ("red", "arrow-back-up"),
    MailEvent.Kind.OPENED: ("blue", "eye"),
    MailEvent.Kind.ANSWERED: ("green", "message"),
}


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
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())


@register.simple_tag
def mail_heading(email: Email, notices: Iterable[Notice] | None = None) -> str:
    """Write the subject of a message, or what it tells of while it has no words.

    ``notices`` are its notices where they are known, in whatever order.
    """
    if is_worded(email):
        return email.subject or str(_("(no subject)"))
    told = sorted(email.notices.all() if notices is None else notices, key=lambda one: one.pk)
    topics = dict.fromkeys(mail_topic(one) for one in told)
    about = (email.headers or {}).get("X-Change-Request") or _("Changes")
    words = {"reference": about, "topics": ", ".join(topics)}
    if email.expires_at:
        return _("[%(reference)s] Never worded: %(topics)s") % words
    if email.status == STATUS.failed:
        return _("[%(reference)s] Could not be worded: %(topics)s") % words
    return _("[%(reference)s] To be worded when it goes out: %(topics)s") % words


@register.simple_tag
def mail_topic(notice: Notice) -> str:
    """Write what a notice is about, in few words."""
    return str(TOPICS.get(notice.message, notice.message))


@register.simple_tag
def mail_state(email: Email) -> SafeString:
    """Show whether a message was sent, waits, or was refused for good."""
    return badge(*STATES[email.status])


@register.simple_tag
def mail_event(event: MailEvent) -> SafeString:
    """Show what became of a message after it was written."""
    kind = MailEvent.Kind(event.kind)
    return badge(kind.label, *BECAME[kind])
