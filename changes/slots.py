"""When a plan could go: the next free times, and what keeps it from going earlier.

One pure function over what ``planning`` read of the coming days. A time is free where
``conflicts.find`` has nothing to say of it but what was let pass.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from operator import itemgetter
from typing import Any

from .conflicts import (
    UNRELATED,
    Conflict,
    Holds,
    Planned,
    Related,
    Rule,
    Why,
    by_service,
    not_passed,
    strictest,
    with_other,
)
from .spans import Span

NUMBER = 3
"""So many free times are named."""
GRID = timedelta(minutes=15)
"""They begin at a quarter of an hour."""
WORKING_DAYS = range(5)
OPENS, CLOSES = time(8), time(18)
ONE_DAY = timedelta(hours=10)
"""The hours of a working day, and how long they are: these count where no maintenance window says
when a service is to be changed."""


@dataclass(frozen=True)
class Slot:
    """A free time, and what keeps the plan from going between the one before and this one."""

    starts: datetime
    ends: datetime
    why_not_earlier: list[Conflict] = field(default_factory=list)


@dataclass(frozen=True)
class When:
    """The next free times; ``why_none`` is all that was in the way, where they are fewer."""

    slots: list[Slot]
    why_none: list[Conflict]


@dataclass(frozen=True)
class _Block:
    """A time that is taken, and why."""

    starts: datetime
    ends: datetime
    why: tuple[Conflict, ...]


@dataclass
class _Reasons:
    """What was in the way since the last free time: each once, with the last of its ends."""

    found: dict[tuple[Any, ...], Conflict] = field(default_factory=dict)

    def add(self, conflicts: Iterable[Conflict]) -> None:
        """Note what is in the way; of two that say the same the later end counts."""
        for one in conflicts:
            key = (one.why, one.rule, one.other and one.other.change)
            before = self.found.get(key)
            if before is None or (one.until and before.until and one.until > before.until):
                self.found[key] = one

    def take(self) -> list[Conflict]:
        """Return what was noted, and begin anew."""
        found, self.found = [*self.found.values()], {}
        return found


def free(
    plan: Planned,
    until: datetime,
    *,
    freezes: Iterable[Holds] = (),
    maintenance: Sequence[Rule] = (),
    held: Iterable[Holds] = (),
    others: Iterable[Planned] = (),
    linked: Collection[int] = (),
    overridden: Collection[int] = (),
    related: Related = UNRELATED,
    hours: Sequence[Span] | None = None,
    unsaid: Sequence[Span] = (),
) -> When:
    """Return the next free times as long as the plan, from its beginning until a moment.

    Where maintenance windows ask for it they lie within these, otherwise within ``hours``, if any.
    None begins or ends in a time that is ``unsaid``.
    """
    length = plan.ends - plan.starts
    blocks = [*_of_freezes(freezes, overridden), *_of_others(plan, others, linked, related)]
    blocks.sort(key=lambda one: one.starts)
    asking = _asking(maintenance, held, overridden)
    always = [(plan.starts, until)] if hours is None else hours
    allowed = _within(asking) if asking else always
    slots: list[Slot] = []
    reasons, at, number = _Reasons(), on_grid(plan.starts), 0
    for opens, closes in allowed:
        if len(slots) == NUMBER:
            break
        if at < opens:
            reasons.add(_outside(asking, at, on_grid(opens), length))
            at = on_grid(opens)
            if at + length > closes and not (opens.second or opens.microsecond):
                at = opens  # from its beginning on the plan may fit into this time
        while len(slots) < NUMBER:
            at = _said(at, length, unsaid)
            if at + length > min(closes, until):
                break
            meeting = []
            while number < len(blocks) and blocks[number].starts < at + length:
                meeting += [blocks[number]] if blocks[number].ends > at else []
                number += 1
            for one in meeting:
                reasons.add(one.why)
            if meeting:  # and all that was met before is over by then
                at = on_grid(max(one.ends for one in meeting))
            else:
                slots.append(Slot(at, at + length, reasons.take()))
                at += length
    if len(slots) < NUMBER:
        reasons.add(_outside(asking, at, until - length + GRID, length))
    return When(slots, reasons.take() if len(slots) < NUMBER else [])


def _said(at: datetime, length: timedelta, unsaid: Sequence[Span]) -> datetime:
    """Return the next beginning with which a time neither begins nor ends in these times."""
    for starts, ends in unsaid:  # in order, and further from each other than a time is long
        if starts <= at + length < ends and not starts <= at < ends:
            at = on_grid(ends - length)
        if starts <= at < ends:
            at = on_grid(ends)
    return at


def asks(maintenance: Sequence[Rule], overridden: Collection[int]) -> bool:
    """Whether a plan has to lie within maintenance windows."""
    return bool(_asking(maintenance, (), overridden))


def on_grid(moment: datetime) -> datetime:
    """Return the next quarter of an hour, or the moment itself where it is one."""
    whole = moment.astimezone(UTC).replace(second=0, microsecond=0)
    earlier = whole - timedelta(minutes=whole.minute % 15)
    return earlier if earlier >= moment else earlier + GRID


def working_hours(zone: tzinfo, first: datetime, until: datetime) -> list[Span]:
    """Return the hours of working days there between two moments."""
    day, found = first.astimezone(zone).date(), []
    while day <= until.astimezone(zone).date():
        if day.weekday() in WORKING_DAYS:
            hours = datetime.combine(day, OPENS, zone), datetime.combine(day, CLOSES, zone)
            found.append((hours[0].astimezone(UTC), hours[1].astimezone(UTC)))
        day += timedelta(days=1)
    return found


def _of_freezes(freezes: Iterable[Holds], overridden: Collection[int]) -> list[_Block]:
    return [
        _Block(
            one.starts,
            one.ends,
            (Conflict(Why.FREEZE, one.rule.effect, one.rule, until=one.ends),),
        )
        for one in freezes
        if one.rule.key not in overridden
    ]


def _of_others(
    plan: Planned, others: Iterable[Planned], linked: Collection[int], related: Related
) -> list[_Block]:
    found = []
    for other in others:
        then = replace(plan, starts=other.starts, ends=other.ends)
        if why := with_other(then, other, linked, related):
            timed = tuple(replace(one, until=other.ends) for one in why)
            found.append(_Block(other.starts, other.ends, timed))
    return found


_Asking = list[tuple[Rule, list[Span]]]
"""The strictest maintenance window of each service that has some, and the times of all of them."""


def _asking(
    maintenance: Sequence[Rule], held: Iterable[Holds], overridden: Collection[int]
) -> _Asking:
    """Leave out what somebody let pass."""
    times: dict[int | None, list[Span]] = {}
    for one in held:
        times.setdefault(one.rule.service, []).append((one.starts, one.ends))
    found: _Asking = []
    for service, rules in by_service(maintenance).items():
        if strict := not_passed(rules, overridden):
            found.append((strictest(strict), _merged(times.get(service, []))))
    return found


def _merged(times: Iterable[Span]) -> list[Span]:
    """Return times in order, those that meet or overlap as one."""
    found: list[Span] = []
    for starts, ends in sorted(times):
        if found and starts <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        else:
            found.append((starts, ends))
    return found


def _within(asking: _Asking) -> list[Span]:
    """Return the times that lie within the maintenance windows of every service."""
    (_rule, found), *more = asking
    for _each, times in more:
        both, left, right = [], 0, 0
        while left < len(found) and right < len(times):
            starts = max(found[left][0], times[right][0])
            ends = min(found[left][1], times[right][1])
            if starts < ends:
                both.append((starts, ends))
            if found[left][1] <= times[right][1]:
                left += 1
            else:
                right += 1
        found = both
    return found


def _outside(
    asking: _Asking, first: datetime, before: datetime, length: timedelta
) -> list[Conflict]:
    """Return whose maintenance windows do not hold all along, of those that begin between these."""
    if before <= first:
        return []
    found = []
    for rule, times in asking:
        place = bisect_right(times, first, key=itemgetter(0)) - 1
        if place < 0 or times[place][1] < before - GRID + length:
            found.append(Conflict(Why.OUTSIDE, rule.effect, rule))
    return found
