"""Post-implementation reviews: asked for by an outcome, recorded, with their actions."""

from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.texts import composed
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import ChangeStale, StepIllegal, StepIncomplete
from expansive_cm.workflow.steps import attribute, require

from ..models import Event, PostAction, PostReview
from ..models.post_review import OPEN_POST_ACTION, OPEN_REVIEW
from ..permissions import may_change_post_action, may_complete_post_action, may_review
from ..risk import RiskLevel
from ..spans import FURTHEST
from ..working_days import due_after
from .core import Step, lock, take_step

EMERGENCY_DAYS = 2
"""An emergency change is reviewed within so many working days after it."""
DAYS = 10
"""Any other one within so many."""
LONGEST_TEXT = 10_000
LONGEST_LINE = 500
MOST_ACTIONS = 20
FOR = ("is_of_emergency", "is_of_rollback", "is_of_high_risk")
"""What a review is asked for because of."""


def ask_post_review(step: Step, *, rolled_back: bool) -> None:
    """Ask for a review where an outcome calls for one; within the step that recorded it.

    One that waits already is asked for all the reasons, by the earlier day. Effects: the review,
    and in the step's data what was asked for before, as it may be taken back.
    """
    change = step.change
    high = (change.risk or 0) >= RiskLevel.HIGH
    if not (change.is_emergency or rolled_back or high):
        return
    days = EMERGENCY_DAYS if change.is_emergency else DAYS
    due_at = due_after(change, timezone.now(), days)
    review = PostReview.objects.filter(OPEN_REVIEW, change=change).first()
    if review is None:
        review = PostReview(change=change, path=change.path, round=change.round, due_at=due_at)
    before = _asked(review) if review.pk else None
    review.is_of_emergency |= change.is_emergency
    review.is_of_rollback |= rolled_back
    review.is_of_high_risk |= high
    review.due_at = min(review.due_at, due_at)
    step.save(review)
    step.data |= {"asked_review": review.pk, "asked_before": before}


def _asked(review: PostReview) -> dict[str, Any]:
    """Return what was asked for, as an event keeps it."""
    return {**{name: getattr(review, name) for name in FOR}, "due_at": review.due_at.isoformat()}


def take_review_back(step: Step, outcome: Event) -> None:
    """Ask for no review because of an outcome that is taken back, within that step.

    Effects: the review is gone, and its history stays; one that waited before waits as it did.
    """
    key, before = outcome.data.get("asked_review"), outcome.data.get("asked_before")
    review = PostReview.objects.filter(OPEN_REVIEW, pk=key).first()
    if review is None:
        return
    if before is None:
        attribute(review, actor=step.actor, reason=step.why)
        review.delete()
        return
    for name in FOR:
        setattr(review, name, before[name])
    review.due_at = datetime.fromisoformat(before["due_at"])
    step.save(review)


def record_post_review(
    review: PostReview, *, actor: User, happened: str, met: str, findings: str = ""
) -> PostReview:
    """Record what a review found: what happened, whether the objective was met, and what to learn.

    For good: what follows from it are its actions. Raises StepForbidden and StepIllegal as
    ``may_review`` says, StepIllegal where it is recorded already, StepIncomplete where something
    is missing. Effects: the review; event, for colleagues alone.
    """
    with take_step("record_post_review", review.change, actor=actor) as step:
        _refresh(review, step)
        require(may_review(actor, step.change, review))
        if not review.is_open:
            raise StepIllegal(_("%s has recorded this review already.") % review.recorded_by)
        review.happened = _text(happened, "happened", _("Say what happened."), LONGEST_TEXT)
        if met not in PostReview.Met.values:
            raise StepIncomplete(_("Say whether the objective was met."), ["met"])
        review.met = met
        review.findings = _text(findings, "findings", "", LONGEST_TEXT)
        review.recorded_by, review.recorded_at = actor, timezone.now()
        step.internal, step.data = True, {"post_review": review.pk}
        step.save(review)
    return review


def add_post_action(
    review: PostReview, *, actor: User, text: str, owner: User, due_on: date
) -> PostAction:
    """Say what somebody is to do after a review, by a day.

    Raises StepForbidden as ``may_review`` says, StepIncomplete for what cannot be. Effects: the
    action; event, for colleagues alone.
    """
    with take_step("add_post_action", review.change, actor=actor) as step:
        _refresh(review, step)
        require(may_review(actor, step.change, review))
        if review.actions.count() >= MOST_ACTIONS:
            words = _("A review has %d actions at most.")
            raise StepIncomplete(words % MOST_ACTIONS, ["text"])
        action = PostAction(change=step.change, review=review, recorded_by=actor)
        _fill(action, text, owner, due_on)
        step.internal, step.reason = True, f"{action.text} ({owner})"
        step.save(action)
        step.data = {"post_action": action.pk, "owner": owner.pk}
    return action


def change_post_action(
    action: PostAction,
    *,
    actor: User,
    text: str,
    owner: User,
    due_on: date,
    seen: int | None = None,
) -> PostAction:
    """Say otherwise what an open action is, whose, or by when.

    ``seen`` is its version on the page. Raises StepForbidden, StepIllegal for one that is done,
    ChangeStale, StepIncomplete. Effects: the action; event, for colleagues alone.
    """
    with take_step("change_post_action", action.change, actor=actor) as step:
        _refresh_action(action, step)
        require(may_change_post_action(actor, step.change, action))
        if seen is not None and seen != action.version:
            raise ChangeStale(_("Somebody has changed this action since you opened the page."))
        _change(step, action, text, owner, due_on)
    return action


def complete_post_action(action: PostAction, *, actor: User, outcome: str) -> PostAction:
    """Say that an action is done, and what was done.

    Raises StepForbidden, StepIllegal for one that is done already, StepIncomplete without a word.
    Effects: the action; event, for colleagues alone.
    """
    with take_step("complete_post_action", action.change, actor=actor) as step:
        _refresh_action(action, step)
        require(may_complete_post_action(actor, step.change, action))
        action.outcome = _text(outcome, "outcome", _("Say what was done."), LONGEST_LINE)
        action.done_at, action.done_by = timezone.now(), actor
        action.version += 1
        step.internal, step.reason = True, f"{action.text}: {action.outcome}"
        step.data = {"post_action": action.pk}
        step.save(action)
    return action


def hand_over_post_actions(person: User, successor: User, actor: User, reason: str) -> None:
    """Give all open actions of somebody who leaves to a successor; an administrator does.

    All of them or none; what is done or another's meanwhile stays as it is. Raises StepIncomplete
    for a successor who does not see them. Effects: those of ``change_post_action``; ``reason``
    stands with the person's own history.
    """
    with acting():
        for action in PostAction.objects.filter(OPEN_POST_ACTION, owner=person).order_by("pk"):
            lock(action.change)
            action.refresh_from_db()
            if action.owner_id != person.pk or not action.is_open:
                continue
            with take_step("change_post_action", action.change, actor=actor) as step:
                _refresh_action(action, step)
                _change(step, action, action.text, successor, action.due_on)


def _change(step: Step, action: PostAction, text: str, owner: User, due_on: date) -> None:
    _fill(action, text, owner, due_on)
    action.version += 1
    step.internal, step.reason = True, f"{action.text} ({owner})"
    step.data = {"post_action": action.pk, "owner": owner.pk}
    step.save(action)


def _refresh(review: PostReview, step: Step) -> None:
    """Read a review again under the change's lock, which everybody takes who writes to it."""
    review.refresh_from_db()
    review.change = step.change


def _refresh_action(action: PostAction, step: Step) -> None:
    action.refresh_from_db()
    action.change = step.change
    action.review.change = step.change
    if not action.is_open:
        raise StepIllegal(_("This action is done already: %s") % action.outcome)


def _fill(action: PostAction, text: str, owner: User, due_on: date) -> None:
    person = owner.read_afresh()
    if not (person.is_active and person.is_internal and person.roles):
        words = _("Actions go to Expansive's own people: %s cannot see them.")
        raise StepIncomplete(words % person, ["owner"])
    today = timezone.localdate()
    if action.due_on != due_on and not today <= due_on <= today + FURTHEST:
        raise StepIncomplete(_("Choose a day from today on, within ten years."), ["due_on"])
    action.text = _text(text, "text", _("Say what is to be done."), LONGEST_LINE)
    action.owner, action.due_on = person, due_on


def _text(text: str, name: str, missing: str, longest: int) -> str:
    words = composed(text).strip()
    if missing and not words:
        raise StepIncomplete(missing, [name])
    if len(words) > longest:
        too_long = _("This text is too long: %d characters at most.")
        raise StepIncomplete(too_long % longest, [name])
    return words
