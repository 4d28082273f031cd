"""When a change could go in the coming days, as things are now, in words."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User

from .. import permissions, slots
from ..conflicts import Conflict, Planned, with_other
from ..models import Change, Deployment, Execution
from ..services import links_near
from ..spans import said_twice
from ..states import State
from .around import Around, gathered, related_to
from .in_the_way import InTheWay
from .others import STILL_PLANNED, executions_at, linked_with
from .plans import day_of, services_of
from .windows import AHEAD, MOST_TIMES, times_ahead
from .words import Found

DAYS = 90
"""So many days ahead are looked at."""
MOST_READ = 1_000
"""So many other plans are read at most; where there are more, it looks as far as these reach."""
REASONS = 5
"""So many reasons are said at most of why not earlier."""
LISTED = 10
"""So many plans of others are listed at most where a change has none yet."""
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=DAYS)


@dataclass(frozen=True)
class FreeTime:
    """A free time, and why not earlier, in words; ``more`` reasons are not said."""

    starts: datetime
    ends: datetime
    why: list[Found]
    more: int

    @property
    def value(self) -> str:
        """What a form is sent with that takes it."""
        return f"{self.starts.isoformat()}/{self.ends.isoformat()}"


@dataclass(frozen=True)
class CouldGo:
    """The next free times of a plan until a moment, and where they are fewer, why."""

    times: list[FreeTime]
    why: list[Found]
    more: int
    until: datetime
    in_windows: bool
    in_hours: bool

    @property
    def is_short(self) -> bool:
        """Whether there are fewer than are looked for."""
        return len(self.times) < slots.NUMBER


def could_go(user: User, change: Change, plan: Planned) -> CouldGo | None:
    """Return when this plan, as long as it is, could go from its beginning on; for colleagues.

    In twelve queries at most, whatever there is; where somebody let it pass, some more.
    """
    length = plan.ends - plan.starts
    if not permissions.can_see_internal(user) or not SHORTEST <= length <= LONGEST:
        return None
    there, until = _read(change, plan, by=user)
    zone, hours = timezone.get_current_timezone(), None
    if length <= slots.ONE_DAY:
        hours = slots.working_hours(zone, plan.starts, until)
    unsaid = said_twice(zone, plan.starts, until)
    found = slots.free(plan, until, hours=hours, unsaid=unsaid, **there.asked)
    times = [
        FreeTime(one.starts, one.ends, *_first(there, one.why_not_earlier)) for one in found.slots
    ]
    in_windows = slots.asks(there.maintenance, there.overridden)
    in_hours = not in_windows and hours is not None
    return CouldGo(times, *_first(there, found.why_none), until, in_windows, in_hours)


def plans_ahead(user: User, change: Change) -> InTheWay:
    """Return what is planned in the next weeks on the services of a change, or those bound to them.

    For colleagues who decide on a change that has no plan yet; the first of it and how much
    more there is, in twelve queries.
    """
    if not permissions.can_see_internal(user):
        return InTheWay([])
    now = timezone.now()
    wanted = Planned(change.pk, now, now + AHEAD, services_of(change))
    there, _until = _read(change, wanted, by=user, days=AHEAD)
    found = [
        replace(one, until=other.ends)
        for other in sorted(there.others, key=lambda one: one.starts)
        for one in with_other(wanted, other, there.linked, there.related)
    ]
    return InTheWay(there.in_words(found[:LISTED]), len(found[LISTED:]))


def _first(there: Around, conflicts: list[Conflict]) -> tuple[list[Found], int]:
    return there.in_words(conflicts[:REASONS]), len(conflicts[REASONS:])


def _read(
    change: Change, plan: Planned, *, by: User, days: timedelta = LONGEST
) -> tuple[Around, datetime]:
    """Read what there is from the beginning of a plan on, and until when all of it is known."""
    until = plan.starts + days
    linked, links = linked_with(change), links_near(plan.services)
    related = related_to(plan, links)
    services = plan.services | related.prerequisites | related.dependants
    theirs = Exists(
        Change.services.through.objects.filter(change=OuterRef("change"), service__in=services)
    )
    executions = executions_at(plan.starts, until).filter(
        Q(change__in=linked) | Q(executor=plan.executor, executor__isnull=False) | theirs,
        change__state=State.EXECUTION,
    )
    home = timezone.get_default_timezone()
    dates = plan.starts.astimezone(home).date(), until.astimezone(home).date()
    deployments = Deployment.objects.filter(
        Q(change__in=linked) | theirs,
        change__state=State.DEPLOYMENT,
        release__planned_on__range=dates,
        release__cancelled_at=None,
    )
    beside: list[Execution | Deployment] = []
    for rows, order in ((executions, "window_start"), (deployments, "release__planned_on")):
        found = _rows(rows, change, order)
        beside += found[:MOST_READ]
        if len(found) > MOST_READ:
            until = min(until, _begins(found[MOST_READ]))
    wide = Planned(plan.change, plan.starts, until, plan.services, plan.executor)
    times, windows = times_ahead(change, wide)
    if len(times) > MOST_TIMES:
        until = min(until, times[MOST_TIMES][1].lower)
    until = max(until, plan.starts)
    return gathered(change, wide, times, windows, beside, linked, links, by=by), until


def _rows(rows: QuerySet[Any], change: Change, order: str) -> list[Any]:
    found = rows.filter(STILL_PLANNED).exclude(change=change).order_by(order, "pk")
    known = "executor" if order == "window_start" else "release"
    with_services = found.select_related("change", known).prefetch_related("change__services")
    return list(with_services.defer("change__description", "change__search")[: MOST_READ + 1])


def _begins(one: Execution | Deployment) -> datetime:
    if isinstance(one, Execution):
        return one.window_start or timezone.now()
    return day_of(one.release)[0]
