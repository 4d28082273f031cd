"""What is due in the time after the requester was asked; a question to the database each.

Silence is counted from when the question has reached its reader (``heard_at``): not while the
mail waits, not while one that did not arrive is unsettled, and for nobody who has left. It is
the silence of the requester at the address they have now: nobody inherits it.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, TypedDict

from django.conf import settings
from django.db.models import (
    Case,
    DateTimeField,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.db.models.functions import Greatest
from django.utils import timezone
from post_office.models import STATUS

from expansive_cm.statements import Given, Statement

from .models import (
    Change,
    Confirmation,
    ConfirmationLink,
    DeliveryProblem,
    MailEvent,
    Promise,
    Reminder,
    UntoldMove,
)
from .states import FINAL, State

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Heard(TypedDict):
        heard_at: datetime | None

    Heard = WithAnnotations[Confirmation, _Heard]

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
        silent = _silent(limit, ends is not None)
        keys = silent.rows(day=day, begins=now - timedelta(days=day), ends=ends)
        due += [(key, day) for (key,) in keys]
    return due[:limit]


@cache
def _silent(limit: int, is_ended: bool) -> Statement:
    """The statement of who is due on a day: heard of it by ``begins``, and after ``ends``."""

    def waiting() -> QuerySet[Confirmation, tuple[int]]:
        found = _unanswered().filter(heard_at__lte=_given("begins"))
        if is_ended:
            found = found.filter(heard_at__gt=_given("ends"))
        found = found.exclude(Exists(_reminders_to(Given("day"))))
        return found.order_by("heard_at").values_list("pk")[:limit]

    return Statement(waiting)


def _given(name: str) -> Given:
    """Return the place of a moment in a statement."""
    return Given(name, DateTimeField())


def _ladder(now: datetime) -> list[tuple[int, datetime | None]]:
    """Return each day, the last first, and before when one must have asked for a later day."""
    days = sorted(settings.REMINDER_DAYS, reverse=True)
    ends = [None, *(now - timedelta(days=day) for day in days)]
    return list(zip(days, ends, strict=False))


def due_escalations(limit: int) -> list[int]:
    """Return the confirmations whose last reminder went out and stayed unanswered."""
    grace = timezone.now() - ESCALATION_GRACE
    last = max(settings.REMINDER_DAYS)
    begins = grace - timedelta(days=last)
    return [key for (key,) in _to_escalate(limit).rows(day=last, begins=begins, grace=grace)]


@cache
def _to_escalate(limit: int) -> Statement:
    def silent() -> QuerySet[Confirmation, tuple[int]]:
        reminded = _reminders_to(Given("day")).filter(sent_at__lte=_given("grace"))
        found = _unanswered().filter(escalated_at=None, heard_at__lte=_given("begins"))
        found = found.filter(Exists(reminded))
        return found.order_by("heard_at", "pk").values_list("pk")[:limit]

    return Statement(silent)


def unasked(limit: int) -> list[int]:
    """Return the open questions that were put to nobody at the address the requester has now."""
    return [key for (key,) in _not_asked(limit).rows()]


@cache
def _not_asked(limit: int) -> Statement:
    def waiting() -> QuerySet[Confirmation, tuple[int]]:
        links = ConfirmationLink.objects.filter(confirmation=OuterRef("pk"))
        theirs = links.filter(sent_to__iexact=OuterRef("change__requester__email"))
        found = _unanswered().filter(Exists(links)).exclude(Exists(theirs))
        return found.order_by("pk").values_list("pk")[:limit]

    return Statement(waiting)


def _unanswered() -> "QuerySet[Heard]":
    waiting = Confirmation.objects.filter(
        answer="", change__state=State.CONFIRMATION, change__requester__is_active=True
    )
    return with_heard_at(waiting)


def _reminders_to(day: Given) -> QuerySet[Reminder]:
    """Reminders of a day or later that count for whoever is asked now."""
    theirs = Q(sent_to="") | Q(sent_to__iexact=OuterRef("change__requester__email"))
    return Reminder.objects.filter(theirs, confirmation=OuterRef("pk"), after_days__gte=day)


def with_heard_at(confirmations: QuerySet[Confirmation]) -> "QuerySet[Heard]":
    """Add since when each question has been with its reader; None while it is not.

    That is when the first mail with a link to it was sent, to the address that the requester has
    now, that did not come back or, if later, when somebody settled that a mail to the requester
    did not arrive.
    """
    failed = MailEvent.objects.filter(
        email=OuterRef("email"), kind__in=MailEvent.FAILURES, email__isnull=False
    )
    sent = When(email__status=STATUS.sent, then=F("email__last_updated"))
    links = ConfirmationLink.objects.filter(confirmation=OuterRef("pk"))
    arrived = (
        links.filter(sent_to__iexact=OuterRef("change__requester__email"))
        .exclude(Exists(failed))
        .order_by()
        .values("confirmation")
        .annotate(at=Min(Case(When(email=None, then=F("created_at")), sent)))
    )
    problems = DeliveryProblem.objects.filter(
        change=OuterRef("change"), person=OuterRef("change__requester")
    )
    settled = problems.order_by().values("change").annotate(at=Max("resolved_at"))
    return confirmations.annotate(
        heard_at=Case(
            When(Exists(problems.filter(resolved_at=None)), then=None),
            When(change__requester__is_active=False, then=None),
            When(~Exists(links), then=Greatest("asked_at", Subquery(settled.values("at")))),
            default=Greatest(Subquery(arrived.values("at")), Subquery(settled.values("at"))),
        )
    )


def heard_at(confirmation: Confirmation) -> datetime | None:
    """Return since when one question has been with its reader; None while it is not.

    One that was loaded by ``with_heard_at`` is not asked for again.
    """
    if "heard_at" in confirmation.__dict__:
        loaded: datetime | None = confirmation.__dict__["heard_at"]
        return loaded
    found: list[tuple[datetime | None]] = HEARD_AT.rows(key=confirmation.pk)
    return found[0][0] if found else None


HEARD_AT = Statement(
    lambda: with_heard_at(Confirmation.objects.filter(pk=Given("key"))).values_list("heard_at"),
    planned_once=True,
)


def untold_moves() -> list[int]:
    """Return promised changes whose day moved, and nobody is told yet."""
    waiting = UntoldMove.objects.order_by("change_id")
    return list(waiting.values_list("change_id", flat=True))


def unsettled_promises() -> list[int]:
    """Return changes promised by release whose release is not planned yet, or will not come."""
    promised = Change.objects.filter(promise=Promise.THREE_RELEASES).exclude(state__in=FINAL)
    gone = Q(promised_release=None) | Q(promised_release__cancelled_at__isnull=False)
    return list(promised.filter(gone).order_by("pk").values_list("pk", flat=True))
