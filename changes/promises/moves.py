"""How the board moved a promise, and what moved its forecast, as the events of its change tell."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.dateparse import parse_date

from ..models import Change, Event, Promise
from .of_change import day_known

MOVED = "replan_promise"
FORECAST_MOVED = "forecast_moved"
MOST_MOVES = 10
"""So many moves of a promise its change shows at a glance; the timeline has all of them."""


@dataclass(frozen=True)
class Move:
    """How the board moved a promise: who, when and why, from which day (None: undated) to which."""

    by: str
    at: datetime
    why: str
    before: date | None
    after: date | None


def moves_of(change: Change) -> list[Move]:
    """Return how the board moved the promise of a change, the latest first; reads its events.

    None of what another decision has promised anew since: of that the timeline tells.
    """
    if change.promise != Promise.REPLANNED:
        return []
    since = change.promised_at
    found = [
        one
        for one in _newest_first(change.events.all())
        if one.verb == MOVED and (since is None or one.at > since)
    ]
    return [_move(one) for one in found[:MOST_MOVES]]


def latest_moves(changes: Iterable[Change]) -> dict[int, Move]:
    """Return of each change whose promise was moved how it was moved last. One query, or none."""
    moved = [one.pk for one in changes if one.promise == Promise.REPLANNED]
    if not moved:
        return {}
    events = Event.objects.filter(change__in=moved, verb=MOVED).order_by("change_id", "-pk")
    return {event.change_id: _move(event) for event in events.distinct("change_id")}


def what_moved_forecast(change: Change) -> str:
    """Say for colleagues what moved the forecast of a change last, "" where it is another since.

    Reads its events.
    """
    for event in _newest_first(change.events.all()):
        if event.verb == FORECAST_MOVED:
            return _of_forecast(change, event)
    return ""


def what_moved_forecasts(changes: Iterable[Change]) -> dict[int, str]:
    """Return the same of each promised change whose forecast was moved. One query, or none."""
    promised = {one.pk: one for one in changes if one.promise}
    if not promised:
        return {}
    events = Event.objects.filter(change__in=promised.keys(), verb=FORECAST_MOVED)
    latest = events.order_by("change_id", "-pk").distinct("change_id")
    return {event.change_id: _of_forecast(promised[event.change_id], event) for event in latest}


def _of_forecast(change: Change, event: Event) -> str:
    before, after = (event.data[name]["forecast_on"] for name in ("before", "after"))
    day = day_known(change)
    return event.reason if before != after == (day and day.isoformat()) else ""


def _newest_first(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: -event.pk)


def _move(event: Event) -> Move:
    before, after = (event.data[name]["due_on"] for name in ("before", "after"))
    days = (parse_date(before or ""), parse_date(after or ""))
    return Move(event.actor_name, event.at, event.reason, *days)
