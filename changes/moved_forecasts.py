"""What people know of when a promised change comes, and what of that has moved.

Kept with the event that tells of a move: the day of the release in which the change is, the day
promised, and which of them its customer reads.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils.dateparse import parse_date
from post_office.models import STATUS

from accounts.models import User

from . import permissions
from .models import Change, Event, Notice
from .plain.status import status_of
from .promises import FORECAST_MOVED as MOVED
from .promises import day_known
from .states import BEFORE_DEPLOYED, State

MOST = 20
"""So many moves that were not told are put together."""
Known = dict[str, Any]


def known_of(change: Change, forecast_on: date | None, due_on: date | None) -> Known:
    """Return what is known where these days are: as texts, for an event.

    Its customer reads for when it is planned once its deployment is, or where that is later than
    promised.
    """
    planned = change.state == State.DEPLOYMENT and change.deployment is not None
    late = forecast_on is not None and due_on is not None and forecast_on > due_on
    return {
        "forecast_on": forecast_on and forecast_on.isoformat(),
        "due_on": due_on and due_on.isoformat(),
        "shown_on": forecast_on.isoformat() if forecast_on and (planned or late) else None,
    }


def known_now(change: Change) -> Known:
    """Return what is known of a change."""
    return known_of(change, day_known(change), change.due_on)


def shown(known: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return what a customer reads of what is known."""
    return known["shown_on"], known["due_on"]


def is_news(person: User, change: Change, event: Event) -> bool:
    """Whether what an event tells is so still, and is something that its reader does not know."""
    if not change.promise or change.state not in BEFORE_DEPLOYED:
        return False
    seen, later = _as_read_by(person), change.events.filter(verb=MOVED, pk__gt=event.pk)
    if not permissions.can_see_internal(person):
        later = later.filter(is_internal=False)
    after = seen(event.data["after"])
    return after == seen(known_now(change)) != seen(before(person, change, event)) and (
        not later.exists()
    )


def before(person: User, change: Change, event: Event) -> Known:
    """Return what a reader knew: what was known before all moves of which no mail told them.

    Those count that followed each other: what a plan or the board said in between they know.
    """
    seen = _as_read_by(person)
    known: Known = event.data["before"]
    earlier = Notice.objects.filter(
        person=person, change=change, message=MOVED, event__pk__lt=event.pk
    )
    newest = earlier.select_related("event", "email").defer("email__message", "email__html_message")
    for notice in newest.order_by("-event", "-pk")[:MOST]:
        told = notice.email is not None and notice.email.status == STATUS.sent
        if told or notice.event is None or seen(notice.event.data["after"]) != seen(known):
            break
        known = notice.event.data["before"]
    return known


def words(person: User, change: Change, event: Event) -> dict[str, Any]:
    """Return what a mail says of a move to this reader: which days, None where there is none, why.

    And where the change stands, for who reads no more of it.
    """
    was, now = before(person, change, event), event.data["after"]
    name = "forecast_on" if permissions.can_see_internal(person) else "shown_on"
    return {
        "planned_before": parse_date(was[name] or ""),
        "planned_now": parse_date(now[name] or ""),
        "due_before": parse_date(was["due_on"] or ""),
        "due_now": parse_date(now["due_on"] or ""),
        "why_moved": event.data["why"],
        "stands": status_of(change, person).text,
    }


def _as_read_by(person: User) -> Any:
    if permissions.can_see_internal(person):
        return lambda known: (known["forecast_on"], known["due_on"])
    return shown
