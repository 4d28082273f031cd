"""Which plan a change has: when, of which services, with whom or in which release."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from psycopg2.extras import DateTimeTZRange

from accounts.models import User

from ..conflicts import Planned
from ..models import Change, Release
from ..states import State

MOST = 50
"""So many other changes are named as planned at the same time, and so many conflicts of a plan."""


def day_of(release: Release) -> tuple[datetime, datetime]:
    """Return the day of a release where the product is at home, to its last microsecond."""
    return day_span(release.planned_on)


def day_span(day: date) -> tuple[datetime, datetime]:
    """Return a day where the product is at home: releases are planned for one, in no zone.

    It ends with its last microsecond: the last day that a date can say has none after it.
    """
    home = timezone.get_default_timezone()
    return datetime.combine(day, time.min, home), datetime.combine(day, time.max, home)


def plan_of(change: Change, *, begun: bool = False) -> Planned | None:
    """Return what is planned for a change and has not begun, None where nothing is.

    With ``begun`` also what has, and is not over.
    """
    execution, deployment = change.execution, change.deployment
    if change.state == State.EXECUTION and execution and (begun or not execution.started_at):
        return of_execution(
            change, execution.window_start, execution.window_end, execution.executor
        )
    if change.state == State.DEPLOYMENT and deployment and (begun or not deployment.started_at):
        return of_deployment(change, deployment.release)
    return None


def of_execution(
    change: Change, starts: datetime, ends: datetime, executor: User | None
) -> Planned:
    """Return the plan of an execution; nobody may be chosen yet who executes it."""
    person = executor.pk if executor else None
    return Planned(change.pk, starts, ends, services_of(change), person)


def of_deployment(change: Change, release: Release) -> Planned:
    """Return the plan of a deployment: the day of its release."""
    return Planned(change.pk, *day_of(release), services_of(change), release=release.pk)


def begun_now(plan: Planned, now: datetime) -> Planned:
    """Return the plan as it will be if it begins now: to the end of its window, or for as long.

    A deployment is asked about for this moment, as nobody said how long it takes.
    """
    if plan.whole_day:
        ends = now + timedelta(minutes=1)
    elif plan.starts <= now < plan.ends:
        ends = plan.ends
    else:
        ends = now + (plan.ends - plan.starts)
    return replace(plan, starts=now, ends=ends, begins=True)


def services_of(change: Change) -> frozenset[int]:
    """Return the keys of the services that a change affects."""
    return frozenset(service.pk for service in change.services.all())


def during(plan: Planned) -> DateTimeTZRange:
    """Return the time of a plan as the database has it."""
    return DateTimeTZRange(plan.starts, plan.ends)
