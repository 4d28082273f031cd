"""An outcome that was recorded by mistake is taken back; the item is voted on as before."""

from django.utils.translation import gettext as _

from accounts.models import User
from changes import lifecycle as change_lifecycle
from expansive_cm.workflow.errors import StepIncomplete

from .. import permissions
from ..models import AgendaItem, BoardOutcome
from ..states import ItemState
from .core import lock_item_with_meeting, require_on_change, save, save_meeting, take_step

LONGEST = 2000
"""As much as the remark of an item holds."""


def take_back_outcome(
    item: AgendaItem, *, actor: User, reason: str, seen: int | None = None
) -> BoardOutcome:
    """Take back the outcome of an item, some minutes after it was recorded at most.

    The chair or the deputy, in the running meeting, or in a ballot that its last outcome has
    closed, which runs again. ``seen`` is the change's version on the page. Raises StepIncomplete
    without a reason, StepForbidden, StepIllegal once somebody has acted on the outcome or its
    time is over, or ChangeStale. Effects, in one transaction: the item is open as it was, with its
    votes; the outcome is kept as one that was taken back; and everything that
    ``changes.lifecycle.take_back_board_outcome`` does to the change.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why the outcome is taken back."), ["reason"])
    with take_step(
        "take_back_outcome",
        item,
        actor=actor,
        reason=reason,
        lock=lock_item_with_meeting,
        asks=False,
    ) as step:
        fresh, meeting = step.on, step.on.meeting
        require_on_change(permissions.can_take_back_outcome, actor, fresh, seen)
        outcome = fresh.outcome
        outcome.item, outcome.taken_from = None, fresh
        outcome.save(update_fields=["item", "taken_from"])
        fresh = AgendaItem.objects.select_related("meeting__board", "change").get(pk=fresh.pk)
        said = [_said_before(fresh), _remark(outcome, actor, step.reason)]
        fresh.reopen("\n".join(filter(None, said))[:LONGEST])
        save(fresh, actor=actor, reason=f"took the outcome back: {step.reason}")
        if meeting.is_ballot and not meeting.is_running:
            meeting.reopen()
            save_meeting(meeting, actor, "opened the ballot again: an outcome was taken back")
        change_lifecycle.take_back_board_outcome(
            fresh.change, actor=actor, reason=reason, seen=seen
        )
        step.on = fresh
    return outcome


def _said_before(item: AgendaItem) -> str:
    """Return the remark on an item as it was while it was open last."""
    rows = item.history.filter(state=ItemState.OPEN).order_by("-history_id")
    return rows.values_list("remark", flat=True).first() or ""


def _remark(outcome: BoardOutcome, actor: User, reason: str) -> str:
    """Say on the item what became of its outcome, but not which it was: it is voted on again."""
    return _("%(name)s took back the outcome that %(recorder)s had recorded: %(reason)s") % {
        "name": actor,
        "recorder": outcome.recorded_by,
        "reason": reason,
    }


def reconsider_decision(
    item: AgendaItem, *, actor: User, reason: str, seen: int | None = None
) -> AgendaItem:
    """Let the board decide again on what it decided at a meeting that is over.

    The chair or the deputy of today. The change waits for the board again: within a minute it
    joins the next agenda as the correction of this decision, or goes into a ballot, and is voted
    on anew. ``reason`` is what the requester reads. Raises, and does to the change, what
    ``changes.lifecycle.reconsider_decision`` says.
    """
    with take_step(
        "reconsider_decision",
        item,
        actor=actor,
        reason=reason,
        lock=lock_item_with_meeting,
        asks=False,
    ) as step:
        fresh = step.on
        require_on_change(permissions.can_reconsider_decision, actor, fresh, seen)
        change_lifecycle.reconsider_decision(fresh.change, actor=actor, reason=reason, seen=seen)
    return fresh
