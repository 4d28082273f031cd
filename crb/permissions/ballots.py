"""Who may open, extend and end a ballot without a meeting."""

from django.utils.translation import gettext as _

from accounts.models import User
from changes.permissions import Decision, Refusal
from changes.permissions.rules import decide, refuse

from ..models import Board, Meeting, Seat
from ..states import MeetingState
from .checks import a_ballot, chair, in_state


def can_open_ballot(user: User, board: Board, seats: list[Seat] | None = None) -> Decision:
    """Whoever is chair or deputy of the board today; ``seats`` of today save reading them."""
    if seats is None:
        seats = board.members_on(board.today)
    if user.is_active and any(seat.user_id == user.pk and seat.runs_meetings for seat in seats):
        return decide(None)
    words = _("This is for the chair of the board and the deputy.")
    return decide(refuse(Refusal.PERSON, words))


def can_extend_ballot(user: User, ballot: Meeting) -> Decision:
    """The chair or the deputy, as long as the ballot is open, also after its deadline."""
    return decide(chair(user, ballot), a_ballot(ballot), in_state(ballot, MeetingState.RUNNING))


def can_end_ballot(user: User, ballot: Meeting) -> Decision:
    """The chair or the deputy, as long as the ballot is open."""
    return can_extend_ballot(user, ballot)
