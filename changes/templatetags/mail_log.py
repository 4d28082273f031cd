"""How what was mailed is shown, and what became of it: `{% load mail_log %}`."""

from collections.abc import Iterable

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from post_office.models import STATUS, Email

from expansive_cm.post.rows import is_worded
from expansive_cm.ui.templatetags.ui import badge

from ..message_words import TOPICS
from ..models import MailEvent, Notice

register = template.Library()

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
