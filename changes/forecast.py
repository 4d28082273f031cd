"""How likely the code of a change is complete by a day, from how long it took others."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from django.db.models import F, QuerySet

from .models import Event
from .states import State

S = State

ENOUGH = 5
"""Of fewer past changes nothing is said."""
REMEMBERED = 200
"""How many of the latest completed developments are looked at."""
STAGES = (S.REQUIREMENTS, S.RISK_ASSESSMENT, S.DEVELOPMENT, S.TESTING)
"""The stages in which code comes about; it is complete when the change waits for deployment."""

Past = Mapping[str, Sequence[timedelta]]


class Chance(StrEnum):
    """What past changes say about a day."""

    COMPLETE = "complete"
    LIKELY = "likely"
    OPEN = "open"
    UNLIKELY = "unlikely"
    LATE = "late"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Outlook:
    """The chance, and what it is based on: so many past changes, and how long they still took."""

    chance: Chance
    count: int = 0
    median: timedelta | None = None
    p90: timedelta | None = None


def outlook(past: Sequence[timedelta], spent: timedelta, left: timedelta) -> Outlook:
    """Compare the time that is left with what past changes still took from here.

    ``past``: from first entering the stage until the code was complete; ``spent``: since this
    change first entered it. Those that were faster than it is already say nothing about it.
    """
    if left <= timedelta(0):
        return Outlook(Chance.LATE)
    still = sorted(one - spent for one in past if one > spent)
    if len(still) < ENOUGH:
        return Outlook(Chance.UNKNOWN, len(still))
    median, p90 = share(still, 0.5), share(still, 0.9)
    in_time = sum(1 for limit in (median, p90) if limit <= left)
    chance = (Chance.UNLIKELY, Chance.OPEN, Chance.LIKELY)[in_time]
    return Outlook(chance, len(still), median, p90)


def share(ordered: Sequence[timedelta], part: float) -> timedelta:
    """Return the value that this part of an ordered, not empty list does not exceed."""
    return ordered[max(ceil(part * len(ordered)) - 1, 0)]


def durations(moves: Iterable[tuple[int, str, datetime]]) -> dict[str, list[timedelta]]:
    """Return by stage how long it took from first entering it until the code was complete.

    ``moves``: change, state entered and when, in order of each change. What a round that never
    came to its end took is not counted, nor what lay before the last definition of requirements.
    """
    return _walk(moves)[0]


def _walk(
    moves: Iterable[tuple[int, str, datetime]],
) -> tuple[dict[str, list[timedelta]], dict[int, dict[str, datetime]]]:
    """Return the durations, and when each change on its way first entered its stages."""
    found: dict[str, list[timedelta]] = defaultdict(list)
    entered: dict[int, dict[str, datetime]] = defaultdict(dict)
    for change, state, at in moves:
        if state == S.DEPLOYMENT:
            for stage, since in entered.pop(change, {}).items():
                found[stage].append(at - since)
        else:
            if state == S.REQUIREMENTS:
                entered.pop(change, None)
            entered[change].setdefault(state, at)
    return dict(found), dict(entered)


def entered_first(changes: Iterable[int]) -> dict[int, dict[str, datetime]]:
    """Return when changes first entered their stages on the way they are on. One query at most.

    What went back from testing has spent the time before as well: so do those it is compared with.
    """
    return _walk(_moves(Event.objects.filter(change__in=list(changes))))[1]


def past_durations() -> dict[str, list[timedelta]]:
    """Return ``durations`` of those whose code was complete last. One query."""
    complete = Event.objects.filter(from_state=S.TESTING, to_state=S.DEPLOYMENT).order_by("-pk")
    latest = complete.values("change")[:REMEMBERED]
    return durations(_moves(Event.objects.filter(change__in=latest)))


def _moves(events: QuerySet[Event]) -> Iterable[tuple[int, str, datetime]]:
    entering = events.filter(to_state__in=(*STAGES, S.DEPLOYMENT))
    moves = entering.exclude(from_state=F("to_state")).order_by("pk")
    return moves.values_list("change", "to_state", "at")
