"""What the board's steps share: fresh rows under a lock, refusals, explained saves."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import connection, models
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.decisions import Decision, Refusal
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal

from .. import permissions
from ..models import AgendaItem, Board, Meeting
from ..states import MeetingState

Row = TypeVar("Row", bound=models.Model)
Rule = Callable[..., Decision]


def lock_board(board_id: int) -> Board:
    """Return a fresh board whose row is locked: one person at a time changes its agendas."""
    return Board.objects.select_for_update(no_key=True).get(pk=board_id)


def lock_meeting(meeting: Meeting) -> Meeting:
    """Return a fresh meeting under the lock of its board and its own."""
    board = lock_board(meeting.board_id)
    fresh = Meeting.objects.select_for_update(no_key=True).get(pk=meeting.pk)
    fresh.board = board
    return fresh


def lock_item(item: AgendaItem) -> AgendaItem:
    """Return a fresh item whose row is locked.

    Meeting and change are read after the lock is held, in queries of their own: columns joined
    to the locking query would show what was true before the wait.
    """
    return AgendaItem.objects.select_for_update(no_key=True).get(pk=item.pk)


def share_item(item: AgendaItem) -> AgendaItem:
    """Return a fresh item on which others may vote at the same time, but which nobody settles.

    Twenty members who vote in the same second do not wait for each other; whoever settles the
    item (``lock_item``) waits for all of them, and they for that.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM crb_agendaitem WHERE id = %s FOR SHARE", [item.pk])
    return AgendaItem.objects.select_related("meeting__board", "change").get(pk=item.pk)


def hold_for_vote(item: AgendaItem) -> AgendaItem:
    """Return a fresh item to vote on: shared in a meeting that has begun, else held alone.

    Before the meeting a vote may bring about an offer of consent or end it, which writes the
    item: two who share it would each wait for the other, and neither would count the other's vote.
    """
    begun = Meeting.objects.filter(items=item.pk).exclude(state=MeetingState.SCHEDULED).exists()
    return share_item(item) if begun else lock_item(item)


def ask(rule: Rule, actor: User, *about: Any) -> Decision:
    """Ask whether the actor, read afresh, may; called under the locks that the step takes."""
    return rule(actor.read_afresh(), *about)


def require_right(rule: Rule, actor: User, *about: Any) -> None:
    """Go on only if the actor, read afresh, may."""
    require(ask(rule, actor, *about))


def require(decision: Decision) -> None:
    """Raise what a refusal means: StepIllegal for the wrong moment, StepForbidden otherwise."""
    if decision:
        return
    if decision.kind in (Refusal.STATE, Refusal.GATE):
        raise StepIllegal(decision.reason)
    raise StepForbidden(decision.reason)


def require_current(meeting: Meeting, seen: int | None) -> None:
    """Raise ChangeStale when the meeting has moved on since the person's page was made."""
    if seen is not None and seen != meeting.version:
        raise ChangeStale(
            _("The meeting has moved on since you opened this page. It is now: %s.")
            % meeting.get_state_display().lower()
        )


def authorise(verb: str, meeting: Meeting, actor: User, seen: int | None) -> None:
    """Go on only if this person may take this step on the meeting as their page showed it."""
    decision = ask(getattr(permissions, f"can_{verb}"), actor, meeting)
    if decision or decision.kind == Refusal.STATE:
        require_current(meeting, seen)
    require(decision)


def authorise_state(verb: str, meeting: Meeting, actor: User, seen: int | None) -> None:
    """As ``authorise``; but what moved only on the agenda since is no reason to refuse."""
    decision = ask(getattr(permissions, f"can_{verb}"), actor, meeting)
    if decision.kind == Refusal.STATE:
        require_current(meeting, seen)
    require(decision)


def save_meeting(meeting: Meeting, actor: User | None, reason: str) -> None:
    """Save a step on a meeting; pages that show it as it was are now out of date."""
    meeting.version += 1
    save(meeting, actor=actor, reason=reason)


def require_unmoved(item: AgendaItem, fresh: AgendaItem) -> None:
    """Raise ChangeStale when the item went to another meeting before it was locked."""
    if item.meeting_id != fresh.meeting_id:
        raise ChangeStale(_("The item has moved to another agenda: %s.") % fresh.meeting)


def save(record: Row, *, actor: User | None, reason: str) -> Row:
    """Save a record with its history attributed to the actor and explained."""
    record._history_user = actor  # type: ignore[attr-defined]
    record._change_reason = reason  # type: ignore[attr-defined]
    record.save()
    return record
