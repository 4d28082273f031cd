"""What has become of each promise of the board: the one rule, as functions and as conditions.

Promised, forecast and what is left
    Promised is the day by which the board's acceptance has to be delivered (``lifecycle/promises``
    sets and moves it). The forecast is what is known today: the release in which the change is.
    The days left are counted from today to the day that was promised.

Today
    Is the day it is where the board meets that promised (``Change.promise_zone``): what it promised
    ends at the same moment for everybody, wherever they read it.

Kept or broken
    Goes by the day on which the change was closed: until the requester has confirmed it, nobody
    knows that what was promised is there. What was withdrawn or rejected since is neither.

At risk
    What is open and in time, but is forecast beyond the day promised, has missed the release that
    was promised, or is not in development although few days are left (``PROMISE_WARN_DAYS``).

``standing_of`` says it of one change, ``standing`` of the rows of a query; a test holds them
together, and conditions that others need, such as what is overdue, are taken from here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Case, Count, Exists, F, Func, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Coalesce, NullIf
from django.db.models.lookups import GreaterThanOrEqual, LessThan
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from accounts.models import User

from .models import Change, Deployment, Event, Promise, Release
from .spans import day_in
from .states import BEFORE_DEPLOYED, OPEN, State

S = State
NOT_IN_DEVELOPMENT = OPEN - {
    S.DEVELOPMENT,
    S.TESTING,
    S.DEPLOYMENT,
    S.CONFIRMATION,
    S.NOT_CONFIRMED,
}
"""Where work on what was promised has not begun."""
LONGEST_WARNING = 36_500
"""So many days every promise lies within: more would lead beyond the dates there are."""
COUNTED = OPEN | {S.CLOSED}
"""Where a promise has a standing: what was given up is neither kept nor broken."""


class Standing(models.TextChoices):
    """What has become of a promise."""

    BROKEN = "broken", _("Broken")
    AT_RISK = "at_risk", _("At risk")
    ON_COURSE = "on_course", _("On course")
    KEPT = "kept", _("Kept")


class Risk(StrEnum):
    """Why a promise that can still be kept is at risk."""

    BEYOND = "beyond"
    MISSED = "missed"
    NOT_BEGUN = "not_begun"


class Known(StrEnum):
    """What is known of when a change will be there."""

    CLOSED = "closed"
    IN_PLACE = "in_place"
    PLANNED = "planned"
    ASSIGNED = "assigned"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Forecast:
    """What is known today; ``on`` is the earliest day that is still possible."""

    known: Known
    on: date | None = None
    release: Release | None = None
    is_late: bool = False
    """Whether the release should have been out by now."""


# The rule, of one change -----------------------------------------------------------------------


def forecast_of(
    state: str, release: Release | None, today: date, *, is_planned: bool = False
) -> Forecast:
    """Return what is known of when a change will be there. Asks no database.

    ``release``: the one in which the change is; ``is_planned``: whether its deployment is. One that
    is out counts for what waits to be deployed with it alone; one that was cancelled never.
    """
    if state in (S.CONFIRMATION, S.CLOSED):
        known = Known.CLOSED if state == S.CLOSED else Known.IN_PLACE
        return Forecast(known, release=release)
    if state not in BEFORE_DEPLOYED or release is None or release.cancelled_at is not None:
        return Forecast(Known.NOTHING)
    known = Known.PLANNED if is_planned else Known.ASSIGNED
    if release.released_at is None:
        late = release.planned_on < today
        return Forecast(known, max(release.planned_on, today), release, late)
    if state == S.DEPLOYMENT and is_planned:
        return Forecast(known, today, release)
    return Forecast(Known.NOTHING)


def risks_of(
    state: str,
    due_on: date | None,
    forecast_on: date | None,
    today: date,
    warn_days: int,
    *,
    is_missed: bool = False,
) -> tuple[Risk, ...]:
    """Return why an open promise is at risk, nothing where it is not. Asks no database."""
    found = []
    if due_on is not None and forecast_on is not None and forecast_on > due_on:
        found.append(Risk.BEYOND)
    if is_missed:
        found.append(Risk.MISSED)
    near = due_on is not None and (due_on - today).days <= warn_days
    if near and state in NOT_IN_DEVELOPMENT:
        found.append(Risk.NOT_BEGUN)
    return tuple(found)


def standing_of(
    state: str,
    due_on: date | None,
    closed_on: date | None,
    risks: Iterable[Risk],
    today: date,
) -> Standing | None:
    """Return what has become of a promise, None of one that was given up. Asks no database.

    ``due_on``: None while the release that was promised is not planned. ``closed_on``: the day on
    which the change was closed, None while it is open; where nobody knows it the promise is kept.
    """
    if state not in COUNTED:
        return None
    day = closed_on if state == S.CLOSED else today
    if day is not None and is_past(due_on, day):
        return Standing.BROKEN
    if state == S.CLOSED:
        return Standing.KEPT
    return Standing.AT_RISK if tuple(risks) else Standing.ON_COURSE


def is_past(due_on: date | None, day: date) -> bool:
    """Whether the day promised lay before this one; on the day itself it is in time."""
    return due_on is not None and due_on < day


def day_known(change: Change) -> date | None:
    """Return the day of the release that brings a change, None where none is known or it is out."""
    plans = change.state == S.DEPLOYMENT and change.deployment is not None
    found = forecast_of(change.state, change.release, date.min, is_planned=plans)
    return found.release.planned_on if found.release and found.on else None


def goes_beyond(change: Change, release: Release | None) -> bool:
    """Whether a release that is still to come is planned after the day promised."""
    if release is None or release.is_over or change.due_on is None or not change.promise:
        return False
    return release.planned_on > change.due_on


def is_planned_beyond(change: Change) -> bool:
    """Whether the change is meant to go out after the day promised, as plans are now."""
    return change.state in BEFORE_DEPLOYED and goes_beyond(change, change.release)


def warn_days() -> int:
    """Return with how many days left a change has to be in development."""
    return min(settings.PROMISE_WARN_DAYS, LONGEST_WARNING)


def has_missed(change: Change) -> bool:
    """Whether the release that was promised is out, and the change neither in place nor with it."""
    promised = change.promised_release
    if promised is None or promised.released_at is None or change.state in (S.CLOSED, *_DELIVERED):
        return False
    waits = change.state == S.DEPLOYMENT and change.deployment is not None
    return not (waits and change.deployment.release_id == promised.pk)


_DELIVERED = (S.CONFIRMATION, S.NOT_CONFIRMED)


@dataclass(frozen=True)
class Promised:
    """A promise as it stands today."""

    standing: Standing
    due_on: date | None
    days_left: int | None
    """Until the day promised, below nothing once it is past; None of what is closed or undated."""
    forecast: Forecast
    risks: tuple[Risk, ...]
    closed_on: date | None = None
    why_late: str = ""
    """Why its release comes after the day promised, for colleagues; "" where it does not."""
    told_late: str = ""
    """What its customer reads of that."""


def day_of(zone: str, at: datetime) -> date:
    """Return the day it is at a moment where a promise was made; an empty zone is our own."""
    return timezone.localdate(at, ZoneInfo(zone) if zone else timezone.get_default_timezone())


def promised_of(change: Change, now: datetime | None = None) -> Promised | None:
    """Return how the promise of a change stands, None where there is none or it was given up.

    Reads the change's two releases and its deployments, which a list loads for all rows at once.
    """
    if not change.promise or change.state not in COUNTED:
        return None
    today = day_of(change.promise_zone, now or timezone.now())
    is_over = change.state == S.CLOSED
    closed_at = change.closed_at if is_over else None
    closed_on = day_of(change.promise_zone, closed_at) if closed_at else None
    plans = change.state == S.DEPLOYMENT and change.deployment is not None
    forecast = forecast_of(change.state, change.release, today, is_planned=plans)
    risks: tuple[Risk, ...] = ()
    if not is_over:
        missed = has_missed(change)
        risks = risks_of(
            change.state, change.due_on, forecast.on, today, warn_days(), is_missed=missed
        )
    standing = standing_of(change.state, change.due_on, closed_on, risks, today)
    assert standing is not None
    left = None if is_over or change.due_on is None else (change.due_on - today).days
    shown = risks if standing == Standing.AT_RISK else ()
    late = is_planned_beyond(change)
    why, told = (change.late_reason, change.late_told) if late else ("", "")
    return Promised(standing, change.due_on, left, forecast, shown, closed_on, why, told)


# The rule, as conditions -----------------------------------------------------------------------


def overdue(now: datetime, at: str = "") -> Q:
    """Open changes whose promised day has passed; ``at`` is the path that leads to the change.

    Nowhere is it more than a day later than in UTC: the index finds the few.
    """
    perhaps = Q(**{f"{at}state__in": sorted(OPEN), f"{at}due_on__lte": now.astimezone(UTC).date()})
    return perhaps & Q(**{f"{at}due_on__lt": _day_there(now, at)})


def closed_late(at: str = "") -> Q:
    """Of closed changes those that were closed after the day promised."""
    return Q(**{f"{at}due_on__lt": _day_there(F(f"{at}closed_at"), at)})


def closed_later_than_first(at: str = "") -> Q:
    """Of closed changes those that were closed after the day promised at first, moved or not."""
    day = Coalesce(F(f"{at}first_due_on"), F(f"{at}due_on"))
    return Q(LessThan(day, _day_there(F(f"{at}closed_at"), at)))


def _day_there(moment: datetime | F, at: str = "") -> Cast:
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
    forecast = Q(
        state__in=sorted(BEFORE_DEPLOYED),
        release__released_at=None,
        release__cancelled_at=None,
        release__planned_on__gt=F("due_on"),
    )
    with_it = Deployment.objects.filter(
        change=OuterRef("pk"),
        path=OuterRef("path"),
        round=OuterRef("round"),
        release=OuterRef("promised_release"),
    )
    missed = Q(promised_release__released_at__isnull=False) & ~Q(state__in=sorted(_DELIVERED))
    missed &= ~Q(state=S.DEPLOYMENT) | ~Exists(with_it)
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


def with_standings(found: QuerySet[Change], now: datetime) -> QuerySet[Change]:
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


# What another app knows ------------------------------------------------------------------------


@dataclass(frozen=True)
class Boards:
    """What the board's app says: which boards there are, and what one of them has promised."""

    choices: Callable[[], list[tuple[str, str]]]
    promised_by: Callable[[int], Q]
    led_by: Callable[[Change], Sequence[User]]
    """Who leads the board that promised a change today: its chair, or whoever stands in."""
    replan_url: Callable[[User, Change], str]
    """Where this person moves the promise of a change, "" if they may not."""


_boards: list[Boards] = []


def provide_boards(boards: Boards) -> None:
    """Let the app that ``changes`` may not ask say who made which promise."""
    _boards[:] = [boards]


def leaders_of(change: Change) -> Sequence[User]:
    """Return who leads the board that promised a change, nobody where no board did."""
    return _boards[0].led_by(change) if _boards and change.promise else ()


def replan_url(user: User, change: Change) -> str:
    """Return where this person moves the promise of a change, "" if they may not."""
    return _boards[0].replan_url(user, change) if _boards and change.promise else ""


@dataclass(frozen=True)
class Move:
    """How the board moved a promise: who, when and why, from which day (None: undated) to which."""

    by: str
    at: datetime
    why: str
    before: date | None
    after: date | None


MOVED = "replan_promise"
MOST_MOVES = 10
"""So many moves of a promise its change shows at a glance; the timeline has all of them."""


def moves_of(change: Change) -> list[Move]:
    """Return how the board moved the promise of a change, the latest first; reads its events.

    None of what another decision has promised anew since: of that the timeline tells.
    """
    if change.promise != Promise.REPLANNED:
        return []
    since = change.promised_at
    found = [
        one
        for one in _newest_first(change.events.all())
        if one.verb == MOVED and (since is None or one.at > since)
    ]
    return [_move(one) for one in found[:MOST_MOVES]]


def latest_moves(changes: Iterable[Change]) -> dict[int, Move]:
    """Return of each change whose promise was moved how it was moved last. One query, or none."""
    moved = [one.pk for one in changes if one.promise == Promise.REPLANNED]
    if not moved:
        return {}
    events = Event.objects.filter(change__in=moved, verb=MOVED).order_by("change_id", "-pk")
    return {event.change_id: _move(event) for event in events.distinct("change_id")}


def _newest_first(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: -event.pk)


def _move(event: Event) -> Move:
    before, after = (event.data[name]["due_on"] for name in ("before", "after"))
    days = (parse_date(before or ""), parse_date(after or ""))
    return Move(event.actor_name, event.at, event.reason, *days)


def boards() -> Boards | None:
    """Return what the board's app has said."""
    return _boards[0] if _boards else None
