"""Who has not answered for how long, and how content those are who have."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Avg, Count, Exists, F, Min, OuterRef, Prefetch, Q, QuerySet
from django.db.models.fields import DateTimeField
from django.db.models.functions import TruncMonth
from django.utils import timezone
from django.utils.translation import gettext as _

from expansive_cm.texts import Text
from expansive_cm.ui.paging import Order

from .models import Confirmation, ContactAttempt, DeliveryProblem
from .reminders import with_heard_at
from .states import State

LONGEST_SILENCE = Order("asked", F("asked_at"), DateTimeField())
LATEST_RATING = Order("rated", F("rated_at"), DateTimeField(), descending=True)
STARS = (5, 4, 3, 2, 1)


# Those who have not answered ------------------------------------------------------------------


def unanswered() -> QuerySet[Confirmation]:
    """Questions to requesters that wait for their answer."""
    return Confirmation.objects.filter(answer="", change__state=State.CONFIRMATION)


def of_teams(confirmations: QuerySet[Confirmation], teams: set[int]) -> QuerySet[Confirmation]:
    """Questions about changes of customers that one of these success teams looks after."""
    return confirmations.filter(change__organisation__success_team__in=teams)


def undelivered(change: str = "change", requester: str = "change__requester") -> Q:
    """The condition for a question whose requester a mail about the change did not reach.

    ``change`` and ``requester`` are the ways there from what is queried, be it not the question.
    """
    open_problems = DeliveryProblem.objects.filter(
        change=OuterRef(change), person=OuterRef(requester), resolved_at=None
    )
    return Q(Exists(open_problems))


@dataclass(frozen=True)
class Age:
    """Silence of at least ``days``, and less than ``until`` days where that is given."""

    days: int
    until: int | None

    @property
    def key(self) -> str:
        """How an address names it."""
        return str(self.days)

    @property
    def label(self) -> Text:
        """The span in words."""
        if self.until is None:
            return _("%d days and more") % self.days
        if not self.days:
            return _("less than %d days") % self.until
        return _("%(days)d to %(until)d days") % {"days": self.days, "until": self.until}

    def condition(self, now: datetime) -> Q:
        """Return the condition for a question of this age."""
        asked = Q(asked_at__lte=now - timedelta(days=self.days))
        if self.until is not None:
            asked &= Q(asked_at__gt=now - timedelta(days=self.until))
        return asked


def ages() -> list[Age]:
    """Return the spans between one reminder and the next."""
    days = [0, *sorted(settings.REMINDER_DAYS)]
    return [Age(*pair) for pair in zip(days, [*days[1:], None], strict=True)]


def silence(confirmations: QuerySet[Confirmation]) -> dict[str, Any]:
    """Count questions by age, those after the last reminder and those not delivered. One query."""
    now = timezone.now()
    counted = {f"age_{age.key}": Count("pk", filter=age.condition(now)) for age in ages()}
    return confirmations.aggregate(
        all=Count("pk"),
        longest=Min("asked_at"),
        escalated=Count("pk", filter=Q(escalated_at__isnull=False)),
        undelivered=Count("pk", filter=undelivered()),
        **counted,
    )


def with_chase(confirmations: QuerySet[Confirmation]) -> QuerySet[Confirmation]:
    """Load all that a row shows about what was done to get an answer. Four queries more."""
    problems = DeliveryProblem.objects.filter(resolved_at=None)
    return (
        with_heard_at(confirmations)
        .select_related("change__organisation__success_team", "change__requester", "change__owner")
        .prefetch_related(
            "links",
            "reminders",
            Prefetch("contact_attempts", ContactAttempt.objects.select_related("by")),
            Prefetch("change__delivery_problems", problems, to_attr="open_problems"),
        )
    )


def open_problems(teams: set[int] | None) -> QuerySet[DeliveryProblem]:
    """Mails that did not arrive and that nobody has settled, the newest first."""
    problems = DeliveryProblem.objects.filter(resolved_at=None)
    if teams is not None:
        problems = problems.filter(change__organisation__success_team__in=teams)
    return problems.select_related("change__organisation", "person").order_by("-pk")


# How content they are -------------------------------------------------------------------------


def rated() -> QuerySet[Confirmation]:
    """Answers with a rating."""
    return Confirmation.objects.filter(rated_at__isnull=False)


def rated_since(confirmations: QuerySet[Confirmation], months: int) -> QuerySet[Confirmation]:
    """Ratings of this month and the ``months`` - 1 before it, in the viewer's zone."""
    first = months_back(timezone.localdate(), months - 1)
    begin = timezone.make_aware(datetime(first.year, first.month, 1))
    return confirmations.filter(rated_at__gte=begin)


def months_back(day: date, months: int) -> date:
    """Return the first day of the month so many months before a day's."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


@dataclass(frozen=True)
class Month:
    """The ratings of one month."""

    begin: date
    average: float | None
    number: int


def by_month(confirmations: QuerySet[Confirmation], months: int) -> list[Month]:
    """Return the average and number of ratings of each month, the oldest first. One query."""
    zone = timezone.get_current_timezone()
    rows = (
        rated_since(confirmations, months)
        .order_by()
        .values(month=TruncMonth("rated_at", tzinfo=zone))
        .annotate(average=Avg("rating"), number=Count("pk"))
    )
    found = {row["month"].date(): row for row in rows}
    today = timezone.localdate()
    begins = [months_back(today, back) for back in range(months - 1, -1, -1)]
    return [_month(begin, found.get(begin)) for begin in begins]


def _month(begin: date, row: Mapping[str, Any] | None) -> Month:
    if row is None:
        return Month(begin, None, 0)
    return Month(begin, round(float(row["average"]), 2), row["number"])


def contentment(confirmations: QuerySet[Confirmation]) -> dict[str, Any]:
    """Return average, number, and the number of each rating. One query."""
    counted = {f"stars_{stars}": Count("pk", filter=Q(rating=stars)) for stars in STARS}
    return confirmations.aggregate(average=Avg("rating"), number=Count("pk"), **counted)


def with_change(confirmations: QuerySet[Confirmation]) -> QuerySet[Confirmation]:
    """Join what a row of the ratings shows."""
    return confirmations.select_related(
        "change__organisation__success_team", "change__requester", "change__owner"
    )


def latest_of(changes: list[int]) -> dict[int, Confirmation]:
    """Return the newest question on each change's present path. One query."""
    found = Confirmation.objects.filter(change__in=changes, path=F("change__path"))
    return {one.change_id: one for one in found.order_by("pk")}
