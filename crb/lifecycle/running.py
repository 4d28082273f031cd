"""The course of a running meeting: which item it is at, and for how long."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import ChangeStale, StepIllegal

from .. import permissions, queries
from ..models import AgendaItem, BoardOutcome, Meeting
from .core import lock_item, lock_meeting, require_right, save, save_meeting, take_step
from .outcomes import record_outcome


def go_to_item(
    meeting: Meeting, *, actor: User, item: AgendaItem, seen: int | None = None
) -> Meeting:
    """Let the meeting turn to an item. The chair or the deputy, in a running meeting.

    ``seen`` is the meeting's version on the page: of two who move on at once, one does, and the
    other is told. Raises StepForbidden, StepIllegal for an item that is not (any longer) on this
    agenda, or ChangeStale. Effects: the time since the last move is added to the item that is
    left; the meeting's current item, since now. Going where the meeting is already changes
    nothing.
    """
    with take_step("go_to_item", meeting, actor=actor, seen=seen) as step:
        fresh = step.on
        target = AgendaItem.objects.get(pk=item.pk)
        require_right(permissions.can_go_to_item, actor, fresh, target)
        if fresh.current_item_id == target.pk:
            step.happened = False
            return fresh
        leave_item(fresh, actor=actor)
        turn_to(fresh, target)
        step.item = target
        save_meeting(fresh, actor, f"went to item: {target.change}")
    return fresh


def record_and_go_on(
    item: AgendaItem, *, actor: User, seen: int | None = None, **outcome: Any
) -> BoardOutcome:
    """Record the outcome of what the meeting is at, and let it turn to the next item: one act.

    ``seen`` and ``outcome`` are as for ``record_outcome``; what is next is asked under the lock,
    as the agenda may have grown since. Refused as each of both would be, with nothing done; so it
    is where the meeting is at another item by now, or no other item is open. Effects: those of
    both.
    """
    with acting():
        meeting = lock_meeting(item.meeting)  # before the item: the order of locks
        recorded = record_outcome(item, actor=actor, seen=seen, **outcome)
        require_right(permissions.can_go_to_item, actor, meeting)
        if meeting.current_item_id != item.pk:
            raise ChangeStale(_("The meeting has gone to another item since you opened this page."))
        target = queries.next_open(queries.entries_on(meeting), item.pk)
        if target is None:
            raise StepIllegal(_("No other item is open any more. Record the outcome alone."))
        go_to_item(meeting, actor=actor, item=target)
    return recorded


def turn_to(meeting: Meeting, item: AgendaItem | None) -> None:
    """Set what a locked meeting is at; the caller saves it."""
    meeting.current_item = item
    meeting.current_since = timezone.now() if item is not None else None


def leave_item(meeting: Meeting, *, actor: User) -> None:
    """Add the time since the last move to the item that a locked meeting is at."""
    if meeting.current_item_id is None or meeting.current_since is None:
        return
    spent = int((timezone.now() - meeting.current_since).total_seconds())
    if spent > 0:
        left = lock_item(AgendaItem(pk=meeting.current_item_id))
        left.seconds_spent += spent
        save(left, actor=actor, reason=f"discussed for {spent} seconds")


def turn_to_first(meeting: Meeting) -> None:
    """Let a meeting that begins be at its first open item; the caller saves it."""
    turn_to(meeting, queries.open_items_of(meeting).first())
