"""Meetings that nobody can open, close or end: administrators are told, once for each."""

from django.db import transaction

from accounts.models import User

from .. import messages
from ..models import Board, Meeting
from ..without_lead import without_lead
from .core import lock_board, save

TOLD = "told the administrators that nobody leads it"


def tell_of_missing_lead(board: Board) -> bool:
    """Mail every administrator what is stuck on a board without chair and deputy; idempotent.

    What is found at once comes in one mail. Effects: it stands in the history of each meeting in
    the same transaction as the mail, so two beats at once tell once. Returns whether it was done.
    """
    with transaction.atomic():
        fresh = lock_board(board.pk)
        stuck = [meeting for meeting in without_lead() if meeting.board_id == fresh.pk]
        told = Meeting.history.filter(
            id__in=[meeting.pk for meeting in stuck], history_change_reason=TOLD
        )
        known = set(told.values_list("id", flat=True))
        new = [meeting for meeting in stuck if meeting.pk not in known]
        if not new:
            return False
        locked = Meeting.objects.select_for_update(no_key=True).in_bulk([one.pk for one in new])
        for meeting in locked.values():
            save(meeting, actor=None, reason=TOLD)
        messages.nobody_leads(new, User.objects.administrators().order_by("pk"))
    return True
