"""Who is told what about the calendar: one mail per meeting and person, with its iCalendar file.

Whoever acted is told too, unlike elsewhere: their own calendar must follow.
"""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import User
from changes.models import MailFile

from . import invitations, queries
from .messages import tell
from .models import Meeting, Seat


def invitation(meeting: Meeting, seats: Sequence[Seat], now: datetime) -> None:
    """Invite people to a meeting; alternates are told whose place they take."""
    _request(meeting, seats, now, "invitation", _("You are invited to a meeting of the board"))


def meeting_moved(meeting: Meeting, seats: Sequence[Seat], now: datetime, reason: str = "") -> None:
    """Tell the invitees where a meeting has been put, and why."""
    context: dict[str, object] = {"reason": meeting.move_reason or reason}
    _request(meeting, seats, now, "meeting_moved", _("A meeting of the board was moved"), context)


def meeting_cancelled(meeting: Meeting, people: Sequence[User], now: datetime) -> None:
    """Tell everybody invited that there will be no meeting, and why."""
    headline = _("A meeting of the board was cancelled")
    had_items = queries.open_items_of(meeting).exists() or queries.moved_from(meeting).exists()
    tell(
        people,
        "meeting_cancelled",
        meeting,
        headline=headline,
        why=_("you were invited to this meeting"),
        context={"had_items": had_items},
        files=[_file(invitations.cancel(meeting, people, now), invitations.CANCEL)],
    )


def uninvited(meeting: Meeting, people: Sequence[User], now: datetime) -> None:
    """Tell people who have lost their seat at a meeting; who is absent reads who stands in."""
    stand_ins = {seat.absent.pk: seat.user for seat in meeting.members if seat.absent}
    tell(
        people,
        "uninvited",
        meeting,
        headline=_("You are no longer expected at a meeting"),
        why=_("you were invited to this meeting"),
        each={person.pk: {"stand_in": stand_ins.get(person.pk)} for person in people},
        files=[_file(invitations.cancel(meeting, people, now), invitations.CANCEL)],
    )


def _request(
    meeting: Meeting,
    seats: Sequence[Seat],
    now: datetime,
    message: str,
    headline: str,
    context: dict[str, object] | None = None,
) -> None:
    everybody = [seat.user for seat in meeting.members]
    tell(
        [seat.user for seat in seats],
        message,
        meeting,
        headline=headline,
        why=_("you have a seat on the board on that day"),
        context=context,
        each={seat.user_id: {"for_member": seat.absent} for seat in seats},
        files=[_file(invitations.request(meeting, everybody, now), invitations.REQUEST)],
    )


def _file(content: bytes, method: str) -> MailFile:
    return MailFile(
        name="invite.ics", content_type=invitations.content_type(method), content=content
    )
