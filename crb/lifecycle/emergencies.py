"""Emergency changes that go ahead on the word of who leads the board, which reviews them after."""

from django.utils.translation import gettext as _

from accounts.models import User
from changes import lifecycle as change_lifecycle
from changes.lifecycle.core import lock as lock_change
from changes.models import BoardDecision, Change
from expansive_cm.workflow.errors import StepIllegal, StepIncomplete

from .. import permissions, queries
from ..states import MeetingState
from .core import require_right, take_step


def go_ahead(change: Change, *, actor: User, reason: str, seen: int | None = None) -> BoardDecision:
    """Accept an emergency change as a priority, before the board has voted on it.

    The chair or the deputy of the board that decides for the customer, where its settings let
    them. ``seen`` is the change's version on the page; ``reason`` is what the requester reads.
    Raises StepForbidden, StepIllegal where no board decides or it is being voted on, StepIncomplete
    without a reason, ChangeStale. Effects: what ``changes.lifecycle.record_board_outcome`` does;
    the change leaves its agenda; the board looks back once it is in place (``post_reviews``).
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why it goes ahead."), ["reason"])
    board = queries.board_for(change)
    if board is None:
        raise StepIllegal(_("No board decides for this customer."))
    with take_step("go_ahead", board, actor=actor, reason=reason, asks=False) as step:
        fresh = lock_change(change)
        item = queries.open_item_of(fresh)
        require_right(permissions.can_go_ahead, actor, step.on, fresh, item)
        if item is not None and item.meeting.state == MeetingState.RUNNING:
            raise StepIllegal(_("The board is voting on it: its outcome counts."))
        step.reason = f"{fresh.reference}: {step.reason}"
        return change_lifecycle.record_board_outcome(
            fresh,
            actor=actor,
            outcome=BoardDecision.Outcome.ACCEPTED_AS_PRIORITY,
            reason=reason.strip(),
            meeting=_("Before the board met, as an emergency"),
            decided_on=board.today,
            zone=board.zone,
            seen=seen,
        )
