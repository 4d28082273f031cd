"""The mail of the past: in the outbox, and delivered when it was written."""

from django.db.models import F
from post_office.models import STATUS, Email


def deliver_quietly() -> None:
    """Mark every queued message as sent at the time at which it was written.

    But for what was not to be sent any more.
    """
    Email.objects.filter(expires_at=None).exclude(status=STATUS.sent).update(
        status=STATUS.sent, last_updated=F("created"), scheduled_time=None
    )
