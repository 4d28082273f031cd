"""Who may call, move, cancel, open, join and close a meeting."""

from django.utils.translation import gettext as _

from accounts.models import User
from changes.permissions.rules import gate
from expansive_cm.workflow.decisions import Decision, decide

from .. import queries
from ..models import Board, Meeting
from ..states import MeetingState
from .checks import chair, chair_of, held, in_state, meets, member


def can_start_meeting(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy opens a scheduled meeting, one at a time."""
    early = decide(chair(user, meeting), held(meeting), in_state(meeting, MeetingState.SCHEDULED))
    if not early:
        return early
    other = queries.running(meeting.board)
    return decide(gate(_("Another meeting is still running: %s.") % other if other else ""))


def can_close_meeting(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy closes a running meeting."""
    return decide(chair(user, meeting), held(meeting), in_state(meeting, MeetingState.RUNNING))


def can_cancel_meeting(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy cancels a meeting that has not begun."""
    return decide(chair(user, meeting), held(meeting), in_state(meeting, MeetingState.SCHEDULED))


def can_move_meeting(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy moves a meeting that has not begun."""
    return decide(chair(user, meeting), in_state(meeting, MeetingState.SCHEDULED))


def can_call_meeting(user: User, board: Board) -> Decision:
    """The chair or the deputy of today calls an extraordinary meeting of a board that meets."""
    return decide(chair_of(user, board), meets(board))


def can_mark_attendance(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy marks who is there, while the meeting runs."""
    return decide(chair(user, meeting), held(meeting), in_state(meeting, MeetingState.RUNNING))


def can_join_meeting(user: User, meeting: Meeting) -> Decision:
    """Members say that they are there."""
    return decide(member(user, meeting), held(meeting), in_state(meeting, MeetingState.RUNNING))
