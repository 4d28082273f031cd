"""Meetings: scheduled by rhythm, opened, closed and cancelled."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from changes.errors import StepIncomplete

from .. import permissions, queries
from ..models import Attendance, Board, Meeting
from ..schedule import Slot, months_ahead, slots
from ..states import MeetingState
from .agenda import drop_departed, fill_agenda, lock_open_items, move_items
from .core import lock_board, lock_meeting, require, require_current, save
from .publishing import settle_agenda

MONTHS_AHEAD = 3


def schedule_meetings(board: Board, *, now: datetime | None = None) -> list[Meeting]:
    """Keep a board's meetings planned three months ahead.

    Idempotent, safe when two run at once, and indifferent to how long nobody ran it: dates that
    have passed in the meantime are not made up for. When the board's rhythm was changed, future
    meetings that no longer fit are cancelled and their items move on; those that still fit take
    the new time and length. Meetings that people cancelled are not planned again. Returns the
    new meetings.
    """
    with transaction.atomic():
        board = lock_board(board.pk)
        if not board.is_active:
            return []
        now = now or timezone.now()
        wanted = _wanted_slots(board, now)
        known = set(board.meetings.exclude(nominal_on=None).values_list("nominal_on", flat=True))
        _replan(board, wanted, now)
        missing = [slot for slot in wanted.values() if slot.nominal_on not in known]
        created = [_schedule(board, slot) for slot in missing]
        _move_from_cancelled(board)
    return created


def _wanted_slots(board: Board, now: datetime) -> dict[date, Slot]:
    today = timezone.localtime(now, ZoneInfo(board.zone)).date()
    found = slots(board.rhythm, months_ahead(today, -1), months_ahead(today, MONTHS_AHEAD))
    return {slot.nominal_on: slot for slot in found if slot.starts_at > now}


def _schedule(board: Board, slot: Slot) -> Meeting:
    meeting = Meeting(board=board, nominal_on=slot.nominal_on)
    return save(_take(meeting, slot), actor=None, reason="scheduled by the board's rhythm")


def _take(meeting: Meeting, slot: Slot) -> Meeting:
    """Give a meeting the date of a slot and the board's time, zone and length."""
    board = meeting.board
    meeting.date, meeting.holiday = slot.on, slot.holiday
    meeting.start, meeting.zone = board.start, board.zone
    meeting.length_minutes = board.length_minutes
    return meeting


def _plan_of(meeting: Meeting) -> tuple[object, ...]:
    return (meeting.date, meeting.start, meeting.zone, meeting.length_minutes, meeting.holiday)


def _replan(board: Board, wanted: dict[date, Slot], now: datetime) -> None:
    future = board.meetings.select_for_update(no_key=True).filter(
        state=MeetingState.SCHEDULED, starts_at__gt=now, nominal_on__isnull=False
    )
    last = max(wanted, default=None)
    for meeting in future.order_by("pk"):
        meeting.board = board
        slot = wanted.get(meeting.nominal_on)
        before = _plan_of(meeting)
        if slot is not None:
            if _plan_of(_take(meeting, slot)) != before:
                meeting.version += 1
                save(meeting, actor=None, reason="the board's rhythm changed")
        elif last is None or meeting.nominal_on <= last:
            meeting.nominal_on = None
            meeting.cancel(_("The board's rhythm changed."))
            meeting.version += 1
            save(meeting, actor=None, reason="the board's rhythm changed")


def _move_from_cancelled(board: Board) -> None:
    target = queries.next_agenda(board)
    cancelled = board.meetings.filter(state=MeetingState.CANCELLED, items__state="open").distinct()
    if target is not None:
        for meeting in cancelled:
            move_items(meeting, target, actor=None, remark=meeting.cancel_reason)


def start_meeting(meeting: Meeting, *, actor: User, seen: int | None = None) -> Meeting:
    """Open a meeting. The chair or the deputy.

    Effects: the agenda is published if it has not been, and its consent items are fixed; state
    ``running``; the actor is recorded as present. Raises StepIllegal while another meeting of
    the board runs.
    """
    with transaction.atomic():
        fresh = lock_meeting(meeting)
        _authorise_state("start_meeting", fresh, actor, seen)
        settle_agenda(fresh, actor=actor)
        fresh.begin()
        _save(fresh, actor, "opened the meeting")
        attend(fresh, actor)
    return fresh


def join_meeting(meeting: Meeting, *, actor: User) -> Attendance:
    """Record that a member is there; said twice it is recorded once."""
    with transaction.atomic():
        fresh = lock_meeting(meeting)
        require(permissions.can_join_meeting(actor, fresh))
        return attend(fresh, actor)


def attend(meeting: Meeting, user: User) -> Attendance:
    """Note a person's arrival at a running meeting, once, and whom they stand in for."""
    seat = meeting.seat_of(user)
    standing_in = {"for_member": seat.absent if seat else None}
    return Attendance.objects.get_or_create(meeting=meeting, user=user, defaults=standing_in)[0]


def close_meeting(meeting: Meeting, *, actor: User, seen: int | None = None) -> Meeting:
    """Close a running meeting. The chair or the deputy.

    Effects: each undecided item is deferred, and its change gets a new item on the next agenda
    that is not published yet, where it is voted on anew; state ``closed``. A vote that is being
    cast counts, or is refused because the item is no longer open: the items are locked first.
    """
    with transaction.atomic():
        fresh = lock_meeting(meeting)
        _authorise_state("close_meeting", fresh, actor, seen)
        drop_departed(fresh.board, actor=actor)
        for item in lock_open_items(fresh):
            item.defer(_("Not decided in this meeting."))
            save(item, actor=actor, reason="deferred to the next meeting")
        fresh.close()
        _save(fresh, actor, "closed the meeting")
        fill_agenda(fresh.board, actor=actor)
    return fresh


def cancel_meeting(
    meeting: Meeting, *, actor: User, reason: str, seen: int | None = None
) -> Meeting:
    """Cancel a meeting that has not begun, with a reason. The chair or the deputy.

    Effects: state ``cancelled``; open items move with the votes cast so far to the next agenda
    that is not published yet, or wait until there is one.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why the meeting is cancelled."), ["reason"])
    with transaction.atomic():
        fresh = lock_meeting(meeting)
        _authorise("cancel_meeting", fresh, actor, seen)
        fresh.cancel(reason)
        _save(fresh, actor, f"cancelled the meeting: {reason}")
        target = queries.next_agenda(fresh.board)
        if target is not None:
            move_items(fresh, target, actor=actor, remark=reason)
    return fresh


def _authorise(verb: str, meeting: Meeting, actor: User, seen: int | None) -> None:
    decision = getattr(permissions, f"can_{verb}")(actor, meeting)
    if decision or decision.kind == permissions.Refusal.STATE:
        require_current(meeting, seen)
    require(decision)


def _authorise_state(verb: str, meeting: Meeting, actor: User, seen: int | None) -> None:
    """As ``_authorise``; but what moved only on the agenda since is no reason to refuse."""
    decision = getattr(permissions, f"can_{verb}")(actor, meeting)
    if decision.kind == permissions.Refusal.STATE:
        require_current(meeting, seen)
    require(decision)


def _save(meeting: Meeting, actor: User, reason: str) -> None:
    meeting.version += 1
    save(meeting, actor=actor, reason=reason)
