"""Which items are offered as consent items: said anew until the meeting begins, then fixed."""

from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from expansive_cm.statements import Given, ObjectStatement

from .. import queries
from ..consent import is_consent
from ..models import AgendaItem, Board, Meeting
from ..states import ItemState, MeetingState
from .core import save


def refresh_offer(item: AgendaItem, *, actor: User | None) -> bool:
    """Say anew whether a locked item of a meeting that has not begun is a consent item.

    Returns whether that has changed.
    """
    if item.meeting.state != MeetingState.SCHEDULED or not item.is_open:
        return False
    needed = item.meeting.board.consent_count
    pulled = item.pulled_at is not None
    offered = bool(needed) and is_consent(queries.tally_of(item), needed, pulled=pulled)
    if offered == item.is_consent:
        return False
    item.is_consent = offered
    save(item, actor=actor, reason="offered by consent" if offered else "no longer by consent")
    return True


def refresh_offers(meeting: Meeting, *, actor: User | None) -> None:
    """Say of every open item of a locked meeting anew whether it is a consent item."""
    if not _lock(meeting.items.filter(state=ItemState.OPEN)):
        return
    for item in queries.votes_of(meeting):
        refresh_offer(item, actor=actor)


def withdraw_offers(board: Board, *, actor: User | None) -> None:
    """Take back the offers whose votes an edit of the request has made stale, or a recusal.

    The votes themselves bring offers about (``cast_vote``); this finds what they cannot.
    """
    for item in OFFERED.objects(board=board.pk):
        refresh_offer(item, actor=actor)


def _lock(items: object) -> list[AgendaItem]:
    return list(_locked(items))


def _locked(items: Any) -> QuerySet[AgendaItem]:
    rows: QuerySet[AgendaItem] = items.select_for_update(no_key=True, of=("self",))
    return rows.order_by("pk")


OFFERED = ObjectStatement(
    lambda: _locked(
        AgendaItem.objects.filter(
            meeting__board=Given("board"),
            meeting__state=MeetingState.SCHEDULED,
            state=ItemState.OPEN,
            is_consent=True,
        )
    )
)
