"""The board's rhythm: meetings are kept planned, and follow when the rhythm changes."""

from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from expansive_cm.sure import sure
from expansive_cm.workflow.acts import acting

from .. import queries
from ..models import Board, Meeting
from ..schedule import Slot, in_rhythm, months_ahead, slot, slots
from ..states import MeetingState
from .agenda import move_items
from .core import lock_board, save, save_meeting
from .invitations import send_invitations
from .planning import meeting_at

MONTHS_AHEAD = 3
RHYTHM = (
    "zone",
    "weekday",
    "start",
    "length_minutes",
    "interval_days",
    "first_date",
    "holiday_region",
    "holiday_policy",
)
"""The fields of a board that decide when it meets."""
LOOKED_AT = 50
"""So many of the board's latest versions are searched for the one that changed its rhythm."""
FOLLOWED = "the board's rhythm changed"
"""The reason in a meeting's history for what followed a new rhythm."""


def schedule_meetings(board: Board, *, now: datetime | None = None) -> list[Meeting]:
    """Keep a board's meetings planned three months ahead, and their invitees told.

    Idempotent, safe when two run at once, and indifferent to how long nobody ran it: dates that
    have passed in the meantime are not made up for. When the board's rhythm was changed, future
    meetings that no longer fit are cancelled and their items move on; those that still fit take
    the new time and length. Meetings that people cancelled are not planned again, and those that
    people moved stay where they put them. Nothing is planned where the board meets already, as
    an extraordinary meeting was called or another moved there. What has begun or passed is never
    touched. Returns the new meetings.
    """
    with acting():
        board = lock_board(board.pk)
        if not board.is_active:
            return []
        now = now or timezone.now()
        wanted = _wanted_slots(board, now)
        known = set(board.meetings.exclude(nominal_on=None).values_list("nominal_on", flat=True))
        why = _replan(board, now)
        missing = [slot for slot in wanted.values() if slot.nominal_on not in known]
        created = [made for slot in missing if (made := _schedule(board, slot)) is not None]
        _move_from_cancelled(board)
        send_invitations(board, reason=why, now=now)
    return created


def _wanted_slots(board: Board, now: datetime) -> dict[date, Slot]:
    today = timezone.localtime(now, ZoneInfo(board.zone)).date()
    found = slots(board.rhythm, months_ahead(today, -1), months_ahead(today, MONTHS_AHEAD))
    return {slot.nominal_on: slot for slot in found if slot.starts_at > now}


def _schedule(board: Board, slot: Slot) -> Meeting | None:
    """Plan the meeting of a day; none where the board meets already."""
    meeting = _take(Meeting(board=board, nominal_on=slot.nominal_on), slot)
    if meeting_at(meeting) is not None:
        return None
    return save(meeting, actor=None, reason="scheduled by the board's rhythm")


def _take(meeting: Meeting, slot: Slot) -> Meeting:
    """Give a meeting the date of a slot and the board's time, zone and length."""
    board = meeting.board
    meeting.date, meeting.holiday = slot.on, slot.holiday
    meeting.start, meeting.zone = board.start, board.zone
    meeting.length_minutes = board.length_minutes
    meeting.set_moment()
    return meeting


def _plan_of(meeting: Meeting) -> tuple[object, ...]:
    return (meeting.date, meeting.start, meeting.zone, meeting.length_minutes, meeting.holiday)


def _replan(board: Board, now: datetime) -> str:
    """Let the meetings to come follow the rhythm; return why, if any had to."""
    future = board.meetings.select_for_update(no_key=True).filter(
        state=MeetingState.SCHEDULED, starts_at__gt=now, nominal_on__isnull=False, move_reason=""
    )
    why = ""
    for meeting in future.order_by("pk"):
        meeting.board = board
        if not in_rhythm(board.rhythm, sure(meeting.nominal_on)):
            why = why or _why(board)
            give_up(meeting, why)
        elif _follow(meeting, now):
            why = why or _why(board)
            if _is_taken(meeting):
                give_up(meeting, why)
    return why


def give_up(meeting: Meeting, why: str, reason: str = FOLLOWED) -> None:
    """Cancel a meeting whose day the board no longer has; the day may be planned again."""
    meeting.nominal_on = None
    meeting.sequence += 1
    meeting.cancel(why)
    save_meeting(meeting, None, reason)


def _follow(meeting: Meeting, now: datetime) -> bool:
    """Move a meeting to where the rhythm has it now, if that is still to come."""
    before = _plan_of(meeting)
    found = slot(meeting.board.rhythm, sure(meeting.nominal_on))
    if found.starts_at <= now or _plan_of(_take(meeting, found)) == before:
        return False
    meeting.sequence += 1
    save_meeting(meeting, None, FOLLOWED)
    return True


def _is_taken(meeting: Meeting) -> bool:
    """Whether people have put another meeting where the rhythm has this one now."""
    other = meeting_at(meeting)
    return other is not None and bool(other.move_reason or not other.is_regular)


def _why(board: Board) -> str:
    """Say why meetings change, with the reason given for the board's new rhythm.

    Other things of the board may have been saved since.
    """
    rows = list(board.history.order_by("-history_id")[:LOOKED_AT])
    for row, before in pairwise(rows):
        if any(getattr(row, name) != getattr(before, name) for name in RHYTHM):
            given = row.history_change_reason
            if given:
                return _("The board's rhythm changed: %s") % given
            break
    return _("The board's rhythm changed.")


def _move_from_cancelled(board: Board) -> None:
    target = queries.next_agenda(board)
    cancelled = board.meetings.filter(state=MeetingState.CANCELLED, items__state="open").distinct()
    if target is not None:
        for meeting in cancelled:
            move_items(meeting, target, actor=None, remark=meeting.cancel_reason)
