"""Ballots without a meeting: opened by the chair, open until their deadline, settled at last.

A ballot is kept as a meeting that runs from the moment it is opened. Who sits on the board on
the day of its deadline votes in it; nobody has to be anywhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from changes.models import Change
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import StepIncomplete

from .. import ballot_messages, queries
from ..models import AgendaItem, Board, Meeting
from ..models.seat import keep_seats
from ..schedule import FURTHEST
from ..states import MeetingKind
from .agenda import drop_departed, fill_agenda, lock_open_items, remark_on
from .core import lock_meeting, save, save_meeting, take_step
from .taking_up import take_up
from .versions import record_version

DEADLINE_PASSED = "told the chair that the deadline has passed"
"""The reason in the ballot's history that says it was done, for the deadline of that row."""


def open_ballot(
    board: Board,
    *,
    actor: User,
    changes: Iterable[Change],
    deadline: datetime,
    reason: str,
) -> Meeting:
    """Let the board vote on changes without a meeting, until a deadline. Chair or deputy.

    Raises StepForbidden for others, StepIncomplete without changes, reason or a deadline to
    come, and StepIllegal for a change that does not wait for this board, is in another ballot
    or on the agenda of a running meeting. Effects: a running ballot; the changes' open items move
    into it with the votes cast so far, others get one; everybody with a seat is mailed.
    """
    wanted = list(dict.fromkeys(changes))
    with take_step("open_ballot", board, actor=actor, reason=reason) as step:
        board = step.on
        if not wanted:
            raise StepIncomplete(_("Choose at least one change."), ["changes"])
        if not reason.strip():
            raise StepIncomplete(_("Say why the board votes without a meeting."), ["reason"])
        zone = {"zone": board.zone, "length_minutes": 0}
        ballot = Meeting(board=board, kind=MeetingKind.BALLOT, purpose=reason.strip(), **zone)
        _set_deadline(ballot, deadline)
        ballot.begin()
        save(ballot, actor=actor, reason=f"opened the ballot: {ballot.purpose}")
        _fill(ballot, wanted, actor)
        ballot_messages.ballot_opened(ballot, wanted, actor)
        step.meeting = ballot
    return ballot


def _set_deadline(ballot: Meeting, deadline: datetime) -> None:
    """Give a ballot its deadline; whoever sits on the board on that day has a vote in it."""
    if deadline <= timezone.now():
        raise StepIncomplete(_("The deadline has passed already."), ["deadline"])
    if deadline > timezone.now() + FURTHEST:
        raise StepIncomplete(_("A ballot is open for at most a year."), ["deadline"])
    local = deadline.astimezone(ZoneInfo(ballot.zone))
    ballot.deadline, ballot.date, ballot.start = deadline, local.date(), local.time()
    if not any(seat.runs_meetings for seat in ballot.board.members_on(ballot.date)):
        raise StepIncomplete(
            _("On that day neither the chair nor the deputy is there to record the outcome."),
            ["deadline"],
        )


def _fill(ballot: Meeting, changes: Sequence[Change], actor: User) -> None:
    """Give every change its item in the ballot, in the order given."""
    items, sources = take_up(ballot, changes)
    for position, item in enumerate(items, 1):
        item.position = position
        save(item, actor=actor, reason="put into the ballot")
    for source in sources:
        record_version(source, actor=actor, reason=_("Some items are voted on without a meeting."))


def extend_ballot(
    ballot: Meeting,
    *,
    actor: User,
    deadline: datetime,
    reason: str,
    seen: int | None = None,
) -> Meeting:
    """Give the members more time, with a reason. The chair or the deputy.

    Possible as long as the ballot is open, also after its deadline. Raises StepIncomplete for a
    deadline that is not later than the present one. Effects: the deadline; everybody with a
    seat is mailed.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why the members get more time."), ["reason"])
    with take_step("extend_ballot", ballot, actor=actor, seen=seen, reason=reason) as step:
        fresh = step.on
        if fresh.deadline is not None and deadline <= fresh.deadline:
            raise StepIncomplete(_("The new deadline must be later than the old."), ["deadline"])
        _set_deadline(fresh, deadline)
        fresh.move_reason = reason.strip()
        save_meeting(fresh, actor, f"extended the ballot: {fresh.move_reason}")
        ballot_messages.ballot_extended(fresh, actor)
    return fresh


def end_ballot(ballot: Meeting, *, actor: User, reason: str, seen: int | None = None) -> Meeting:
    """End a ballot before all its items are decided, with a reason. The chair or the deputy.

    Effects: undecided items go to the next agenda, where they are voted on anew; state
    ``closed``; everybody with a seat is mailed.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why the ballot ends."), ["reason"])
    with take_step("end_ballot", ballot, actor=actor, seen=seen, reason=reason) as step:
        fresh = step.on
        drop_departed(fresh.board, actor=actor)
        remark = _("The ballot was ended: %s") % reason.strip()
        remarks = dict.fromkeys(lock_open_items(fresh), remark)
        _close(fresh, actor, f"ended the ballot: {reason.strip()}")
        _send_back(fresh.board, remarks, actor)
        ballot_messages.ballot_ended(fresh, reason.strip(), actor)
    return fresh


def settle_ballot(ballot: Meeting) -> bool:
    """Do what time brings: called every minute, idempotent, safe when two run at once.

    Nothing happens before the deadline, except that a ballot closes when no item is left. After
    it, items without quorum or without a vote for an outcome go to the next agenda with a
    remark; those that can be decided wait for the chair, who is mailed once per deadline, and
    again when more went back. Returns whether anything was done.
    """
    with acting():
        fresh = lock_meeting(ballot)
        if not (fresh.is_ballot and fresh.is_running):
            return False
        drop_departed(fresh.board, actor=None)
        returned, waiting = _sort_out(fresh)
        news = bool(returned) or (fresh.is_over and bool(waiting) and not _chair_was_told(fresh))
        if news:
            save_meeting(fresh, None, DEADLINE_PASSED)
            ballot_messages.ballot_over(fresh, returned, waiting)
        if not waiting:
            _close(fresh, None, "closed the ballot: every item is settled")
        return news or not waiting


def _sort_out(ballot: Meeting) -> tuple[list[AgendaItem], list[AgendaItem]]:
    """Send back what the votes do not decide once the deadline has passed; return both parts."""
    lock_open_items(ballot)
    items = [item for item in queries.agenda_of(ballot) if item.is_open]
    if not ballot.is_over:
        return [], items
    counts = {item.pk: queries.tally_of(item) for item in items}
    waiting = [item for item in items if counts[item.pk].is_decidable]
    ended = _("The ballot ended without an outcome.")
    remarks = {
        item: f"{ended} {counts[item.pk].settled_sentence}" for item in items if item not in waiting
    }
    _send_back(ballot.board, remarks, None)
    return list(remarks), waiting


def _send_back(board: Board, remarks: Mapping[AgendaItem, str], actor: User | None) -> None:
    """Defer items and put their changes on the next agenda, where the remark says why."""
    for item, remark in remarks.items():
        item.defer(remark)
        save(item, actor=actor, reason="sent back to the next agenda")
    back = {item.change_id: remark for item, remark in remarks.items()}
    for item in fill_agenda(board, actor=actor) if back else ():
        if item.change_id in back:
            item.remark = remark_on(item, back[item.change_id])
            save(item, actor=actor, reason="put on the agenda after a ballot")


def _chair_was_told(ballot: Meeting) -> bool:
    told = ballot.history.filter(history_change_reason=DEADLINE_PASSED)
    return told.filter(deadline=ballot.deadline).exists()


def lock_ballot_of(item: AgendaItem) -> Meeting | None:
    """Lock the ballot that an item is in before the item itself; None in a meeting."""
    return lock_meeting(item.meeting) if item.meeting.is_ballot else None


def close_when_settled(ballot: Meeting, *, actor: User) -> None:
    """Close a ballot, under its lock, with its last item."""
    if not ballot.items.filter(state="open").exists():
        _close(ballot, actor, "closed the ballot: every item is settled")


def close_dissolved(ballot: Meeting) -> None:
    """Close a ballot, under its lock, whose items the board no longer decides on."""
    _close(ballot, None, "closed the ballot: the board no longer meets")


def _close(ballot: Meeting, actor: User | None, reason: str) -> None:
    keep_seats(ballot)
    ballot.close()
    save_meeting(ballot, actor, reason)
