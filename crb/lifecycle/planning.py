"""What the chair decides about the calendar: to move, to call and to cancel a meeting."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time

from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _

from accounts.models import User
from changes.models import Change
from expansive_cm.workflow.errors import StepIncomplete

from .. import agenda_messages, queries
from ..models import Board, Meeting
from ..schedule import FURTHEST, SATURDAY, holiday_on, is_skipped
from ..states import MeetingKind
from .agenda import move_items, place
from .core import save, save_meeting, take_step
from .invitations import send_invitations
from .publishing import publish
from .taking_up import take_up
from .versions import record_version


def move_meeting(
    meeting: Meeting,
    *,
    actor: User,
    date: date,
    start: time,
    length_minutes: int,
    reason: str,
    on_day_off: bool = False,
    seen: int | None = None,
) -> Meeting:
    """Put a meeting that has not begun at another date, time or length. The chair or the deputy.

    Date and time are local to the meeting's zone. Effects: the invitees get an updated
    invitation with the reason, the actor too, whose calendar must follow; who presents an item of
    a published agenda without a seat is told as well; items and votes stay.
    It keeps its day by rhythm, which is therefore not planned again. Raises StepIncomplete
    without a reason, without any change, for a time that has passed, for one at which the board
    meets already, and, unless ``on_day_off`` says that this is meant, for another day that is no
    working day.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why the meeting is moved."), ["reason"])
    with take_step("move_meeting", meeting, actor=actor, seen=seen, reason=reason) as step:
        fresh = step.on
        if (fresh.date, fresh.start, fresh.length_minutes) == (date, start, length_minutes):
            raise StepIncomplete(_("That is when the meeting is planned already."), ["date"])
        is_meant = on_day_off or fresh.date == date
        fresh.date, fresh.start, fresh.length_minutes = date, start, length_minutes
        _check_time(fresh, on_day_off=is_meant)
        fresh.move_reason, fresh.holiday = reason.strip(), ""
        fresh.sequence += 1
        save_meeting(fresh, actor, f"moved the meeting: {fresh.move_reason}")
        send_invitations(fresh.board)
        presenters = agenda_messages.presenters_of(fresh)
        agenda_messages.presenters_meeting(fresh, presenters, actor)
    return Meeting.objects.get(pk=fresh.pk)


def call_meeting(
    board: Board,
    *,
    actor: User,
    date: date,
    start: time,
    length_minutes: int,
    purpose: str,
    changes: Iterable[Change] = (),
    on_day_off: bool = False,
) -> Meeting:
    """Call an extraordinary meeting beside the board's rhythm. The chair or the deputy.

    Effects: the meeting, in the board's zone; the items of ``changes`` move to it with their
    plan and votes; every member is invited and told what for. If its cut-off has passed, the
    agenda is published at once with these items and no others. Raises StepIncomplete without a
    purpose, for a time that has passed, for one at which the board meets already, and, unless
    ``on_day_off`` says that this is meant, for a day that is no working day; StepIllegal for a
    change that does not wait for this board or is being voted on elsewhere.
    """
    if not purpose.strip():
        raise StepIncomplete(_("Say what the meeting is called for."), ["purpose"])
    with take_step("call_meeting", board, actor=actor, reason=purpose) as step:
        board = step.on
        meeting = Meeting(
            board=board,
            kind=MeetingKind.EXTRAORDINARY,
            purpose=purpose.strip(),
            date=date,
            start=start,
            zone=board.zone,
            length_minutes=length_minutes,
        )
        _check_time(meeting, on_day_off=on_day_off)
        save(meeting, actor=actor, reason=f"called the meeting: {meeting.purpose}")
        _fill(meeting, list(dict.fromkeys(changes)), actor)
        send_invitations(board)
        step.meeting = meeting
    return meeting


def _fill(meeting: Meeting, changes: Sequence[Change], actor: User) -> None:
    """Put on the agenda what the meeting is called for; publish it if its cut-off has passed."""
    items, left = take_up(meeting, changes)
    place(meeting, items, actor=actor, reason="moved to the meeting that was called")
    for source, leaving in left.items():
        gone = [item.change.reference for item in leaving]
        words = {"day": date_format(meeting.date, "j F Y"), "references": ", ".join(gone)}
        why = _("Taken up by the extraordinary meeting of %(day)s: %(references)s.") % words
        record_version(source, actor=actor, reason=why)
    if meeting.is_cutoff_over:
        why = _("Published when the meeting was called, as its cut-off had passed.")
        publish(meeting, actor=actor, fills=False, reason=why)


def cancel_meeting(
    meeting: Meeting, *, actor: User, reason: str, seen: int | None = None
) -> Meeting:
    """Cancel a meeting that has not begun, with a reason. The chair or the deputy.

    Effects: state ``cancelled``; open items move with the votes cast so far to the next agenda
    that is not published yet, or wait until there is one; everybody invited is told and their
    calendars drop it; so is who was to present an item of a published agenda.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why the meeting is cancelled."), ["reason"])
    with take_step("cancel_meeting", meeting, actor=actor, seen=seen, reason=reason) as step:
        fresh = step.on
        fresh.sequence += 1
        fresh.cancel(reason)
        save_meeting(fresh, actor, f"cancelled the meeting: {reason}")
        agenda_messages.presenters_meeting(fresh, agenda_messages.presenters_of(fresh), actor)
        target = queries.next_agenda(fresh.board)
        if target is not None:
            move_items(fresh, target, actor=actor, remark=reason)
        send_invitations(fresh.board)
    return fresh


def _check_time(meeting: Meeting, *, on_day_off: bool) -> None:
    """Refuse a time that has passed, does not exist, is far off, or is taken.

    And a day that is no working day, unless that is meant.
    """
    meeting.set_moment()
    now = timezone.now()
    if is_skipped(meeting.date, meeting.start, meeting.zone):
        raise StepIncomplete(_("The clocks go forward then: there is no such time."), ["start"])
    if meeting.starts_at <= now:
        raise StepIncomplete(_("That time has passed."), ["date"])
    if meeting.starts_at > now + FURTHEST:
        raise StepIncomplete(_("A meeting is planned at most a year ahead."), ["date"])
    other = meeting_at(meeting)
    if other is not None:
        words = {
            "day": date_format(other.date, "j F Y"),
            "time": time_format(other.start, "H:i"),
        }
        sentence = _("The board already meets then: on %(day)s at %(time)s.") % words
        raise StepIncomplete(sentence, ["date"])
    if not on_day_off:
        _check_day(meeting)


def _check_day(meeting: Meeting) -> None:
    """Refuse a day on which the people of the board do not work."""
    holiday = holiday_on(meeting.date, meeting.board.holiday_region)
    words = {"day": date_format(meeting.date, "l j F Y"), "holiday": holiday}
    if holiday:
        sentence = _("%(day)s is a holiday: %(holiday)s.") % words
    elif meeting.date.weekday() >= SATURDAY and meeting.date.weekday() != meeting.board.weekday:
        sentence = _("%(day)s is at the weekend.") % words
    else:
        return
    more = _("Choose another day, or tick below that it is meant.")
    raise StepIncomplete(f"{sentence} {more}", ["date", "on_day_off"])


def meeting_at(meeting: Meeting) -> Meeting | None:
    """Return another meeting of the board that is not over before this one begins."""
    others: Sequence[Meeting] = queries.held_around(meeting)
    return next((one for one in others if _overlap(one, meeting)), None)


def _overlap(one: Meeting, other: Meeting) -> bool:
    latest: datetime = max(one.starts_at, other.starts_at)
    return latest < min(one.ends_at, other.ends_at)
