"""Which plans lie in a freeze."""

from datetime import timedelta

from django.contrib.postgres.fields import DateTimeRangeField
from django.db.models import Exists, Func, OuterRef, Q, QuerySet
from django.utils import timezone

from .models import Change, Deployment, Execution, Window, WindowSpan
from .planning import STILL_PLANNED, executions_at
from .states import State


def executions_in(window: Window) -> QuerySet[Execution]:
    """Executions that have not begun and are planned for a time in which a window holds."""
    during = WindowSpan.objects.filter(
        window=window,
        span__overlap=Func(
            OuterRef("window_start"),
            OuterRef("window_end"),
            function="tstzrange",
            output_field=DateTimeRangeField(),
        ),
    )
    return executions_at(window.starts_at, window.ends_at).filter(
        STILL_PLANNED,
        Exists(during),
        _concerned(window),
        change__state=State.EXECUTION,
        started_at=None,
    )


def deployments_in(window: Window) -> QuerySet[Deployment]:
    """Deployments that have not begun, with a release on a day on which a window holds."""
    home, moment = timezone.get_default_timezone(), timedelta(microseconds=1)
    days = Q(pk=None)
    for span in window.spans.values_list("span", flat=True):
        first, last = span.lower.astimezone(home), (span.upper - moment).astimezone(home)
        days |= Q(release__planned_on__range=(first.date(), last.date()))
    return Deployment.objects.filter(
        STILL_PLANNED,
        days,
        _concerned(window),
        change__state=State.DEPLOYMENT,
        started_at=None,
        release__cancelled_at=None,
        release__released_at=None,
    )


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
