"""What is due in the time after the requester was asked; a question to the database each."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from .models import Change, Confirmation, Promise
from .states import FINAL, State

ESCALATION_GRACE = timedelta(days=1)
"""How long the last reminder has to work before the owner is told."""


def due_reminders(limit: int) -> list[tuple[int, int]]:
    """Return (confirmation, day) of every reminder to send now, the longest silence first.

    After a standstill only the day reached last is due: the days missed before it are skipped,
    nobody gets three mails at once.
    """
    now = timezone.now()
    due: list[tuple[int, int]] = []
    for day, ends in _ladder(now):
        waiting = _unanswered().filter(asked_at__lte=now - timedelta(days=day))
        if ends is not None:
            waiting = waiting.filter(asked_at__gt=ends)
        waiting = waiting.exclude(reminders__after_days__gte=day)
        keys = waiting.order_by("asked_at").values_list("pk", flat=True)[: limit - len(due)]
        due += [(key, day) for key in keys]
    return due


def _ladder(now: datetime) -> list[tuple[int, datetime | None]]:
    """Return each day, the last first, and before when one must have asked for a later day."""
    days = sorted(settings.REMINDER_DAYS, reverse=True)
    ends = [None, *(now - timedelta(days=day) for day in days)]
    return list(zip(days, ends, strict=False))


def due_escalations(limit: int) -> list[int]:
    """Return the confirmations whose last reminder went out and stayed unanswered."""
    now = timezone.now()
    last = max(settings.REMINDER_DAYS)
    silent = _unanswered().filter(
        escalated_at=None,
        asked_at__lte=now - timedelta(days=last) - ESCALATION_GRACE,
        reminders__after_days__gte=last,
        reminders__sent_at__lte=now - ESCALATION_GRACE,
    )
    return list(silent.order_by("asked_at").values_list("pk", flat=True).distinct()[:limit])


def _unanswered() -> QuerySet[Confirmation]:
    return Confirmation.objects.filter(answer="", change__state=State.CONFIRMATION)


def unsettled_promises() -> list[int]:
    """Return changes promised by release whose date is not, or no longer, the release's."""
    promised = Change.objects.filter(promise=Promise.THREE_RELEASES).exclude(state__in=FINAL)
    moved = Q(promised_release=None) | ~Q(due_on=F("promised_release__planned_on"))
    return list(promised.filter(moved).order_by("pk").values_list("pk", flat=True))
