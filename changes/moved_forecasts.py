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
from .promises import day_known, is_shown
from .states import BEFORE_DEPLOYED

LATER = "later_than_promised"
MOST = 20
"""So many moves that were not told are put together."""
Known = dict[str, Any]


def known_of(change: Change, forecast_on: date | None, due_on: date | None) -> Known:
    """Return what is known where these days are: as texts, for an event.

    ``shown_on``: the day for which its customer reads that it is planned (``promises.is_shown``).
    """
    forecast = forecast_on and forecast_on.isoformat()
    return {
        "forecast_on": forecast,
        "due_on": due_on and due_on.isoformat(),
        "shown_on": forecast if is_shown(change, forecast_on, due_on) else None,
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


def was_told_of_plan(person: User, change: Change, event: Event) -> bool:
    """Whether the last that somebody was told is this very plan, as later than promised."""
    told = Notice.objects.filter(person=person, change=change, message__in=(MOVED, LATER))
    last = told.filter(event__pk__lt=event.pk).select_related("event").order_by("-event").first()
    if last is None or last.event is None or last.message != LATER:
        return False
    plan, after = last.event.data["beyond"], event.data["after"]
    return (plan["planned"], plan["promised"]) == (after["forecast_on"], after["due_on"])


def before(person: User, change: Change, event: Event) -> Known:
    """Return what a reader knew: what was known before all moves of which nothing told them.

    A mail has told them, or they have read it in the app. Those count that followed each other:
    what a plan or the board said in between they know.
    """
    seen = _as_read_by(person)
    known: Known = event.data["before"]
    earlier = Notice.objects.filter(
        person=person, change=change, message=MOVED, event__pk__lt=event.pk
    )
    newest = earlier.select_related("event", "email").defer("email__message", "email__html_message")
    for notice in newest.order_by("-event", "-pk")[:MOST]:
        mailed = notice.email is not None and notice.email.status == STATUS.sent
        told = mailed or notice.read_at is not None
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
