"""What is in the way of a plan: one pure function over what was read of that time.

``planning`` reads it. A plan is an execution with its window, or a deployment, of which only
the day of its release is known: of a freeze it must cover all of that day to stop it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .spans import Span


class Effect(StrEnum):
    """What a conflict means for the plan; the first is the strictest."""

    REFUSES = "refuses"
    OVERRIDE = "override"
    WARNS = "warns"


STRICTEST_FIRST = tuple(Effect)


class Why(StrEnum):
    """The seven things that can be in the way."""

    FREEZE = "freeze"
    OUTSIDE = "outside"
    SERVICE = "service"
    PREREQUISITE = "prerequisite"
    DEPENDANT = "dependant"
    PERSON = "person"
    LINKED = "linked"


@dataclass(frozen=True)
class Planned:
    """What is to be done when: of the change itself, or of another one."""

    change: int
    starts: datetime
    ends: datetime
    services: frozenset[int] = frozenset()
    executor: int | None = None
    release: int | None = None
    """With which release it goes out; until it begins its time is the whole day of that."""
    begins: bool = False
    """Whether it begins now."""

    @property
    def whole_day(self) -> bool:
        """Whether only the day is known, as of a deployment that does not begin yet."""
        return self.release is not None and not self.begins

    def meets(self, starts: datetime, ends: datetime) -> bool:
        """Whether some of its time lies between these moments; ends are no part of a time."""
        return self.starts < ends and starts < self.ends


@dataclass(frozen=True)
class Rule:
    """A freeze or maintenance window: of which service, and which role can override it."""

    key: int
    effect: Effect
    service: int | None = None
    role: str = ""


@dataclass(frozen=True)
class Holds:
    """A freeze or maintenance window holds from one moment to another."""

    rule: Rule
    starts: datetime
    ends: datetime


@dataclass(frozen=True)
class Conflict:
    """One thing in the way. ``rule`` or ``other`` says which; ``until`` is when a freeze ends."""

    why: Why
    effect: Effect
    rule: Rule | None = None
    other: Planned | None = None
    until: datetime | None = None
    overridden: bool = False


@dataclass(frozen=True)
class Related:
    """What the services of a plan need, and what needs them, without these themselves."""

    prerequisites: frozenset[int] = frozenset()
    dependants: frozenset[int] = frozenset()


UNRELATED = Related()


def find(
    plan: Planned,
    *,
    freezes: Iterable[Holds] = (),
    maintenance: Sequence[Rule] = (),
    held: Iterable[Holds] = (),
    others: Iterable[Planned] = (),
    linked: Collection[int] = (),
    overridden: Collection[int] = (),
    related: Related = UNRELATED,
) -> list[Conflict]:
    """Return all that is in the way of a plan, the strictest first.

    ``maintenance`` are the maintenance windows that there are for it, ``held`` the times in which
    they hold; ``linked`` the changes that are linked as conflicting, ``overridden`` the windows
    that somebody let it pass; ``related`` what its services need, and what needs them.
    """
    found = [
        *_in_freezes(plan, freezes, overridden),
        *_outside(plan, maintenance, list(held), overridden),
        *(conflict for other in others for conflict in with_other(plan, other, linked, related)),
    ]
    return sorted(found, key=lambda one: STRICTEST_FIRST.index(one.effect))


def _in_freezes(
    plan: Planned, freezes: Iterable[Holds], overridden: Collection[int]
) -> list[Conflict]:
    """Name each freeze once, with the last moment of it that the plan meets."""
    found: dict[Rule, Conflict] = {}
    for one in freezes:
        if not plan.meets(one.starts, one.ends):
            continue
        passed = one.rule.key in overridden
        covers = one.starts <= plan.starts and plan.ends <= one.ends
        stops = not passed and (covers or not plan.whole_day)
        effect = one.rule.effect if stops else Effect.WARNS
        before = found.get(one.rule)
        until = max(one.ends, before.until) if before and before.until else one.ends
        if before and STRICTEST_FIRST.index(before.effect) < STRICTEST_FIRST.index(effect):
            effect = before.effect
        found[one.rule] = Conflict(Why.FREEZE, effect, one.rule, None, until, passed)
    return list(found.values())


def _outside(
    plan: Planned,
    maintenance: Sequence[Rule],
    held: Sequence[Holds],
    overridden: Collection[int],
) -> list[Conflict]:
    """Of each service that has maintenance windows, the plan must lie within them.

    Who overrides one of them lets it pass all of that service that ask the same role for it.
    """
    found = []
    for service, rules in by_service(maintenance).items():
        times = [(one.starts, one.ends) for one in held if one.rule.service == service]
        if _fits(plan, times):
            continue
        strict = not_passed(rules, overridden)
        first = strictest(strict or rules)
        effect = first.effect if strict else Effect.WARNS
        found.append(Conflict(Why.OUTSIDE, effect, first, overridden=not strict))
    return found


def by_service(maintenance: Iterable[Rule]) -> dict[int | None, list[Rule]]:
    """Return the maintenance windows of each service that has some."""
    found: dict[int | None, list[Rule]] = {}
    for rule in maintenance:
        found.setdefault(rule.service, []).append(rule)
    return found


def strictest(rules: Iterable[Rule]) -> Rule:
    """Return the window of which most is asked to let a plan pass."""
    return min(rules, key=lambda rule: STRICTEST_FIRST.index(rule.effect))


def not_passed(rules: Sequence[Rule], overridden: Collection[int]) -> list[Rule]:
    """Return which maintenance windows of a service nobody lets a plan pass."""
    asking = [rule for rule in rules if rule.effect == Effect.OVERRIDE]
    passed = {rule.role for rule in asking if rule.key in overridden}
    return [rule for rule in rules if rule not in asking or rule.role not in passed]


def _fits(plan: Planned, times: Sequence[Span]) -> bool:
    """Whether a plan lies within these times; a day does if there is some of them on it."""
    if plan.whole_day:
        return any(plan.meets(*one) for one in times)
    reached = plan.starts
    for starts, ends in sorted(times):
        if starts <= reached < ends:
            reached = ends
    return reached >= plan.ends


def with_other(
    plan: Planned, other: Planned, linked: Collection[int] = (), related: Related = UNRELATED
) -> list[Conflict]:
    """Return why another plan is in the way of one, [] where it is not."""
    if other.change == plan.change or not plan.meets(other.starts, other.ends):
        return []
    together = plan.release is not None and plan.release == other.release
    found = []
    if plan.services & other.services and not together:
        found.append(Why.SERVICE)
    if related.prerequisites & other.services and not together:
        found.append(Why.PREREQUISITE)
    if related.dependants & other.services and not together:
        found.append(Why.DEPENDANT)
    if plan.executor is not None and plan.executor == other.executor:
        found.append(Why.PERSON)
    if other.change in linked:
        found.append(Why.LINKED)
    return [Conflict(why, Effect.WARNS, other=other) for why in found]
