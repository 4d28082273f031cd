"""What is in the way of a plan as things are now, read in a fixed number of queries, in words."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.postgres.fields import DateTimeRangeField
from django.db.models import (
    DateField,
    DateTimeField,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    prefetch_related_objects,
)
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from psycopg2.extras import DateTimeTZRange

from accounts.models import User
from accounts.roles import Role
from expansive_cm.statements import Given, ObjectStatement, Statement, given_keys, is_one_of

from . import permissions
from .conflicts import Conflict, Effect, Holds, Planned, Rule, Why, find
from .models import (
    Change,
    ChangeLink,
    Deployment,
    Execution,
    Release,
    Window,
    WindowOverride,
    WindowSpan,
)
from .recall import recalling
from .states import State
from .turns.overriding import another_can, involved

AHEAD = timedelta(days=30)
"""Of so many days ahead an approver reads which freezes there are."""
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


# Which plan -----------------------------------------------------------------------------------


def plan_of(change: Change) -> Planned | None:
    """Return what is planned for a change and has not begun, None where nothing is."""
    execution, deployment = change.execution, change.deployment
    if change.state == State.EXECUTION and execution and not execution.started_at:
        return of_execution(
            change, execution.window_start, execution.window_end, execution.executor
        )
    if change.state == State.DEPLOYMENT and deployment and not deployment.started_at:
        return of_deployment(change, deployment.release)
    return None


def of_execution(change: Change, starts: datetime, ends: datetime, executor: User) -> Planned:
    """Return the plan of an execution."""
    return Planned(change.pk, starts, ends, _services(change), executor.pk)


def of_deployment(change: Change, release: Release) -> Planned:
    """Return the plan of a deployment: the day of its release."""
    return Planned(change.pk, *day_of(release), _services(change), release=release.pk)


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


def _services(change: Change) -> frozenset[int]:
    return frozenset(service.pk for service in change.services.all())


# What is in its way ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """A conflict with the rows that its words need."""

    conflict: Conflict
    window: Window | None = None
    change: Change | None = None
    executor: User | None = None
    note: str = ""
    """What is to be said of its override."""

    @property
    def stops(self) -> bool:
        """Whether the plan cannot be kept as it is."""
        return self.conflict.effect != Effect.WARNS

    @property
    def words(self) -> str:
        """What a colleague reads of it."""
        return _words(self)


@dataclass(frozen=True)
class Overrides:
    """What was let pass in this round of a change: what counts, and what is to be said of it."""

    windows: list[Window]
    notes: dict[int, str]


def overrides_of(change: Change, people: Collection[int | None]) -> Overrides:
    """Return the overrides that count for a plan in which these people have a part.

    Of somebody with a part in the change, one counts only where nobody else could have given it.
    One query without any; with some, two more, and one for each window that needs such a person's.
    """
    rows = OVERRIDES.objects(change=change.pk)
    given = [one for one in rows if (one.path, one.round) == (change.path, change.round)]
    windows: dict[int, Window] = {}
    notes: dict[int, str] = {}
    if not given:
        return Overrides([], notes)
    with recalling(change):
        parts = {*people, *involved(change)}
        for one in sorted(given, key=lambda one: one.recorded_by_id in parts):
            key, role = one.window_id, one.window.get_override_role_display()
            if key in windows or key in notes:
                continue
            if one.recorded_by_id not in parts:
                windows[key] = one.window
            elif another_can(change, one.window, people):
                notes[key] = _("The override of whoever plans or puts it in place does not count.")
            else:
                windows[key] = one.window
                words = _("By somebody with a part in the change: nobody else has the role “%s”.")
                notes[key] = words % role
    return Overrides(list(windows.values()), notes)


OVERRIDES = ObjectStatement(
    lambda: (
        WindowOverride.objects.filter(change=Given("change"))
        .select_related("window__service")
        .order_by("pk")
    )
)


def conflicts_of(change: Change, plan: Planned, *, by: User | None = None) -> list[Found]:
    """Return what is in the way of a plan of this change, in seven queries at most.

    ``by`` plans or begins it. Where somebody let it pass, some more: see ``overrides_of``.
    """
    spans = SPANS.objects(**_concern(change, plan), when=_when(plan))
    overrides = overrides_of(change, {by.pk if by else None, plan.executor} - {None})
    given = [one for one in overrides.windows if one.is_for(change, plan.services)]
    there = [*_maintenance(change, plan), *(one for one in given if one.is_for_maintenance)]
    windows = {one.pk: one for one in there}
    maintenance = [_rule(one) for one in windows.values()]
    freezes, held = [], []
    for span in spans:
        windows[span.window.pk] = span.window
        holds = Holds(_rule(span.window), span.span.lower, span.span.upper)
        (freezes if span.window.is_freeze else held).append(holds)
    linked = _linked(change)
    executions = _executions(plan, linked)
    deployments = _deployments(plan, linked)
    others = {one.change_id: one for one in (*executions, *deployments)}
    planned = [
        *(
            of_execution(one.change, one.window_start, one.window_end, one.executor)
            for one in executions
        ),
        *(of_deployment(one.change, one.release) for one in deployments),
    ]
    overridden = {one.pk for one in given}
    found = find(
        plan,
        freezes=freezes,
        maintenance=maintenance,
        held=held,
        others=planned,
        linked=linked,
        overridden=overridden,
    )
    return [_with_rows(one, windows, others, overrides.notes) for one in found]


SPANS = ObjectStatement(
    lambda: WindowSpan.objects.filter(
        _concerns("window__"), span__overlap=Given("when", DateTimeRangeField())
    ).select_related("window__service", "window__organisation")
)


@dataclass(frozen=True)
class InTheWay:
    """What is in the way of a plan, the strictest first, and how much more there is."""

    shown: list[Found]
    more: int = 0


def shown_to(user: User, change: Change, *, begins: bool = False) -> InTheWay:
    """Return what is in the way of the plan of a change now; customers are not told of it.

    ``begins``: what is in the way of this person if they begin it now.
    """
    plan = plan_of(change) if permissions.can_see_internal(user) else None
    if plan is None:
        return InTheWay([])
    if begins:
        found = conflicts_of(change, begun_now(plan, timezone.now()), by=user)
    else:
        found = conflicts_of(change, plan)
    return InTheWay(found[:MOST], len(found[MOST:]))


def kept(found: Sequence[Found]) -> list[str]:
    """Return in words what the event of a plan keeps of what was in its way."""
    said = [one.words for one in found[:MOST]]
    more = len(found[MOST:])
    return [*said, ngettext("And %d more.", "And %d more.", more) % more] if more else said


def freezes_ahead(user: User, change: Change) -> list[Window]:
    """Return the freezes of the next weeks that concern a change which has no plan yet."""
    if not permissions.can_see_internal(user):
        return []
    now = timezone.now()
    wanted = Planned(change.pk, now, now + AHEAD, _services(change))
    return FREEZES.objects(**_concern(change, wanted), when=_when(wanted))


def _freezes() -> QuerySet[Window]:
    when = Given("when", DateTimeRangeField())
    found = Window.objects.filter(
        _concerns(),
        Exists(WindowSpan.objects.filter(window=OuterRef("pk"), span__overlap=when)),
        kind=Window.Kind.FREEZE,
        cancelled_at=None,
    )
    return found.select_related("service", "organisation").order_by("starts_at", "pk")[:MOST]


FREEZES = ObjectStatement(_freezes)


def freezes_on(day: date) -> list[Window]:
    """Return the freezes that hold at some time of the day of a release, the first of them."""
    during = WindowSpan.objects.filter(window=OuterRef("pk"), span__overlap=day_span(day))
    found = Window.objects.filter(Exists(during), kind=Window.Kind.FREEZE, cancelled_at=None)
    return list(found.select_related("service", "organisation").order_by("starts_at", "pk")[:MOST])


def _maintenance(change: Change, plan: Planned) -> list[Window]:
    """Return of each service's maintenance windows one of each effect and role: it has some."""
    return MAINTENANCE.objects(**_concern(change, plan), now=timezone.now())


MAINTENANCE = ObjectStatement(
    lambda: (
        Window.objects.filter(
            _concerns(),
            kind=Window.Kind.MAINTENANCE,
            cancelled_at=None,
            ends_at__gt=Given("now", DateTimeField()),
        )
        .select_related("service", "organisation")
        .order_by("service_id", "effect", "override_role", "pk")
        .distinct("service_id", "effect", "override_role")
    )
)


def _with_rows(
    one: Conflict, windows: dict[int, Window], others: dict[int, Any], notes: dict[int, str]
) -> Found:
    window = windows[one.rule.key] if one.rule else None
    other = others[one.other.change] if one.other else None
    note = notes.get(one.rule.key, "") if one.rule else ""
    return Found(one, window, other and other.change, getattr(other, "executor", None), note)


def _rule(window: Window) -> Rule:
    return Rule(window.pk, Effect(window.effect), window.service_id, window.override_role)


def _concerns(prefix: str = "") -> Q:
    """The condition for windows that are of a change's services and customer: see ``_concern``."""
    service = Q(**{f"{prefix}service": None}) | is_one_of(
        f"{prefix}service", given_keys("services")
    )
    customer = Q(**{f"{prefix}organisation": None})
    return service & (customer | Q(**{f"{prefix}organisation": Given("customer")}))


def _concern(change: Change, plan: Planned) -> dict[str, Any]:
    """What is given to a statement that asks what concerns this change."""
    return {"services": sorted(plan.services), "customer": change.organisation_id}


def _when(plan: Planned) -> DateTimeTZRange:
    return DateTimeTZRange(plan.starts, plan.ends)


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


def _executions(plan: Planned, linked: Iterable[int]) -> list[Execution]:
    return _with_services(EXECUTIONS, plan, linked, when=_when(plan), executor=plan.executor)


def _executions_then() -> QuerySet[Execution]:
    wanted = _executions_during(Given("when", DateTimeRangeField())).filter(
        STILL_PLANNED,
        LINKED | OF_ITS_SERVICES | Q(executor=Given("executor")),
        change__state=State.EXECUTION,
    )
    return _first_of(wanted, "executor")


EXECUTIONS = ObjectStatement(_executions_then)


def _deployments(plan: Planned, linked: Iterable[int]) -> list[Deployment]:
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


def _linked(change: Change) -> set[int]:
    """Return the changes that are linked as conflicting, in whichever direction."""
    return {one for pair in LINKS.rows(change=change.pk) for one in pair} - {change.pk}


LINKS = Statement(
    lambda: ChangeLink.objects.filter(
        Q(source=Given("change")) | Q(target=Given("change")), kind=ChangeLink.Kind.CONFLICTS_WITH
    ).values_list("source", "target"),
    planned_once=True,
)


# In words -------------------------------------------------------------------------------------


def moment(at: datetime) -> str:
    """Return a moment in the reader's zone, which is named."""
    local = timezone.localtime(at)
    return f"{date_format(local, 'j M Y, H:i')} {local:%Z}"


def _words(found: Found) -> str:
    conflict, window, other = found.conflict, found.window, found.change
    if conflict.why == Why.FREEZE and window and conflict.until:
        values = {"name": window, "until": moment(conflict.until)}
        said = _("Inside the change freeze “%(name)s”, until %(until)s.") % values
        return f"{said} {_who(found)}".strip()
    if conflict.why == Why.OUTSIDE and window:
        of = window.service or window.organisation or _("everything")
        values = {"of": of, "name": window}
        said = _("Outside the maintenance windows of %(of)s, such as “%(name)s”.") % values
        return f"{said} {_who(found)}".strip()
    if other is None:
        return ""
    if conflict.why == Why.PERSON:
        values = {"person": found.executor, "change": other.reference}
        return _("%(person)s executes %(change)s at that time.") % values
    if conflict.why == Why.LINKED:
        return _("%s, which is linked as conflicting, is planned at that time.") % other.reference
    shared = conflict.other.services if conflict.other else frozenset()
    names = ", ".join(one.name for one in other.services.all() if one.pk in shared)
    values = {"change": other.reference, "names": names}
    return _("%(change)s is planned at that time and affects %(names)s.") % values


def _who(found: Found) -> str:
    """Say who can let a plan pass, or that somebody did."""
    conflict, window = found.conflict, found.window
    if conflict.overridden:
        return f"{_('It was overridden for this change.')} {found.note}".strip()
    if window is None or conflict.effect == Effect.WARNS:
        return ""
    if conflict.effect == Effect.OVERRIDE:
        role = Role(window.override_role).label
        words = _("Somebody with the role “%s” can override it, with a reason, on its page.") % role
        return f"{found.note} {words}".strip()
    return _("It cannot be overridden; release managers and administrators can cancel it.")
