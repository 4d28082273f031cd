"""What the figures are counted from: rows with a moment, a kind, and the days that it took.

Which changes
    Every one that was ever sent. Those that were imported came and ended when their file says so;
    how long they were in a state nobody knows.

Which moment
    A row counts on the day on which what it tells of was done: submitted, ended, decided, deployed,
    answered, or taken to another state. What the board took back counts for nothing, nor does the
    time in the state that it had led to, and of a decision that it corrected only the correction.

DORA
    Deployments, and how many of them failed, are those of code changes. One failed that was rolled
    back. Its lead time begins with the record of the code that was deployed, as that is when it was
    handed over; recovery is from what was rolled back to the deployment of the same change that
    went well. Rework is what was deployed again after an earlier deployment of the same change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import (
    Case,
    Count,
    DateField,
    DateTimeField,
    Exists,
    F,
    FloatField,
    Func,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, TruncMonth, TruncWeek

from expansive_cm.database.aggregates import Percentile
from expansive_cm.statements import Given, Statement, rows_of_all

from ..models import BoardDecision, Change, Confirmation, Deployment, Event, Execution
from ..models.board import ACCEPTING
from ..states import OPEN, State
from .span import Span

Rows = QuerySet[Any]
MOST_CUSTOMERS = 20


def _days(since: str | Combinable, until: str | Combinable) -> Func:
    """The time from one moment to another, in days.

    No time where the second is earlier: the noon of an imported day, or a clock that was put right.
    """
    first, last = (F(one) if isinstance(one, str) else one for one in (since, until))
    return Func(
        last,
        first,
        template="GREATEST(date_part('epoch', %(expressions)s) / 86400, 0)",
        arg_joiner=" - ",
        output_field=FloatField(),
    )


NO_TIME = Cast(Value(None), FloatField())


@dataclass(frozen=True)
class Source:
    """Rows of one model that are counted.

    ``moment`` names when each counts, ``kind`` what tells them apart, ``since`` what its days begin
    with, and ``change`` the path to its change ("" for a change itself).
    """

    rows: Callable[[], Rows]
    moment: str
    kind: str = ""
    since: str | Combinable | None = None
    change: str = "change"

    @property
    def is_timed(self) -> bool:
        """Whether it is known how long each took."""
        return self.since is not None

    def counted(self, rows: Rows | None = None) -> Rows:
        """Its rows, or some of them, each with ``moment``, ``named``, ``days`` and ``subject``.

        ``named`` is the kind of each, ``subject`` the key of its change.
        """
        found = self.rows() if rows is None else rows
        return found.annotate(
            moment=F(self.moment),
            named=Cast(F(self.kind) if self.kind else Value(""), TextField()),
            days=NO_TIME if self.since is None else _days(self.since, self.moment),
            subject=F(self.change or "pk"),
        )

    @property
    def customer(self) -> str:
        """The path to the customer."""
        return f"{self.change}__organisation" if self.change else "organisation"


def _ended() -> Rows:
    return Change.objects.filter(closed_at__isnull=False, submitted_at__isnull=False)


def _closed() -> Rows:
    return _ended().filter(state=State.CLOSED)


def _left_stages() -> Rows:
    return Event.objects.filter(entered_at__isnull=False, from_state__in=sorted(OPEN))


def _left_testing() -> Rows:
    after = (State.DEVELOPMENT, State.DEPLOYMENT)
    return _left_stages().filter(from_state=State.TESTING, to_state__in=after)


def _decided() -> Rows:
    corrected = BoardDecision.objects.filter(corrects=OuterRef("pk"), taken_back_at=None)
    return BoardDecision.objects.filter(~Exists(corrected), taken_back_at=None)


def _deployed() -> Rows:
    return Deployment.objects.filter(finished_at__isnull=False)


def _went_well() -> Rows:
    return _deployed().filter(outcome=Deployment.Outcome.SUCCEEDED)


def _earlier() -> Rows:
    """Deployments of the same change that were finished before."""
    return _deployed().filter(change=OuterRef("change"), finished_at__lt=OuterRef("finished_at"))


def _deployed_again() -> Rows:
    return _deployed().filter(Exists(_earlier()))


def _failed() -> Rows:
    """Deployments of the same change that were rolled back, with nothing that went well since."""
    well = _went_well().filter(
        change=OuterRef("change"),
        finished_at__gt=OuterRef("finished_at"),
        finished_at__lt=OuterRef(OuterRef("finished_at")),
    )
    failed = _earlier().filter(~Exists(well), outcome=Deployment.Outcome.ROLLED_BACK)
    return failed.order_by("finished_at", "pk")


def _first(rows: Rows, field: str) -> Subquery:
    return Subquery(rows.values(field)[:1], output_field=DateTimeField())


def _recovered() -> Rows:
    return _went_well().filter(Exists(_failed()))


def _delivered() -> Rows:
    """The first deployment that went well since the board accepted the change."""
    well = _earlier().filter(outcome=Deployment.Outcome.SUCCEEDED, path=OuterRef("path"))
    return _went_well().filter(Exists(_accepted()), ~Exists(well))


def _accepted() -> Rows:
    found = _decided().filter(
        change=OuterRef("change"), path=OuterRef("path"), outcome__in=ACCEPTING
    )
    return found.order_by("-recorded_at", "-pk")


SOURCES: dict[str, Source] = {
    "submitted": Source(
        lambda: Change.objects.filter(submitted_at__isnull=False), "submitted_at", change=""
    ),
    "ended": Source(_ended, "closed_at", "state", change=""),
    "closed": Source(_closed, "closed_at", "", "submitted_at", change=""),
    "closed_by_type": Source(_closed, "closed_at", "type", "submitted_at", change=""),
    "stages": Source(_left_stages, "at", "from_state", "entered_at"),
    "tested": Source(_left_testing, "at", "to_state"),
    "decided": Source(_decided, "recorded_at", "outcome"),
    "delivered": Source(_delivered, "finished_at", "", _first(_accepted(), "recorded_at")),
    "deployed": Source(_deployed, "finished_at", "outcome"),
    "lead_time": Source(_went_well, "finished_at", "", "development__recorded_at"),
    "recovered": Source(_recovered, "finished_at", "", _first(_failed(), "finished_at")),
    "deployed_again": Source(_deployed_again, "finished_at"),
    "executed": Source(
        lambda: Execution.objects.filter(finished_at__isnull=False), "finished_at", "outcome"
    ),
    "answered": Source(
        lambda: Confirmation.objects.filter(answered_at__isnull=False),
        "answered_at",
        "answer",
    ),
}


@dataclass(frozen=True)
class Measure:
    """How many rows, and how many days they took: the median, and within how many nine in ten."""

    count: int = 0
    median: float | None = None
    p90: float | None = None


NOTHING = Measure()
SINCE, BEFORE, UNTIL = (Given(name, DateTimeField()) for name in ("since", "before", "until"))
Measures = dict[tuple[str, str, bool], Measure]
"""By source, kind, and whether it is of the days asked for or of those before. Kind "" is all."""


def measured(span: Span, customer: int | None = None) -> Measures:
    """Measure every source in the days asked for and in those before. One query."""
    given = span.given | {"customer": customer}
    parts = [(_measuring(name, customer is not None), given) for name in SOURCES]
    return {
        (name, kind, recent): Measure(*figures)
        for name, kind, recent, *figures in rows_of_all(parts)
    }


@lru_cache(maxsize=64)
def _measuring(name: str, of_customer: bool) -> Statement:
    def measures() -> Rows:
        found = _within(SOURCES[name], BEFORE, of_customer).annotate(
            source=Cast(Value(name), TextField()),
            recent=Case(When(moment__gte=SINCE, then=True), default=False),
        )
        groups = found.order_by().values_list("source", "named", "recent")
        return _measure(groups, timed=SOURCES[name].is_timed)

    return Statement(measures)


def _measure(groups: Rows, *, timed: bool = True) -> Rows:
    """Add to each group what makes a ``Measure``; nothing is sorted for times that none has."""
    if not timed:
        return groups.annotate(number=Count("*"), median=NO_TIME, p90=NO_TIME)
    return groups.annotate(
        number=Count("*"), median=Percentile("days", 0.5), p90=Percentile("days", 0.9)
    )


def _within(source: Source, since: Given, of_customer: bool) -> Rows:
    found = source.counted().filter(moment__gte=since, moment__lt=UNTIL)
    return found.filter(**{source.customer: Given("customer")}) if of_customer else found


def by_customer(span: Span, customer: int | None = None) -> list[tuple[int, str, Measure]]:
    """Return key and name of the customers with most closed changes, and how long those took."""
    found = _by_customer(customer is not None).rows(**span.given, customer=customer)
    return [(key, name, Measure(*figures)) for key, name, *figures in found]


@lru_cache(maxsize=2)
def _by_customer(of_customer: bool) -> Statement:
    def measures() -> Rows:
        found = _within(SOURCES["closed"], SINCE, of_customer)
        customers = found.order_by().values_list("organisation", "organisation__name")
        return _measure(customers).order_by("-number", "organisation__name")[:MOST_CUSTOMERS]

    return Statement(measures)


def over_time(span: Span, customer: int | None = None) -> dict[tuple[str, date], Measure]:
    """Measure what was submitted and what ended, by the first day of each week or month."""
    given = span.given | {"customer": customer}
    zone = span.zone.key
    parts = [
        (_over_time(name, span.by_weeks, zone, customer is not None), given)
        for name in ("submitted", "ended")
    ]
    return {(name, day): Measure(*figures) for name, day, *figures in rows_of_all(parts)}


@lru_cache(maxsize=16)
def _over_time(name: str, by_weeks: bool, zone: str, of_customer: bool) -> Statement:
    def measures() -> Rows:
        unit = TruncWeek if by_weeks else TruncMonth
        begins = Cast(unit("moment", tzinfo=ZoneInfo(zone), output_field=DateField()), DateField())
        found = _within(SOURCES[name], SINCE, of_customer).annotate(
            source=Cast(Value(name), TextField()), begins=begins
        )
        groups = found.order_by().values_list("source", "begins")
        return _measure(groups, timed=False)

    return Statement(measures)


def in_each_stage(now: datetime, customer: int | None = None) -> dict[str, Measure]:
    """Measure what is open now: how many in which state, and for how many days."""
    found = _in_each_stage(customer is not None).rows(now=now, customer=customer)
    return {state: Measure(*figures) for state, *figures in found}


@lru_cache(maxsize=2)
def _in_each_stage(of_customer: bool) -> Statement:
    def measures() -> Rows:
        found = Change.objects.filter(state__in=sorted(OPEN))
        if of_customer:
            found = found.filter(organisation=Given("customer"))
        aged = found.annotate(days=_days("state_since", Given("now", DateTimeField())))
        return _measure(aged.order_by().values_list("state"))

    return Statement(measures)


def listed(
    name: str, kinds: Sequence[str], span: Span, customer: int | None, over: float | None
) -> Rows:
    """Return the rows that a figure counts; ``over``: that took so many days or more."""
    source = SOURCES[name]
    found = source.counted().filter(moment__gte=span.since_at, moment__lt=span.until_at)
    if kinds:
        found = found.filter(named__in=kinds)
    if customer is not None:
        found = found.filter(**{source.customer: customer})
    return found if over is None else found.filter(days__gte=over)
