"""Invitations: what each person has been told of each meeting, kept equal to what is planned."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.acts import acting

from .. import calendar_messages as messages
from .. import queries
from ..models import Board, Invitation, Meeting
from ..states import MeetingState
from .core import lock_board, record_event


def send_invitations(board: Board, *, reason: str = "", now: datetime | None = None) -> int:
    """Invite everybody with a seat to every meeting to come, and take back what no longer holds.

    Compares seats with what was sent, so it may run at any time, twice, or twice at once: nobody
    is told the same again. Whoever has a seat gets an invitation, or the new version of one that
    has changed, which tells ``reason`` if the meeting has none of its own; whoever has lost the
    seat, and everybody when the meeting was cancelled, gets a cancellation. Ballots without a
    meeting and times that have passed are left alone. Of each meeting an event keeps who was told
    what. Returns how many invitations changed.
    """
    with acting():
        board = lock_board(board.pk)
        now = now or timezone.now()
        changed = 0
        for meeting in queries.to_invite_to(board, now):
            meeting.board = board
            changed += len(_tell(meeting, reason, now))
    return changed


def _tell(meeting: Meeting, reason: str, now: datetime) -> list[Invitation]:
    sent = {row.user_id: row for row in meeting.invitations.all() if row.cancelled_at is None}
    if meeting.state == MeetingState.CANCELLED:
        told = [row.user for row in sent.values()]
        messages.meeting_cancelled(meeting, told, now)
        _record(meeting, {_("cancelled for: %s"): told})
        return _note(meeting, list(sent), now, cancelled_at=now)
    seats = {seat.user_id: seat for seat in meeting.members}
    new = [seat for user_id, seat in seats.items() if user_id not in sent]
    outdated = [
        seats[user_id]
        for user_id, row in sent.items()
        if user_id in seats and row.sequence != meeting.sequence
    ]
    gone = [row for user_id, row in sent.items() if user_id not in seats]
    if new:
        messages.invitation(meeting, new, now)
    if outdated:
        messages.meeting_moved(meeting, outdated, now, reason)
    if gone:
        messages.uninvited(meeting, [row.user for row in gone], now)
    _record(
        meeting,
        {
            _("invited: %s"): [seat.user for seat in new],
            _("changed for: %s"): [seat.user for seat in outdated],
            _("no longer invited: %s"): [row.user for row in gone],
        },
    )
    return [
        *_note(meeting, [seat.user_id for seat in (*new, *outdated)], now),
        *_note(meeting, [row.user_id for row in gone], now, cancelled_at=now),
    ]


def _record(meeting: Meeting, told: dict[str, list[User]]) -> None:
    """Keep who was told what: the invitations themselves only say how it is now."""
    parts = [
        words % ", ".join(sorted(person.display_name for person in people))
        for words, people in told.items()
        if people
    ]
    if parts:
        record_event("send_invitations", meeting, "; ".join(parts))


def _note(
    meeting: Meeting, user_ids: list[int], now: datetime, cancelled_at: datetime | None = None
) -> list[Invitation]:
    rows = [
        Invitation(
            meeting=meeting,
            user_id=user_id,
            sequence=meeting.sequence,
            sent_at=now,
            cancelled_at=cancelled_at,
        )
        for user_id in user_ids
    ]
    return Invitation.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["meeting", "user"],
        # Whoever declined did so for the time before: a new invitation asks anew.
        update_fields=["sequence", "sent_at", "cancelled_at", "declined_at"],
    )
