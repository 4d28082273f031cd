"""What is in the way of a plan of a change as things are now."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.utils import timezone
from django.utils.translation import ngettext

from accounts.models import User

from .. import permissions
from ..conflicts import Conflict, Effect, Holds, Planned, Rule, find
from ..models import Change, Deployment, Execution, Window
from .others import deployments_beside, executions_beside, linked_with
from .overrides import overrides_of
from .plans import MOST, begun_now, of_deployment, of_execution, plan_of
from .windows import maintenance_of, spans_at
from .words import Found


def conflicts_of(change: Change, plan: Planned, *, by: User | None = None) -> list[Found]:
    """Return what is in the way of a plan of this change, in seven queries at most.

    ``by`` plans or begins it. Where somebody let it pass, some more: see ``overrides_of``.
    """
    spans = spans_at(change, plan)
    overrides = overrides_of(change, {by.pk if by else None, plan.executor} - {None})
    given = [one for one in overrides.windows if one.is_for(change, plan.services)]
    there = [*maintenance_of(change, plan), *(one for one in given if one.is_for_maintenance)]
    windows = {one.pk: one for one in there}
    maintenance = [_rule(one) for one in windows.values()]
    freezes: list[Holds] = []
    held: list[Holds] = []
    for span in spans:
        windows[span.window.pk] = span.window
        holds = Holds(_rule(span.window), span.span.lower, span.span.upper)
        (freezes if span.window.is_freeze else held).append(holds)
    linked = linked_with(change)
    executions = executions_beside(plan, linked)
    deployments = deployments_beside(plan, linked)
    beside: list[Execution | Deployment] = [*executions, *deployments]
    others = {one.change_id: one for one in beside}
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


@dataclass(frozen=True)
class InTheWay:
    """What is in the way of a plan, the strictest first, and how much more there is."""

    shown: list[Found]
    more: int = 0

    @property
    def stops(self) -> bool:
        """Whether the plan cannot be kept as it is: what stops it comes first."""
        return any(one.stops for one in self.shown[:1])

    @property
    def key(self) -> str:
        """By what a form that is sent says which of it its reader has read; "" of nothing.

        What somebody has overridden nobody needs to read again.
        """
        said = [one.words for one in self.shown if not one.conflict.overridden]
        text = "\n".join([*said, str(self.more)])
        return sha256(text.encode()).hexdigest()[:16] if said else ""


def in_the_way_of(user: User, change: Change, plan: Planned | None) -> InTheWay:
    """Return what is in the way of a plan that this person is about to make."""
    if plan is None or not permissions.can_see_internal(user):
        return InTheWay([])
    return _first(conflicts_of(change, plan, by=user))


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
    return _first(found)


def _first(found: list[Found]) -> InTheWay:
    return InTheWay(found[:MOST], len(found[MOST:]))


def kept(found: Sequence[Found]) -> list[str]:
    """Return in words what the event of a plan keeps of what was in its way."""
    said = [one.words for one in found[:MOST]]
    more = len(found[MOST:])
    return [*said, ngettext("And %d more.", "And %d more.", more) % more] if more else said


def _with_rows(
    one: Conflict, windows: dict[int, Window], others: dict[int, Any], notes: dict[int, str]
) -> Found:
    window = windows[one.rule.key] if one.rule else None
    other = others[one.other.change] if one.other else None
    note = notes.get(one.rule.key, "") if one.rule else ""
    return Found(one, window, other and other.change, getattr(other, "executor", None), note)


def _rule(window: Window) -> Rule:
    return Rule(window.pk, Effect(window.effect), window.service_id, window.override_role)
