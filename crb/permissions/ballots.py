"""Who may open, extend and end a ballot without a meeting."""

from accounts.models import User
from expansive_cm.workflow.decisions import Decision, decide

from ..models import Board, Meeting
from ..states import MeetingState
from .checks import a_ballot, chair, chair_of, in_state, meets


def can_open_ballot(user: User, board: Board) -> Decision:
    """Whoever is chair or deputy of the board today, of a board that meets."""
    return decide(chair_of(user, board), meets(board))


def can_extend_ballot(user: User, ballot: Meeting) -> Decision:
    """The chair or the deputy, as long as the ballot is open, also after its deadline."""
    return decide(chair(user, ballot), a_ballot(ballot), in_state(ballot, MeetingState.RUNNING))


def can_end_ballot(user: User, ballot: Meeting) -> Decision:
    """The chair or the deputy, as long as the ballot is open."""
    return can_extend_ballot(user, ballot)
