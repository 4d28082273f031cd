"""What else is planned at the time of a plan and could be in its way."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import DateTimeRangeField
from django.db.models import DateField, F, Func, Q, QuerySet, prefetch_related_objects
from django.utils import timezone

from expansive_cm.statements import Given, ObjectStatement, Statement, given_keys, is_one_of

from ..conflicts import Planned, Related
from ..models import Change, ChangeLink, Deployment, Execution
from ..states import State
from .plans import MOST, during


def executions_at(starts: datetime, ends: datetime) -> QuerySet[Execution]:
    """Executions whose window has some of this time: the range index answers."""
    return _executions_during((starts, ends))


def _executions_during(when: "tuple[datetime, datetime] | Given") -> QuerySet[Execution]:
    window = Func("window_start", "window_end", function="tstzrange")
    window.output_field = DateTimeRangeField()
    return Execution.objects.annotate(when=window).filter(when__overlap=when)


STILL_PLANNED = Q(finished_at=None, path=F("change__path"), round=F("change__round"))
"""The plan of a change that counts, and is not over."""
LINKED = is_one_of("change", given_keys("linked"))
OF_ITS_SERVICES = is_one_of("change__services", given_keys("services"))


def executions_beside(plan: Planned, linked: Iterable[int]) -> list[Execution]:
    """Return executions at the time of a plan: of its services or person, or linked with it."""
    return _with_services(EXECUTIONS, plan, linked, when=during(plan), executor=plan.executor)


def beside_related(plan: Planned, related: Related) -> list[Execution | Deployment]:
    """Return what is planned then for services that its own need, or that need them.

    Asked by itself, so that these leave room for what concerns its own; none of no services.
    """
    services = related.prerequisites | related.dependants
    if not services:
        return []
    theirs = replace(plan, services=services, executor=None)
    return [*executions_beside(theirs, ()), *deployments_beside(theirs, ())]


def _executions_then() -> QuerySet[Execution]:
    wanted = _executions_during(Given("when", DateTimeRangeField())).filter(
        STILL_PLANNED,
        LINKED | OF_ITS_SERVICES | Q(executor=Given("executor")),
        change__state=State.EXECUTION,
    )
    return _first_of(wanted, "executor")


EXECUTIONS = ObjectStatement(_executions_then)


def deployments_beside(plan: Planned, linked: Iterable[int]) -> list[Deployment]:
    """Return deployments on the days of a plan: of its services, or linked with it.

    What goes out with the same release is in nobody's way, unless it is linked.
    """
    home = timezone.get_default_timezone()
    last = plan.ends - timedelta(microseconds=1)
    days = (plan.starts.astimezone(home).date(), last.astimezone(home).date())
    given = {"first": days[0], "last": days[1], "release": plan.release}
    statement = DEPLOYMENTS if plan.release is None else OTHER_DEPLOYMENTS
    return _with_services(statement, plan, linked, **given)


def _deployments_then(*, of_other_releases: bool) -> QuerySet[Deployment]:
    wanted = Deployment.objects.filter(
        STILL_PLANNED,
        LINKED | OF_ITS_SERVICES,
        change__state=State.DEPLOYMENT,
        release__planned_on__range=(Given("first", DateField()), Given("last", DateField())),
        release__cancelled_at=None,
    )
    if of_other_releases:
        wanted = wanted.filter(~Q(release=Given("release")) | LINKED)
    return _first_of(wanted, "release")


DEPLOYMENTS = ObjectStatement(lambda: _deployments_then(of_other_releases=False))
OTHER_DEPLOYMENTS = ObjectStatement(lambda: _deployments_then(of_other_releases=True))


def _first_of(wanted: QuerySet[Any], name: str) -> QuerySet[Any]:
    """The first of them, without this change's, each once though it may share several services."""
    others = wanted.exclude(change=Given("change"))
    keys = others.order_by("pk").values("pk").distinct()[:MOST]
    rows: QuerySet[Any] = wanted.model.objects.filter(pk__in=keys)
    return rows.order_by("pk").select_related("change", name)


def _with_services(
    statement: ObjectStatement[Any], plan: Planned, linked: Iterable[int], **given: Any
) -> list[Any]:
    """Read them with the services of their changes."""
    ours = {"change": plan.change, "linked": sorted(linked), "services": sorted(plan.services)}
    rows = statement.objects(**ours, **given)
    prefetch_related_objects(rows, "change__services")
    return rows


def linked_with(change: Change) -> set[int]:
    """Return the changes that are linked as conflicting, in whichever direction."""
    return {one for pair in LINKS.rows(change=change.pk) for one in pair} - {change.pk}


LINKS = Statement(
    lambda: ChangeLink.objects.filter(
        Q(source=Given("change")) | Q(target=Given("change")), kind=ChangeLink.Kind.CONFLICTS_WITH
    ).values_list("source", "target"),
    planned_once=True,
)
