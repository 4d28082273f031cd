"""A board that no longer meets: what it had planned is taken back, and its changes go on."""

from django.utils import timezone
from django.utils.translation import gettext as _

from expansive_cm.workflow.acts import acting

from .. import ballot_messages, queries
from ..models import Board
from ..states import MeetingState
from .agenda import drop_departed
from .ballots import close_dissolved
from .core import lock_board
from .invitations import send_invitations
from .scheduling import give_up


def dissolve_board(board: Board) -> bool:
    """Take back what a board that was made inactive had planned; idempotent.

    A meeting that is being held is let finish first. Effects: meetings to come are cancelled with
    the reason that was given, and everybody invited is told; open items are dropped, so that the
    board which now decides on their customers takes the changes up; open ballots are closed and
    their members told. Made active again, the board plans its days anew. Returns whether
    anything was done.
    """
    with acting():
        fresh = lock_board(board.pk)
        if fresh.is_active or queries.running(fresh) is not None:
            return False
        why = _why(fresh)
        planned = fresh.meetings.select_for_update(no_key=True).filter(
            state=MeetingState.SCHEDULED, date__gte=fresh.today
        )
        for meeting in planned.order_by("pk"):
            meeting.board = fresh
            give_up(meeting, why, "the board no longer meets")
        drop_departed(fresh, actor=None)
        for ballot in queries.ballots(fresh).select_for_update(no_key=True):
            ballot.board = fresh
            close_dissolved(ballot)
            ballot_messages.ballot_ended(ballot, why, None)
        send_invitations(fresh, now=timezone.now())
    return True


def _why(board: Board) -> str:
    """Say that the board no longer meets, with the reason given when it was made inactive."""
    given = ""
    for row in board.history.order_by("-history_id"):
        if row.is_active:
            break
        given = row.history_change_reason or ""
    return _("The board no longer meets: %s") % given if given else _("The board no longer meets.")
