"""What there is around a plan, read once: what ``conflicts`` asks, and the rows for its words."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from accounts.models import User

from ..conflicts import Conflict, Effect, Holds, Planned, Related, Rule, Why
from ..dependencies import Links
from ..models import Change, Deployment, Execution, Window
from ..services import links_near, names_of
from .others import beside_related, deployments_beside, executions_beside, linked_with
from .overrides import Overrides, overrides_of
from .plans import of_deployment, of_execution
from .windows import Time, maintenance_of, spans_at
from .words import Found


@dataclass(frozen=True)
class Around:
    """Windows, other plans and services around a plan, with what was let pass."""

    plan: Planned
    freezes: list[Holds]
    maintenance: list[Rule]
    held: list[Holds]
    others: list[Planned]
    linked: set[int]
    overridden: set[int]
    related: Related
    windows: dict[int, Window]
    beside: dict[int, Execution | Deployment]
    links: Links
    notes: dict[int, str]

    @property
    def asked(self) -> dict[str, Any]:
        """What ``conflicts.find`` is called with beside the plan."""
        names = "freezes maintenance held others linked overridden related".split()
        return {name: getattr(self, name) for name in names}

    def in_words(self, found: Iterable[Conflict]) -> list[Found]:
        """Return conflicts with the rows that their words need."""
        return [self._with_rows(one) for one in found]

    def _with_rows(self, one: Conflict) -> Found:
        window = self.windows[one.rule.key] if one.rule else None
        other = self.beside[one.other.change] if one.other else None
        note = self.notes.get(one.rule.key, "") if one.rule else ""
        way = tuple(self._names.get(key, "") for key in self._way(one))
        change = other.change if other else None
        return Found(one, window, change, getattr(other, "executor", None), note, way)

    def _way(self, one: Conflict) -> list[int]:
        """Return the shortest way from a service of one plan to one of the other that it needs."""
        if one.other is None or one.why not in (Why.PREREQUISITE, Why.DEPENDANT):
            return []
        own, theirs = self.plan.services, one.other.services - self.plan.services
        needing, needed = (own, theirs) if one.why == Why.PREREQUISITE else (theirs, own)
        ways = [self.links.way(key, last) for key in sorted(needing) for last in sorted(needed)]
        return min((way for way in ways if way), key=len, default=[])

    @cached_property
    def _names(self) -> dict[int, str]:
        return names_of({key for pair in self.links.pairs for key in pair})


def around(change: Change, plan: Planned, *, by: User | None = None) -> Around:
    """Read what there is around a plan of this change, in eight queries at most.

    ``by`` plans or begins it. Where somebody let it pass, some more: see ``overrides_of``; four
    where its services need others or are needed, and one for the names of those in its way.
    """
    linked, links = linked_with(change), links_near(plan.services)
    related = related_to(plan, links)
    beside = [
        *executions_beside(plan, linked),
        *deployments_beside(plan, linked),
        *beside_related(plan, related),
    ]
    spans = spans_at(change, plan)
    times = [(one.window_id, one.span) for one in spans]
    windows = {one.window_id: one.window for one in spans}
    return gathered(change, plan, times, windows, beside, linked, links, by=by)


def related_to(plan: Planned, links: Links) -> Related:
    """Return what the services of a plan need, and what needs them, as far as it counts."""
    needed, needing = links.prerequisites(plan.services), links.dependants(plan.services)
    return Related(frozenset(needed), frozenset(needing))


def gathered(
    change: Change,
    plan: Planned,
    times: Iterable[Time],
    windows: dict[int, Window],
    beside: Iterable[Execution | Deployment],
    linked: set[int],
    links: Links,
    *,
    by: User | None = None,
) -> Around:
    """Put the times of windows, and other plans, around a plan with what was let pass."""
    overrides = overrides_of(change, {by.pk if by else None, plan.executor} - {None})
    given, there = _rules(change, plan, overrides)
    windows = {**there, **windows}
    rules = {key: _rule(one) for key, one in windows.items()}
    freezes: list[Holds] = []
    held: list[Holds] = []
    for key, span in times:
        holds = Holds(rules[key], span.lower, span.upper)
        (freezes if windows[key].is_freeze else held).append(holds)
    others = {one.change_id: one for one in beside}
    return Around(
        plan=plan,
        freezes=freezes,
        maintenance=[rules[key] for key in there],
        held=held,
        others=[_planned(one) for one in others.values()],
        linked=linked,
        overridden=given,
        related=related_to(plan, links),
        windows=windows,
        beside=others,
        links=links,
        notes=overrides.notes,
    )


def _rules(
    change: Change, plan: Planned, overrides: Overrides
) -> tuple[set[int], dict[int, Window]]:
    """Return which windows were let pass, and the maintenance windows that there are."""
    given = [one for one in overrides.windows if one.is_for(change, plan.services)]
    there = [*maintenance_of(change, plan), *(one for one in given if one.is_for_maintenance)]
    return {one.pk for one in given}, {one.pk: one for one in there}


def _planned(one: Execution | Deployment) -> Planned:
    if isinstance(one, Execution):
        return of_execution(one.change, one.window_start, one.window_end, one.executor)
    return of_deployment(one.change, one.release)


def _rule(window: Window) -> Rule:
    return Rule(window.pk, Effect(window.effect), window.service_id, window.override_role)
