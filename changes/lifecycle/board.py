"""What the board decided is put right: taken back at once, or decided again later."""

from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.workflow.errors import StepIncomplete

from .. import taking_back
from ..models import BoardDecision, Change, Event, Notice
from .core import take_step
from .held_mail import is_a_customers, stop
from .untold import heard_of_promise


def take_back_board_outcome(
    change: Change, *, actor: User, reason: str, seen: int | None = None
) -> BoardDecision:
    """Take the newest outcome of the board back; called by ``crb.lifecycle`` only.

    Possible for a short time, as long as nobody has acted on it. Raises StepIncomplete without a
    reason, StepForbidden, StepIllegal, or ChangeStale. Effects: the decision says who took it back
    and why, and counts for nothing, nor do its questions; the promise goes; state ``board``; mails
    of it that wait are not sent, and nobody's notifications have it; whom one has reached already
    is told; event.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why the outcome is taken back."), ["reason"])
    with take_step(taking_back.TAKEN_BACK, change, actor=actor, seen=seen) as step:
        decision = step.change.board_decision
        event = sure(taking_back.recorded(step.change))
        step.reason = reason.strip()
        decision.taken_back_by, decision.taken_back_at = actor, timezone.now()
        decision.taken_back_reason = step.reason
        step.save(decision)
        step.change.take_back_decision()
        step.entered_at = None  # where it went by mistake it was for no time
        _restore_promise(step.change, event)
        mailed, read = stop(Notice.objects.filter(event=event))
        told = sorted(mailed | read)
        step.data = {
            "outcome": decision.outcome,
            "took_back": event.pk,
            "told": told,
            "customer_told": is_a_customers(told),
        }
    return decision


def reconsider_decision(
    change: Change, *, actor: User, reason: str, seen: int | None = None
) -> BoardDecision:
    """Let the board decide again on what it decided; called by ``crb.lifecycle`` only.

    Possible until the requirements are defined, or after a rejection as long as the request goes on
    nowhere else. ``reason`` is what the requester reads. Raises StepIncomplete without one,
    StepForbidden, StepIllegal, or ChangeStale. Effects: state ``board``; what was decided and
    promised stands until the next outcome, which corrects it; event; messages.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why the board decides again."), ["reason"])
    with take_step("reconsider_decision", change, actor=actor, seen=seen) as step:
        decision = step.change.board_decision
        step.reason = reason.strip()
        step.data = {"decision": decision.pk, "outcome": decision.outcome}
        step.change.reconsider()
    return decision


def to_correct(change: Change) -> BoardDecision | None:
    """Return what the board decided and decides again: on a path it comes back only for that."""
    standing = [one for one in change.board_decisions.all() if one.stands and one.settles]
    own = [one for one in standing if one.path == change.path]
    return max(own, key=lambda one: one.pk, default=None)


def promise_of(change: Change) -> dict[str, Any]:
    """Return what is promised, as an event keeps it: an outcome that is taken back restores it."""
    return {
        "promise": change.promise,
        "promised_at": change.promised_at and change.promised_at.isoformat(),
        "promised_release": change.promised_release_id,
        "due_on": change.due_on and change.due_on.isoformat(),
        "first_due_on": change.first_due_on and change.first_due_on.isoformat(),
        "zone": change.promise_zone,
        "late_reason": change.late_reason,
        "late_told": change.late_told,
    }


def _restore_promise(change: Change, event: Event) -> None:
    kept = event.data.get("promised_before")
    if not kept:
        return
    change.promise = kept["promise"]
    change.promised_at = parse_datetime(kept["promised_at"] or "")
    change.promised_release_id = kept["promised_release"]
    change.due_on = parse_date(kept["due_on"] or "")
    change.first_due_on = parse_date(kept.get("first_due_on") or "")
    heard_of_promise(change, change.due_on)  # what was taken back nobody counts on
    change.promise_zone = kept.get("zone", "")
    change.late_reason, change.late_told = kept.get("late_reason", ""), kept.get("late_told", "")
