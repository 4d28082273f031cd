"""The same rule as conditions of a query, in the words of the indexes that serve them."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

from django.conf import settings
from django.db import models
from django.db.models import Case, Count, Exists, F, Func, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Coalesce, NullIf, TruncDate
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from expansive_cm.statements import Given

from ..models import Change, Deployment
from ..spans import day_in
from ..states import BEFORE_DEPLOYED, OPEN, State
from .of_change import DELIVERED, warn_days
from .rule import COUNTED, NOT_IN_DEVELOPMENT, Standing

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Standings(TypedDict):
        standing: str

    Standings = WithAnnotations[Change, _Standings]

S = State


def overdue(now: datetime | Given, at: str = "") -> Q:
    """Open changes whose promised day has passed; ``at`` is the path that leads to the change.

    Nowhere is it more than a day later than in UTC: the index finds the few.
    """
    in_utc = TruncDate(now, tzinfo=UTC) if isinstance(now, Given) else now.astimezone(UTC).date()
    perhaps = Q(**{f"{at}state__in": sorted(OPEN), f"{at}due_on__lte": in_utc})
    return perhaps & Q(**{f"{at}due_on__lt": _day_there(now, at)})


def closed_late(at: str = "") -> Q:
    """Of closed changes those that were closed after the day promised."""
    return Q(**{f"{at}due_on__lt": _day_there(F(f"{at}closed_at"), at)})


def closed_later_than_first(at: str = "") -> Q:
    """Of closed changes those that were closed after the day promised at first, moved or not."""
    day = Coalesce(F(f"{at}first_due_on"), F(f"{at}due_on"))
    return Q(LessThan(day, _day_there(F(f"{at}closed_at"), at)))


def _day_there(moment: datetime | F | Given, at: str = "") -> Cast:
    """The day it is at a moment where a change was promised: ``day_of`` in a query."""
    zone = NullIf(F(f"{at}promise_zone"), Value(""))
    return day_in(Coalesce(zone, Value(settings.TIME_ZONE)), moment)


def standing(now: datetime) -> Case:
    """Say of each change with a promise how it stands, as ``standing_of`` does."""
    return Case(
        When(~Q(state__in=sorted(COUNTED)), then=Value("")),
        When(Q(state=S.CLOSED) & closed_late(), then=Value(Standing.BROKEN)),
        When(Q(state=S.CLOSED), then=Value(Standing.KEPT)),
        When(overdue(now), then=Value(Standing.BROKEN)),
        When(_at_risk(now), then=Value(Standing.AT_RISK)),
        default=Value(Standing.ON_COURSE),
        output_field=models.CharField(),
    )


def _at_risk(now: datetime) -> Q:
    """Of open promises that are in time."""
    own, of_promise = (
        Q(
            **{
                f"{name}__released_at": None,
                f"{name}__cancelled_at": None,
                f"{name}__planned_on__gt": F("due_on"),
            }
        )
        for name in ("release", "promised_release")
    )
    none_of_its_own = Q(release=None) | Q(release__cancelled_at__isnull=False)
    forecast = Q(state__in=sorted(BEFORE_DEPLOYED)) & (own | (none_of_its_own & of_promise))
    with_it = Deployment.objects.filter(
        change=OuterRef("pk"),
        path=OuterRef("path"),
        round=OuterRef("round"),
        release=OuterRef("promised_release"),
    )
    missed = Q(promised_release__released_at__isnull=False) & ~Q(state__in=sorted(DELIVERED))
    missed &= ~Q(state=S.DEPLOYMENT) | Q(~Exists(with_it))
    last = Func(
        _day_there(now),
        Value(warn_days()),
        template="(%(expressions)s)",
        arg_joiner=" + ",
        output_field=models.DateField(),
    )
    return forecast | missed | Q(state__in=sorted(NOT_IN_DEVELOPMENT), due_on__lte=last)


def promised(changes: QuerySet[Change]) -> QuerySet[Change]:
    """Of changes those with a promise, in the words of the indexes that serve it."""
    return changes.exclude(promise="")


def due_within(found: QuerySet[Change], first: date, end: date) -> QuerySet[Change]:
    """Of changes those whose promised day lies from the first day up to, but without, the end.

    Said twice, in the words of the indexes on the day and of those on the key of the list: of a
    month long ago PostgreSQL would walk down to it through all that is due since.
    """
    day = Coalesce("due_on", date.max)
    in_list = (GreaterThanOrEqual(day, Value(first)), LessThan(day, Value(end)))
    return found.filter(*in_list, due_on__gte=first, due_on__lt=end)


def with_standings(found: QuerySet[Change], now: datetime) -> "QuerySet[Standings]":
    """Of what ``promised`` returned those that have a standing, each with it."""
    return found.filter(state__in=sorted(COUNTED)).annotate(standing=standing(now))


def standing_so(found: QuerySet[Change], wanted: str, now: datetime) -> QuerySet[Change]:
    """Of what ``promised`` returned those that stand so.

    What is kept or broken may be nearly all there is: PostgreSQL takes a CASE for rare, and would
    sort all of it for the first page.
    """
    if wanted == Standing.KEPT:
        return found.filter(Q(closed_at=None) | ~closed_late(), state=S.CLOSED)
    if wanted == Standing.BROKEN:
        latest = now.astimezone(UTC).date() + timedelta(days=1)
        past = LessThan(Coalesce("due_on", date.max), Value(latest))  # the key of the index
        return found.filter(past, overdue(now) | (Q(state=S.CLOSED) & closed_late()))
    return with_standings(found.filter(state__in=sorted(OPEN)), now).filter(standing=wanted)


Counts = dict[tuple[date | None, Standing], int]
"""How many promises of each day (None: without a date) and standing."""


def counts_of(found: QuerySet[Change], now: datetime) -> Counts:
    """Count what ``promised`` returned by day and standing. Two queries.

    Of what is closed, which becomes ever more, only the days are read, from an index alone.
    """
    counts: Counts = {}
    opened = found.filter(state__in=sorted(OPEN)).order_by().annotate(standing=standing(now))
    for day, name, number in opened.values_list("due_on", "standing").annotate(n=Count("*")):
        counts[day, Standing(name)] = number
    closed = found.filter(state=S.CLOSED).order_by().values_list("due_on")
    for day, every, late in closed.annotate(
        n=Count("*"), late=Count("due_on", filter=closed_late())
    ):
        counts[day, Standing.KEPT] = every - late
        counts[day, Standing.BROKEN] = counts.get((day, Standing.BROKEN), 0) + late
    return {key: number for key, number in counts.items() if number}


def at_risk(changes: QuerySet[Change], now: datetime) -> QuerySet[Change]:
    """Of changes those whose promise is at risk."""
    return standing_so(promised(changes), Standing.AT_RISK, now)
