"""What was recorded by mistake: how long it can be taken back, and who hears of it.

For a short time after an outcome was recorded, of the board, an execution or a deployment, its
mails wait, so that a slip can be undone before anybody is told.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from post_office.models import STATUS

from .models import Change, Event, Notice
from .models.board import undo_time
from .process import UNVERSIONED

RECORDED = "record_board_outcome"
TAKEN_BACK = "take_back_board_outcome"
CARRIED_OUT = {
    "record_execution": "take_back_execution",
    "record_deployment": "take_back_deployment",
}
"""What somebody records of what was carried out, and the act that takes it back."""
HELD = frozenset({RECORDED, *CARRIED_OUT})
TAKES_BACK = frozenset({TAKEN_BACK, *CARRIED_OUT.values()})
UNTRIED = Q(email__number_of_retries=None) | Q(email__number_of_retries=0)
GOES_ON_BESIDE = (UNVERSIONED - {"record_contact", "record_post_review", "add_post_action"}) | {
    "assign",
    "settle_promise",
}
"""Acts after an outcome that do not build on it: it can be taken back all the same.

Whom somebody called about the question, they have told of what was recorded; and who looks back on
it takes it for what happened."""


def held_until(event: Event | None) -> datetime | None:
    """Return until when what tells of an event waits, because the act can be taken back."""
    if event is None or event.verb not in HELD or not undo_time():
        return None
    return event.at + undo_time()


def still_held() -> Q:
    """The condition for notices that wait because what they tell of can be taken back."""
    return Q(event__verb__in=HELD, event__at__gt=timezone.now() - undo_time())


def builds_on_outcome(event: Event | None) -> bool:
    """Whether an act goes on from what was decided, so that this can wait no longer."""
    return event is not None and event.verb not in GOES_ON_BESIDE


def recorded(change: Change, verb: str = RECORDED) -> Event | None:
    """Return the event with which the newest outcome of a change was recorded."""
    found = [event for event in change.events.all() if event.verb == verb]
    return max(found, key=lambda event: event.pk, default=None)


def acted_since(change: Change, verb: str = RECORDED) -> Event | None:
    """Return the first act that built on the newest outcome of a change."""
    outcome = recorded(change, verb)
    later = [
        event
        for event in change.events.all()
        if outcome is not None and event.pk > outcome.pk and builds_on_outcome(event)
    ]
    return min(later, key=lambda event: event.pk, default=None)


def went_out(event: Event) -> bool:
    """Whether a mail that tells of an event was sent, or tried, or waits for nothing any more."""
    mails = Notice.objects.filter(event=event, email__isnull=False, email__expires_at=None)
    waits = Q(email__status=STATUS.queued) & UNTRIED
    return mails.exclude(waits).exists()


def is_taken_back(change: Change, event: Event) -> bool:
    """Whether an event recorded an outcome that was taken back since."""
    if event.verb not in HELD:
        return False
    return any(one.data.get("took_back") == event.pk for one in change.events.all())


def taken_back_of(changes: Iterable[int]) -> frozenset[int]:
    """Return the events of these changes that recorded an outcome taken back since. One query."""
    acts = Event.objects.filter(change__in=changes, verb__in=TAKES_BACK)
    return frozenset(acts.values_list("data__took_back", flat=True))


def unheard(events: Iterable[Event]) -> set[int]:
    """Return the keys of those events that a customer's people never heard of.

    That is what was taken back before any of them was told, and the taking back of it.
    """
    found: set[int] = set()
    for event in events:
        if event.verb in TAKES_BACK and not event.data.get("customer_told"):
            found |= {event.pk, event.data["took_back"]}
    return found
