"""The configuration path: review, authorisation, execution, documentation."""

from datetime import datetime
from functools import partial

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import StepIncomplete
from expansive_cm.workflow.steps import opened, save

from .. import gates, permissions, planning
from ..models import Authorisation, Change, Documentation, Execution, Review
from ..spans import FURTHEST
from ..states import State
from ..turns.alone import prepared
from . import standard
from .approving import ask_approval, has_enough
from .asked import ending
from .checklist import insist_on_checklist
from .confirmation import ask_requester
from .core import lock, take_step
from .post_reviews import ask_post_review
from .windows import mind_conflicts


def review(
    change: Change,
    *,
    actor: User,
    outcome: str,
    findings: str,
    answer: str = "",
    seen: int | None = None,
) -> Change:
    """The customer success team endorses the change or refuses it.

    A question of the customer's is told ``answer``; StepIncomplete where a refusal leaves one.
    Effects: the review; state ``authorisation`` or ``refused``; event; messages. What is exactly
    a standard change, asked under the lock, is authorised by its approval and goes on to
    ``execution``, with an event of its own; why it is not stands in the event of the review.
    """
    with acting():
        approval = None
        with ending("review", change, actor=actor, seen=seen, answer=answer) as step:
            step.reason = findings
            step.data = {"outcome": outcome}
            step.save(Review(**step.stamp(), outcome=outcome, findings=findings))
            if outcome == Review.Outcome.ENDORSED:
                approval = standard.asked_at_review(step)
                step.change.endorse()
                if approval is None:
                    ask_approval(step)
            else:
                step.change.refuse()
        if approval is not None:
            return standard.authorise_standard(step.change, approval)
    return step.change


def authorise(
    change: Change, *, actor: User, outcome: str, reason: str, seen: int | None = None
) -> Change:
    """An authorised approver of the customer approves the change or refuses it.

    By an approval rule it takes as many approvals as that asks for, of one person each; one
    refusal refuses.
    Effects: the authorisation, for this revision; with the last approval the state ``execution``,
    else ``refused`` or none; event, which says so where one person alone assessed, reviewed and
    authorised; messages.
    """
    with take_step("authorise", change, actor=actor, seen=seen) as step:
        step.reason = reason
        step.data = {"outcome": outcome}
        if actor.pk in prepared(step.change):
            words = _("Assessed, reviewed and authorised by one person: %s has no other approver.")
            step.reason = f"{reason} ({words % step.change.organisation})"
            step.data["alone"] = True
        step.save(
            Authorisation(
                **step.stamp(), revision=step.change.revision, outcome=outcome, reason=reason
            )
        )
        if outcome != Authorisation.Outcome.AUTHORISED:
            step.change.refuse()
        elif has_enough(step):
            step.change.authorise()
    return step.change


def plan_execution(
    change: Change,
    *,
    actor: User,
    executor: User,
    window_start: datetime,
    window_end: datetime,
    steps: str,
    rollback_plan: str,
    seen: int | None = None,
) -> Change:
    """Plan who does what, when, and how it is undone; a rolled-back change is planned anew.

    Raises StepIncomplete for a missing rollback plan, a window that ends before it begins or is
    more than ten years away, an executor who may not be (separation of duties), a time that a
    freeze, or the lack of a maintenance window, stops, and for a standard change where steps or
    rollback plan are not as approved. Effects: the plan, replacing one that has not started; from
    ``rolled_back`` the state ``execution``, as a new round; event, which keeps what else was in
    its way.
    """
    with take_step("plan_execution", change, actor=actor, seen=seen) as step:
        _check_plan(step.change, executor, window_start, window_end, rollback_plan)
        standard.check_plan(step.change, steps=steps, rollback_plan=rollback_plan)
        if step.change.state == State.ROLLED_BACK:
            step.change.replan_execution()
        plan = step.change.execution
        if plan is None or plan.finished_at:
            plan = Execution(**step.stamp())
        plan.executor = executor
        plan.window_start, plan.window_end = window_start, window_end
        plan.steps, plan.rollback_plan = steps, rollback_plan
        step.save(plan)
        step.data = {
            "executor": executor.pk,
            "window_start": window_start.isoformat(),
            "window_end": window_end.isoformat(),
        }
        wanted = planning.of_execution(step.change, window_start, window_end, executor)
        mind_conflicts(step, wanted, "window_start")
    return step.change


def _check_plan(
    change: Change, executor: User, start: datetime, end: datetime, rollback_plan: str
) -> None:
    if not rollback_plan.strip():
        raise StepIncomplete(_("A rollback plan is required."), ["rollback_plan"])
    if end <= start:
        raise StepIncomplete(_("The window must close after it opens."), ["window_end"])
    for moment, field in ((start, "window_start"), (end, "window_end")):
        if abs(moment - timezone.now()) > FURTHEST:
            raise StepIncomplete(_("This is more than ten years from now."), [field])
    decision = permissions.may_execute(executor.read_afresh(), change)
    if not decision:
        raise StepIncomplete(
            _("%(person)s cannot be the executor. %(reason)s")
            % {"person": executor, "reason": decision.reason},
            ["executor"],
        )


def start_execution(
    change: Change, *, actor: User, reason: str = "", seen: int | None = None
) -> Change:
    """The executor begins. From here on the change can no longer be withdrawn.

    Raises StepIncomplete without a reason when it is not within the planned window, and where a
    freeze or the lack of a maintenance window stops it now. Effects: the
    moment; event, which keeps whether it was early or late, and why.
    """
    with take_step("start_execution", change, actor=actor, seen=seen) as step:
        outside = gates.outside_window(step.change)
        if outside:
            if not reason.strip():
                sentence = _("It is not within the planned window now: say why it is done now.")
                raise StepIncomplete(sentence, ["reason"])
            step.reason, step.data = reason, {"outside_window": outside}
        planned = planning.plan_of(step.change)
        now = timezone.now()
        mind_conflicts(step, planned and planning.begun_now(planned, now), "reason")
        execution = step.change.execution
        execution.started_at = now
        step.save(execution)
    return step.change


def tick_step(change: Change, *, actor: User, number: int, done: bool) -> Execution:
    """Tick a step of the plan as done while it is being executed, or take the tick back.

    ``number`` counts from 1. Raises StepIncomplete for a step that the plan does not have. Effects:
    the execution and its history. No page becomes stale by it, and nobody is told.
    """

    ask = partial(permissions.can_record_execution, actor)
    with opened(lambda: lock(change), actor=actor, ask=ask) as fresh:
        execution = sure(fresh.execution)
        if not 0 < number <= len(execution.steps_planned):
            raise StepIncomplete(_("The plan has no such step."))
        before = set(execution.ticked or ())
        after = before | {number} if done else before - {number}
        if after != before:
            execution.ticked = sorted(after)
            words = (
                _("step %d of the plan: done") if done else _("step %d of the plan: not done yet")
            )
            save(execution, actor=actor, reason=words % number)
    return execution


def record_execution(
    change: Change, *, actor: User, outcome: str, notes: str, seen: int | None = None
) -> Change:
    """The executor says that it is done, or that it was rolled back.

    Raises StepIncomplete without notes when the planned window has closed meanwhile; that it had
    is kept with the event. So it does for what is done while something required of the checklist
    is open. Effects: the execution's outcome; state ``documentation`` or ``rolled_back``, which
    ends the approval of the standard change that it was; a review, where one is due
    (``ask_post_review``); event; messages.
    """
    with take_step("record_execution", change, actor=actor, seen=seen) as step:
        if outcome == Execution.Outcome.SUCCEEDED:
            insist_on_checklist(step.change, "outcome")
        execution = step.change.execution
        late = gates.outside_window(step.change) == "late"
        if late and not notes.strip():
            raise StepIncomplete(_("The window has closed: say why it took longer."), ["notes"])
        execution.outcome, execution.notes = outcome, notes
        execution.finished_at = timezone.now()
        step.reason = notes
        step.data = {"outcome": outcome, **({"outside_window": "late"} if late else {})}
        step.save(execution)
        if outcome == Execution.Outcome.SUCCEEDED:
            step.change.complete_execution()
        else:
            step.change.roll_back_execution()
            standard.end_after_rollback(step)
        ask_post_review(step, rolled_back=outcome == Execution.Outcome.ROLLED_BACK)
    return step.change


def ask_authorisation(
    change: Change, *, actor: User, reason: str, seen: int | None = None
) -> Change:
    """Give a standard change back, to be authorised by itself: it is done otherwise, or failed.

    A plan that has not begun stays. Effects: state ``authorisation``, after a rollback as a new
    round; event; messages.
    """
    with take_step("ask_authorisation", change, actor=actor, seen=seen) as step:
        step.reason = reason
        step.data = {"not_standard": reason}
        if step.change.state == State.ROLLED_BACK:
            step.change.authorise_again()
        else:
            step.change.return_to_authorisation()
        ask_approval(step)
    return step.change


def close_rolled_back(
    change: Change, *, actor: User, reason: str, answer: str = "", seen: int | None = None
) -> Change:
    """Give the change up after it was rolled back; the requester is told why.

    Raises StepIncomplete where something that the customer asked is left without an ``answer``.
    """
    with ending("close_rolled_back", change, actor=actor, seen=seen, answer=answer) as step:
        step.reason = reason
        step.change.close()
    return step.change


def document(
    change: Change,
    *,
    actor: User,
    system: str,
    reference: str,
    summary: str,
    link: str = "",
    seen: int | None = None,
) -> Change:
    """Note where the change is logged in the customer success tool, and ask the requester.

    Effects: the documentation; state ``confirmation``; the question to the requester with its
    mailed link, saying the summary; events; messages.
    """
    with take_step("document", change, actor=actor, seen=seen) as step:
        step.save(
            Documentation(
                **step.stamp(), system=system, reference=reference, link=link, summary=summary
            )
        )
        step.reason = summary
        step.change.document()
        ask_requester(step, summary)
    return step.change
