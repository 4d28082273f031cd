"""Emergency changes: declaring one, and taking that back."""

from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.texts import composed
from expansive_cm.workflow.errors import StepIncomplete

from ..models import Change
from .core import take_step

LONGEST_REASON = 500


def declare_emergency(
    change: Change, *, actor: User, reason: str, seen: int | None = None
) -> Change:
    """Say that a change is an emergency change, and why; it is marked so wherever it is shown.

    How it is decided stays as it is; once it is in place, a review is due (``post_reviews``).
    Raises StepIncomplete without a reason. Effects: the change; event; messages.
    """
    words = _reason(reason)
    with take_step("declare_emergency", change, actor=actor, seen=seen) as step:
        step.reason = step.change.emergency_reason = words
    return step.change


def withdraw_emergency(
    change: Change, *, actor: User, reason: str, seen: int | None = None
) -> Change:
    """Say that a change is no emergency change after all, and why.

    A review that was asked for already stays. Raises StepIncomplete without a reason. Effects: the
    change; event; messages.
    """
    words = _reason(reason)
    with take_step("withdraw_emergency", change, actor=actor, seen=seen) as step:
        step.reason, step.change.emergency_reason = words, ""
    return step.change


def _reason(text: str) -> str:
    words = composed(text).strip()
    if not words:
        raise StepIncomplete(_("Say why."), ["reason"])
    if len(words) > LONGEST_REASON:
        too_long = _("This text is too long: %d characters at most.")
        raise StepIncomplete(too_long % LONGEST_REASON, ["reason"])
    return words
