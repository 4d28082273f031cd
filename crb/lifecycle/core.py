"""What the board's steps share: the shape of a step, fresh rows under a lock, explained saves.

``take_step`` is for the board what that of ``changes.lifecycle`` is for changes; what both have in
common stands in ``expansive_cm.workflow.steps``. What is no act of a person (beat's tasks, and
what a step brings about besides) opens a plain ``acting`` block.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.utils.translation import gettext as _

from accounts.models import User
from changes.lifecycle.core import lock as lock_change
from changes.lifecycle.core import what_happened
from expansive_cm.statements import Given, ObjectStatement, Statement
from expansive_cm.workflow.decisions import Decision, Refusal
from expansive_cm.workflow.errors import ChangeStale
from expansive_cm.workflow.steps import opened, require, save

from .. import permissions
from ..models import Absence, Action, AgendaItem, Board, BoardEvent, Meeting, Membership
from ..states import MeetingState

Row = TypeVar("Row", bound=models.Model)
Rule = Callable[..., Decision]

STALE_FIRST = (None, Refusal.STATE)
"""Answers that a page explains on which the meeting was another one."""


@dataclass
class Step(Generic[Row]):
    """A step being taken: what it is about, under its lock, and what is recorded about it."""

    verb: str
    on: Row
    actor: User | None
    reason: str = ""
    happened: bool = True
    """False where the body found that there was nothing to do."""
    meeting: Meeting | None = None
    """The meeting that a step on a board brought about."""
    item: AgendaItem | None = None
    """The item that a step on a meeting is about."""


@contextmanager
def take_step(
    verb: str,
    about: Row,
    *,
    actor: User | None,
    seen: int | None = None,
    reason: str = "",
    lock: Callable[[Row], Row] | None = None,
    rule: Rule | None = None,
    asks: bool = True,
    stale_first: Collection[Refusal | None] = STALE_FIRST,
) -> Iterator[Step[Row]]:
    """Lock what a step is about, ask whether the actor may, run the body on it, and record it.

    ``seen`` is the meeting's version on the page the person acted from; what else a page may
    show, the body compares. ``lock`` and ``rule`` are said where they are not those of the kind
    of row and of the verb. A step that ``asks`` nothing here does so in its body, once it has
    locked what the answer depends on. Without an actor the product itself acts, unasked.
    Raises StepForbidden, StepIllegal or ChangeStale, in which case nothing has changed.
    """
    may = (rule or getattr(permissions, f"can_{verb}")) if asks else None

    def stale(fresh: Row) -> str:
        return moved_on(fresh, seen) if isinstance(fresh, Meeting) else ""

    with opened(
        lambda: (lock or LOCKS[type(about)])(about),
        actor=actor,
        ask=(lambda fresh: may(actor, fresh)) if may else None,
        stale=stale,
        stale_first=stale_first,
    ) as fresh:
        step = Step(verb, fresh, actor, reason.strip())
        before = _state(fresh)
        yield step
        if step.happened:
            _record_event(step, before)


def record_event(verb: str, about: models.Model, reason: str) -> BoardEvent:
    """Append an event of what the product itself has done, and nothing else tells of."""
    return _record_event(Step(verb, about, None, reason), _state(about))


def _record_event(step: Step[Any], before: str) -> BoardEvent:
    """Append the event that says that the step was taken."""
    board, meeting, item = _place(step.on)
    made = step.meeting
    return BoardEvent.objects.create(
        board_id=board,
        meeting_id=made.pk if made else meeting,
        item_id=step.item.pk if step.item else item,
        verb=step.verb,
        actor=step.actor,
        actor_name=step.actor.display_name if step.actor else "",
        actor_email=step.actor.email if step.actor else "",
        from_state=before,
        to_state=_state(made or step.on),
        reason=step.reason,
    )


def _state(row: models.Model) -> str:
    return getattr(row, "state", "")


def _place(row: models.Model) -> tuple[int | None, int | None, int | None]:
    """Return the keys of the board, the meeting and the item that a row belongs to."""
    match row:
        case Board():
            return row.pk, None, None
        case Meeting():
            return row.board_id, row.pk, None
        case AgendaItem():
            return row.meeting.board_id, row.meeting_id, row.pk
        case Action():
            return row.meeting.board_id, row.meeting_id, row.item_id
        case Membership():
            return row.board_id, None, None
        case Absence():
            return row.membership.board_id, None, None
        case _:
            return None, None, None


def lock_board(board_id: int) -> Board:
    """Return a fresh board whose row is locked: one person at a time changes its agendas."""
    return BOARD.get(key=board_id)


def lock_meeting(meeting: Meeting) -> Meeting:
    """Return a fresh meeting under the lock of its board and its own."""
    board = lock_board(meeting.board_id)
    fresh = MEETING.get(key=meeting.pk)
    fresh.board = board
    return fresh


def lock_item(item: AgendaItem) -> AgendaItem:
    """Return a fresh item whose row is locked.

    Meeting and change are read after the lock is held, in queries of their own: columns joined
    to the locking query would show what was true before the wait.
    """
    return ITEM.get(key=item.pk)


def share_item(item: AgendaItem) -> AgendaItem:
    """Return a fresh item on which others may vote at the same time, but which nobody settles.

    Twenty members who vote in the same second do not wait for each other; whoever settles the
    item (``lock_item``) waits for all of them, and they for that.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM crb_agendaitem WHERE id = %s FOR SHARE", [item.pk])
    return SHARED_ITEM.get(key=item.pk)


def hold_for_vote(item: AgendaItem) -> AgendaItem:
    """Return a fresh item to vote on: shared in a meeting that has begun, else held alone.

    Before the meeting a vote may bring about an offer of consent or end it, which writes the
    item: two who share it would each wait for the other, and neither would count the other's vote.
    """
    return share_item(item) if HAS_BEGUN.rows(item=item.pk) else lock_item(item)


HAS_BEGUN = Statement(
    lambda: (
        Meeting.objects.filter(items=Given("item"))
        .exclude(state=MeetingState.SCHEDULED)
        .values_list("pk")
    ),
    planned_once=True,
)


def lock_item_with_meeting(item: AgendaItem) -> AgendaItem:
    """Return a fresh item under the locks of its board, its meeting and its own.

    Raises ChangeStale for one that has moved to another meeting meanwhile.
    """
    meeting = lock_meeting(item.meeting)
    fresh = lock_item(item)
    if fresh.meeting_id != meeting.pk:
        raise ChangeStale(_("The item has moved to another meeting since you opened this page."))
    fresh.meeting = meeting
    return fresh


def lock_action(action: Action) -> Action:
    """Return a fresh action under the locks of its board, its meeting and its own."""
    meeting = lock_meeting(Meeting.objects.get(pk=action.meeting_id))
    fresh = Action.objects.select_for_update(no_key=True).get(pk=action.pk)
    fresh.meeting = meeting
    return fresh


def _locked(model: type[Row]) -> ObjectStatement[Row]:
    rows = model._default_manager.filter(pk=Given("key"))
    return ObjectStatement(lambda: rows.select_for_update(no_key=True))


BOARD, MEETING, ITEM = _locked(Board), _locked(Meeting), _locked(AgendaItem)
SHARED_ITEM = ObjectStatement(
    lambda: AgendaItem.objects.filter(pk=Given("key")).select_related("meeting__board", "change")
)

LOCKS: dict[type[models.Model], Callable[[Any], Any]] = {
    Board: lambda board: lock_board(board.pk),
    Meeting: lock_meeting,
    AgendaItem: lock_item,
    Action: lock_action,
}
"""How a row of each kind is locked where a step does not say otherwise."""


def ask(rule: Rule, actor: User, *about: Any) -> Decision:
    """Ask whether the actor, read afresh, may; called under the locks that the step takes."""
    return rule(actor.read_afresh(), *about)


def require_right(rule: Rule, actor: User, *about: Any) -> None:
    """Go on only if the actor, read afresh, may."""
    require(ask(rule, actor, *about))


def require_on_change(rule: Rule, actor: User, item: AgendaItem, seen: int | None) -> None:
    """Lock the change that an item is about, and go on only if the actor, read afresh, may.

    For a step whose page is about the change: ``seen`` is its version there. Effects: the item has
    the change as it is under its lock. Raises as ``require``, which says what has happened to it.
    """
    item.change = lock_change(item.change)
    is_stale = seen is not None and item.change.version != seen
    require(
        ask(rule, actor, item),
        lambda: what_happened(item.change, actor) if is_stale else "",
    )


def moved_on(meeting: Meeting, seen: int | None) -> str:
    """Say that the meeting has moved on since the person's page was made, if it has."""
    if seen is None or seen == meeting.version:
        return ""
    words = _("The meeting has moved on since you opened this page. It is now: %s.")
    return words % meeting.get_state_display().lower()


def save_meeting(meeting: Meeting, actor: User | None, reason: str) -> None:
    """Save a step on a meeting; pages that show it as it was are now out of date."""
    meeting.version += 1
    save(meeting, actor=actor, reason=reason)


def require_unmoved(item: AgendaItem, fresh: AgendaItem) -> None:
    """Raise ChangeStale when the item went to another meeting before it was locked."""
    if item.meeting_id != fresh.meeting_id:
        raise ChangeStale(_("The item has moved to another agenda: %s.") % fresh.meeting)
