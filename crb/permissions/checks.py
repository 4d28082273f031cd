"""Who may see and do what on the board: ``can_<step>(user, …) -> Decision``.

The same shape as ``changes.permissions``: the first check that objects gives the reason, and
pages and ``crb.lifecycle`` ask here alike.
"""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from changes import permissions as change_permissions
from changes.permissions import Decision, Refusal
from changes.permissions.rules import Check, decide, gate, refuse, separation
from changes.states import State

from . import queries
from .models import AgendaItem, Meeting
from .states import ItemState, MeetingState
from .voting import Choice, Tally

# What there is to see


def may_see_board(user: User) -> bool:
    """Whether boards, meetings and agendas exist for this person: Expansive's own people."""
    return user.is_active and user.is_internal and bool(user.roles)


def may_see_votes(user: User, meeting: Meeting) -> bool:
    """Whether single votes exist for this person: members, auditors and administrators."""
    if user.has_role(Role.AUDITOR, Role.ADMINISTRATOR):
        return True
    return meeting.seat_of(user) is not None


def votes_open_to(user: User, item: AgendaItem, count: Tally) -> bool:
    """Whether this person sees how others voted on an item now.

    Members see it once they have voted themselves, or when nothing depends on it any more.
    """
    if not may_see_votes(user, item.meeting):
        return False
    return not item.is_open or not item.meeting.is_open or user.pk not in count.missing


def tally_open_to(user: User, item: AgendaItem, count: Tally) -> bool:
    """Whether this person sees which side leads.

    Whoever runs the meeting needs the tally to record it, so sees it once there is quorum.
    """
    if not item.is_open or votes_open_to(user, item, count):
        return True
    seat = item.meeting.seat_of(user)
    running = item.meeting.is_running and count.has_quorum
    return running and seat is not None and seat.runs_meetings


# Who the person is


def member(user: User, meeting: Meeting) -> Check:
    if user.is_active and meeting.seat_of(user):
        return None
    return refuse(Refusal.PERSON, _("This is for those who are members of the board on that day."))


def chair(user: User, meeting: Meeting) -> Check:
    seat = meeting.seat_of(user) if user.is_active else None
    if seat and seat.runs_meetings:
        return None
    return refuse(Refusal.PERSON, _("This is for the chair of the board and the deputy."))


def not_own(user: User, item: AgendaItem) -> Check:
    """Separation of duties (ISO 27001:2022, Annex A 5.3): nobody decides on what they asked."""
    rule = _("nobody decides on a change they asked for.")
    if item.change.requester_id == user.pk:
        return separation(rule, _("You requested this change."))
    if item.change.raised_by_id == user.pk:
        return separation(rule, _("You raised this change."))
    return None


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


# Where meeting and item are


def in_state(meeting: Meeting, *states: MeetingState) -> Check:
    if meeting.state in states:
        return None
    words = {
        MeetingState.SCHEDULED: _("The meeting has not been opened yet."),
        MeetingState.RUNNING: _("The meeting is already running."),
        MeetingState.CLOSED: _("The meeting is closed."),
        MeetingState.CANCELLED: _("The meeting was cancelled."),
    }
    return refuse(Refusal.STATE, words[MeetingState(meeting.state)])


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


# Steps


def can_start_meeting(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy opens a scheduled meeting, one at a time."""
    early = decide(chair(user, meeting), in_state(meeting, MeetingState.SCHEDULED))
    if not early:
        return early
    other = queries.running(meeting.board)
    return decide(gate(_("Another meeting is still running: %s.") % other if other else ""))


def can_close_meeting(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy closes a running meeting."""
    return decide(chair(user, meeting), in_state(meeting, MeetingState.RUNNING))


def can_cancel_meeting(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy cancels a meeting that has not begun."""
    return decide(chair(user, meeting), in_state(meeting, MeetingState.SCHEDULED))


def can_join_meeting(user: User, meeting: Meeting) -> Decision:
    """Members say that they are there."""
    return decide(member(user, meeting), in_state(meeting, MeetingState.RUNNING))


def can_cast_vote(user: User, item: AgendaItem) -> Decision:
    """Members, before and during the meeting, on what they neither asked for nor gain from."""
    return decide(
        member(user, item.meeting),
        not_own(user, item),
        not_recused(user, item),
        in_state(item.meeting, MeetingState.SCHEDULED, MeetingState.RUNNING),
        item_open(item),
    )


def can_recuse(user: User, item: AgendaItem) -> Decision:
    """As for voting: whoever may not vote has nothing to be recused from."""
    return can_cast_vote(user, item)


def can_record_outcome(user: User, item: AgendaItem, count: Tally | None = None) -> Decision:
    """The chair or the deputy, in the running meeting, with quorum and a vote for an outcome.

    ``count`` saves counting twice; under a lock it must be counted from fresh rows.
    """
    early = decide(
        chair(user, item.meeting),
        not_own(user, item),
        not_recused(user, item),
        in_state(item.meeting, MeetingState.RUNNING),
        item_open(item),
    )
    if not early:
        return early
    change = change_permissions.check("record_board_outcome", user, item.change)
    return decide(
        None if change else change,
        decidable(count or queries.tally_of(item)),
    )
