"""Which plans lie in a freeze, or outside of the first maintenance window of a service."""

from datetime import timedelta
from typing import Any

from django.contrib.postgres.fields import DateTimeRangeField
from django.db.models import Exists, Func, OuterRef, Q, QuerySet
from django.utils import timezone

from .models import Change, Deployment, Execution, Window, WindowSpan
from .planning import STILL_PLANNED, executions_at
from .spans import FURTHEST
from .states import State


def executions_in(window: Window) -> QuerySet[Execution]:
    """Executions that have not begun and are planned for a time in which a window holds."""
    during = WindowSpan.objects.filter(window=window, span__overlap=_window_of_execution())
    found = _to_begin(executions_at(window.starts_at, window.ends_at), window, State.EXECUTION)
    return found.filter(Exists(during))


def deployments_in(window: Window) -> QuerySet[Deployment]:
    """Deployments that have not begun, with a release on a day on which a window holds."""
    return _to_be_deployed(window).filter(_on_days_of(window))


def executions_outside(window: Window) -> QuerySet[Execution]:
    """Executions that have not begun, are planned for later, and lie in no maintenance window.

    Of those alone for which there was none before this one: others were outside already. Another
    one that was made after it counts, as who makes one for each of two days does so one by one.
    """
    now = timezone.now()
    during = WindowSpan.objects.filter(
        _of_its_customer("window__"),
        window__kind=Window.Kind.MAINTENANCE,
        window__service=window.service_id,
        span__contains=_window_of_execution(),
    )
    found = executions_at(now, now + FURTHEST)
    return _to_begin(found, window, State.EXECUTION).filter(~Exists(during), ~_earlier(window))


def deployments_outside(window: Window) -> QuerySet[Deployment]:
    """Deployments as ``executions_outside`` has executions: on no day on which a window holds."""
    later = _to_be_deployed(window).filter(release__planned_on__gte=timezone.localdate())
    return later.filter(~_on_days_of(window), ~_earlier(window))


def _window_of_execution() -> Func:
    return Func(
        OuterRef("window_start"),
        OuterRef("window_end"),
        function="tstzrange",
        output_field=DateTimeRangeField(),
    )


def _to_begin(plans: QuerySet[Any], window: Window, state: State) -> QuerySet[Any]:
    return plans.filter(STILL_PLANNED, _concerned(window), change__state=state, started_at=None)


def _to_be_deployed(window: Window) -> QuerySet[Deployment]:
    found = _to_begin(Deployment.objects.all(), window, State.DEPLOYMENT)
    return found.filter(release__cancelled_at=None, release__released_at=None)


def _on_days_of(window: Window) -> Q:
    """The condition for releases of the days on which a window holds."""
    home, moment = timezone.get_default_timezone(), timedelta(microseconds=1)
    days = Q(pk=None)
    for span in window.spans.values_list("span", flat=True):
        first, last = span.lower.astimezone(home), (span.upper - moment).astimezone(home)
        days |= Q(release__planned_on__range=(first.date(), last.date()))
    return days


def _of_its_customer(prefix: str = "") -> Q:
    theirs = Q(**{f"{prefix}organisation": OuterRef("change__organisation")})
    return theirs | Q(**{f"{prefix}organisation": None})


def _earlier(window: Window) -> Exists:
    """The condition for plans for which a service had a maintenance window before this one."""
    others = Window.objects.filter(
        _of_its_customer(),
        kind=Window.Kind.MAINTENANCE,
        service=window.service_id,
        cancelled_at=None,
        ends_at__gt=timezone.now(),
        pk__lt=window.pk,
    )
    return Exists(others)


def _concerned(window: Window) -> Q:
    """The condition for changes of the services and customers that a window is for."""
    wanted = Q()
    if window.organisation_id:
        wanted &= Q(change__organisation=window.organisation_id)
    if window.service_id:
        named = Change.services.through.objects.filter(
            change=OuterRef("change"), service=window.service_id
        )
        wanted &= Q(Exists(named))
    return wanted


def changes_in(window: Window) -> QuerySet[Change]:
    """Changes with a plan that has not begun and lies in a time in which a window holds."""
    return Change.objects.filter(
        Q(pk__in=executions_in(window).values("change"))
        | Q(pk__in=deployments_in(window).values("change"))
    )
