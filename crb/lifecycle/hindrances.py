"""What keeps a board from deciding: administrators are told, once for each meeting or ballot."""

from collections.abc import Callable, Iterable, Mapping

from accounts.models import User
from expansive_cm.workflow.acts import acting

from .. import messages
from ..models import Board, Meeting
from ..without_lead import sentence, without_lead
from ..without_quorum import without_quorum
from .core import lock_board, save

Told = Callable[[Mapping[Meeting, str], Iterable[User]], None]
NOBODY_LEADS = "told the administrators that nobody leads it"
TOO_FEW_VOTE = "told the administrators that too few can vote"


def tell_of_missing_lead(board: Board) -> bool:
    """Mail every administrator what is stuck on a board without chair and deputy; idempotent.

    As ``_tell``.
    """
    return _tell(
        board,
        lambda: {meeting: sentence(meeting) for meeting in without_lead()},
        NOBODY_LEADS,
        messages.nobody_leads,
    )


def tell_of_missing_quorum(board: Board) -> bool:
    """Mail every administrator in which meetings of a board too few can vote; idempotent.

    As ``_tell``.
    """
    return _tell(
        board,
        lambda: {one.meeting: one.sentence for one in without_quorum()},
        TOO_FEW_VOTE,
        messages.too_few_vote,
    )


def _tell(board: Board, find: Callable[[], Mapping[Meeting, str]], told: str, tell: Told) -> bool:
    """Tell what is found for a board and was not told before, in one mail.

    Effects: it stands in the history of each meeting in the same transaction as the mail, so two
    beats at once tell once. Returns whether it was done.
    """
    with acting():
        fresh = lock_board(board.pk)
        stuck = {one: words for one, words in find().items() if one.board_id == fresh.pk}
        before = Meeting.history.filter(
            id__in=[meeting.pk for meeting in stuck], history_change_reason=told
        )
        known = set(before.values_list("id", flat=True))
        new = {one: words for one, words in stuck.items() if one.pk not in known}
        if not new:
            return False
        locked = Meeting.objects.select_for_update(no_key=True).in_bulk([one.pk for one in new])
        for meeting in locked.values():
            save(meeting, actor=None, reason=told)
        tell(new, User.objects.administrators().order_by("pk"))
    return True
