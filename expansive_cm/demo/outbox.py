"""The mail of the past: in the outbox, and delivered when it was written."""

from datetime import datetime, timedelta

from django.db.models import F, Max
from post_office.models import STATUS, Email

from changes.models import Notice

UNREAD = timedelta(days=3)
"""What came later nobody has read yet."""


def deliver_quietly() -> None:
    """Mark every queued message as sent at the time at which it was written.

    But for what was not to be sent any more.
    """
    Email.objects.filter(expires_at=None).exclude(status=STATUS.sent).update(
        status=STATUS.sent, last_updated=F("created"), scheduled_time=None
    )


def read_what_is_older(now: datetime) -> None:
    """Let everybody have read what they were told until some days ago, a while after it came.

    But for the last of each person, whatever the day on which the demonstration is loaded.
    """
    last = Notice.objects.order_by().values("person").annotate(last=Max("pk")).values("last")
    older = Notice.objects.filter(created_at__lt=now - UNREAD).exclude(pk__in=last)
    older.update(read_at=F("created_at") + timedelta(hours=2))
