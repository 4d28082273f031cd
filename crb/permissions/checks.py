"""Single checks that the board's steps are put together from; each gives its reason."""

from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from changes.permissions.rules import gate
from changes.states import State
from changes.turns import past
from changes.turns.group import not_earlier
from expansive_cm.workflow.decisions import Check, Refusal, refuse, separation

from .. import queries
from ..models import AgendaItem, Board, Meeting
from ..states import ItemState, MeetingState
from ..voting import Choice, Tally

# Who the person is


def member(user: User, meeting: Meeting) -> Check:
    seat = meeting.seat_of(user) if user.is_active else None
    if seat and seat.is_able:
        return None
    return refuse(Refusal.PERSON, _("This is for those who are members of the board on that day."))


def chair(user: User, meeting: Meeting) -> Check:
    if meeting.is_led_by(user):
        return None
    return refuse(Refusal.PERSON, _("This is for the chair of the board and the deputy."))


def chair_of(user: User, board: Board) -> Check:
    """As ``chair``, for what concerns the board and not one meeting: whoever leads it today."""
    if user.is_active and any(s.runs_meetings and s.user_id == user.pk for s in board.seats_today):
        return None
    return refuse(Refusal.PERSON, _("This is for the chair of the board and the deputy."))


def meets(board: Board) -> Check:
    return gate("" if board.is_active else _("This board no longer meets."))


def not_own(user: User, item: AgendaItem) -> Check:
    """Separation of duties (ISO 27001:2022, Annex A 5.3): nobody decides on what they asked."""
    rule = _("nobody decides on a change they asked for.")
    return not_earlier(user, item.change, past.ASKERS, rule)


def not_recused(user: User, item: AgendaItem) -> Check:
    recused = any(
        ballot.member == user.pk and ballot.choice == Choice.RECUSE
        for ballot in queries.ballots_on(item)
    )
    if not recused:
        return None
    return separation(
        _("nobody decides with a conflict of interest."), _("You recused yourself from this item.")
    )


def not_for_one_aside(user: User, item: AgendaItem) -> Check:
    """An alternate votes for the seat: of whoever may not decide, neither may who stands in."""
    seat = item.meeting.seat_of(user)
    absent = seat.absent if seat else None
    if absent is None or absent.pk not in queries.set_aside(item):
        return None
    return separation(
        _("nobody decides with a conflict of interest."),
        _("%s, in whose place you are here, has no part in this item.") % absent,
    )


# Where meeting and item are


def in_state(meeting: Meeting, *states: MeetingState) -> Check:
    if meeting.state in states:
        return None
    if meeting.is_ballot:
        words = _("The ballot is open.") if meeting.is_running else _("The ballot is closed.")
        return refuse(Refusal.STATE, words)
    where = {
        MeetingState.SCHEDULED: _("The meeting has not been opened yet."),
        MeetingState.RUNNING: _("The meeting is already running."),
        MeetingState.CLOSED: _("The meeting is closed."),
        MeetingState.CANCELLED: _("The meeting was cancelled."),
    }
    return refuse(Refusal.STATE, where[MeetingState(meeting.state)])


def held(meeting: Meeting) -> Check:
    """For what only a meeting knows: people who come, a beginning, a cancellation."""
    if not meeting.is_ballot:
        return None
    return refuse(Refusal.STATE, _("This is a ballot without a meeting."))


def a_ballot(meeting: Meeting) -> Check:
    if meeting.is_ballot:
        return None
    return refuse(Refusal.STATE, _("This is a meeting, not a ballot."))


def in_time(meeting: Meeting) -> Check:
    """In a ballot nobody votes after the deadline."""
    if not meeting.is_over:
        return None
    moment = timezone.localtime(meeting.deadline, ZoneInfo(meeting.zone))
    return refuse(
        Refusal.STATE,
        _("Votes were taken until %(moment)s (%(zone)s).")
        % {"moment": date_format(moment, "j F Y, H:i"), "zone": meeting.zone},
    )


def not_away(user: User, meeting: Meeting) -> Check:
    """Who was marked as not being there does not vote; saying "I am here" ends that."""
    if user.pk not in meeting.away:
        return None
    return refuse(
        Refusal.STATE,
        _("You are marked as not being there. Press “I am here” above; then you can vote."),
    )


def item_open(item: AgendaItem) -> Check:
    if item.state != ItemState.OPEN:
        words = {
            ItemState.DECIDED: _("The board has already decided on this item."),
            ItemState.DEFERRED: _("This item was deferred to a later meeting."),
            ItemState.DROPPED: _("This item was taken off the agenda."),
        }
        return refuse(Refusal.STATE, words[ItemState(item.state)])
    if item.change.state != State.BOARD or item.change.path != item.path:
        return refuse(
            Refusal.STATE,
            _("%(reference)s no longer waits for the board: it is in “%(state)s”.")
            % {
                "reference": item.change.reference,
                "state": State(item.change.state).label,
            },
        )
    return None


def decidable(count: Tally) -> Check:
    if not count.has_quorum:
        return gate(count.quorum_sentence)
    return gate("" if count.leading else _("Nobody has voted for an outcome yet."))
