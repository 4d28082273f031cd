"""The code path: board, requirements, risk, development, testing, deployment."""

from collections.abc import Iterable, Sequence
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.workflow.errors import StepForbidden, StepIllegal, StepIncomplete

from .. import gates, permissions, planning
from ..models import (
    AccessLink,
    BoardDecision,
    Change,
    Deployment,
    Development,
    Environment,
    PeerReview,
    ProposedAnswer,
    Question,
    Release,
    Requirements,
    RiskAssessment,
    StagingTest,
)
from . import promises, releases
from .board import promise_of, to_correct
from .checklist import insist_on_checklist
from .confirmation import ask_requester
from .core import Step, take_step
from .post_reviews import ask_post_review
from .untold import heard_of_plan
from .windows import mind_conflicts

Outcome = BoardDecision.Outcome


def record_board_outcome(
    change: Change,
    *,
    actor: User,
    outcome: str,
    reason: str = "",
    category: str = "",
    elsewhere: str = "",
    questions: Sequence[tuple[str, User]] = (),
    meeting: str = "",
    decided_on: date | None = None,
    zone: str = "",
    seen: int | None = None,
) -> BoardDecision:
    """Take one of the board's four outcomes into the change; called by ``crb.lifecycle`` only.

    ``questions`` are (text, who must answer); ``decided_on`` is the day where the board meets, from
    which promises count, ``zone`` the time there, by which they end. Raises StepIncomplete when
    information is required without a question, or a rejection lacks what its category demands.
    Effects: the decision; accepted: the promise and state ``requirements``; information required:
    the questions and state ``information_required``; rejected: state ``rejected``; event; messages.
    What is decided again corrects the former decision; a promise that is made again stays.
    """
    _check_outcome(outcome, reason, category, elsewhere, questions)
    with take_step("record_board_outcome", change, actor=actor, seen=seen) as step:
        standing = to_correct(step.change)
        former = standing if outcome != Outcome.INFORMATION_REQUIRED else None
        decision = BoardDecision(
            **step.stamp(),
            corrects=former,
            revision=step.change.revision,
            outcome=outcome,
            category=category,
            elsewhere=elsewhere,
            reason=reason,
            meeting=meeting,
        )
        step.reason = reason
        step.data = {"outcome": outcome, "category": category, "elsewhere": elsewhere}
        step.data |= {"promised_before": promise_of(step.change)} if standing else {}
        step.data |= {"corrects": former.pk} if former else {}
        step.save(decision)
        for text, answerer in questions:
            step.save(Question(decision=decision, change=step.change, text=text, answerer=answerer))
        is_new = former is None or former.outcome != outcome
        _move(step, outcome, (decided_on or timezone.localdate(), zone) if is_new else None)
    return decision


def _move(step: Step, outcome: str, promised_from: tuple[date, str] | None) -> None:
    """Move the change to where the outcome leads; a promise is made from a day and its zone."""
    if outcome == Outcome.INFORMATION_REQUIRED:
        step.change.require_information()
    elif outcome == Outcome.REJECTED:
        step.change.void_promise()
        step.change.reject()
    else:
        if promised_from is not None:
            today, zone = promised_from
            step.data["decided_on"] = today.isoformat()
            promises.make_promise(step.change, outcome, today, zone)
        step.change.accept()


def _check_outcome(
    outcome: str,
    reason: str,
    category: str,
    elsewhere: str,
    questions: Sequence[tuple[str, User]],
) -> None:
    if outcome == Outcome.INFORMATION_REQUIRED and not questions:
        raise StepIncomplete(_("Name at least one question and who must answer it."), ["questions"])
    if outcome != Outcome.REJECTED:
        return
    if category == BoardDecision.Category.ADDRESSED_ELSEWHERE:
        if not elsewhere.strip():
            raise StepIncomplete(_("Say where the aims are being addressed."), ["elsewhere"])
    elif category == BoardDecision.Category.NOT_STRATEGIC:
        if not reason.strip():
            raise StepIncomplete(
                _("Explain why the change does not meet the strategic goals."), ["reason"]
            )
    else:
        raise StepIncomplete(_("Choose why the change is rejected."), ["category"])


def answer_question(
    change: Change,
    *,
    actor: User,
    question: Question,
    answer: str,
    link: AccessLink | None = None,
    proposal: ProposedAnswer | None = None,
    seen: int | None = None,
) -> Change:
    """Answer one question; with the last one the change returns to the board by itself.

    ``link`` is the mailed link it was answered through, None for somebody signed in;
    ``proposal`` is what was replied by mail, if the answer is taken from there. Raises
    ChangeStale for a link that lost its meaning in the meantime, StepForbidden for an actor who
    does not pass answers on but accepts a proposal,
    StepIllegal when the question is answered already or belongs to another change, and
    StepForbidden when it was put to somebody else and the actor does not pass answers on.
    Effects: the answer; possibly state ``board``; event; messages.
    """
    with take_step("answer_question", change, actor=actor, seen=seen) as step:
        fresh = Question.objects.filter(pk=question.pk, change=step.change).first()
        if fresh is None or not fresh.is_open:
            raise StepIllegal(_("This question has been answered already."))
        if fresh not in step.change.open_questions:
            raise StepIllegal(_("The board no longer waits for this answer."))
        if not permissions.may_answer(actor, step.change, fresh):
            raise StepForbidden(_("This question was put to somebody else."))
        fresh.answer = answer
        fresh.answered_by, fresh.answered_at = actor, timezone.now()
        step.reason = answer
        step.data = {"question": fresh.pk}
        step.came_through(link)
        if proposal is not None:
            _decide_proposal(step, proposal, accepted=True)
        step.save(fresh)
        if not step.change.open_questions:
            step.change.return_to_board()
    return step.change


def discard_answer(change: Change, *, actor: User, proposal: ProposedAnswer) -> None:
    """Say that what was replied by mail is not the answer; the comment that it made stays.

    Raises StepIllegal when somebody else has decided on it. Effects: the decision; event.
    """
    with take_step("discard_answer", change, actor=actor) as step:
        step.internal = True
        _decide_proposal(step, proposal, accepted=False)


def _decide_proposal(step: Step, proposal: ProposedAnswer, *, accepted: bool) -> None:
    if not permissions.answers_for_others(sure(step.actor), step.change):
        raise StepForbidden(_("This is for support and the customer success team."))
    fresh = ProposedAnswer.objects.select_for_update(of=("self",)).get(pk=proposal.pk)
    if fresh.question.change_id != step.change.pk or fresh.accepted is not None:
        raise StepIllegal(_("Somebody has decided on this answer already."))
    fresh.accepted, fresh.decided_by, fresh.decided_at = accepted, step.actor, timezone.now()
    step.data |= {"proposal": fresh.pk, "via": "mail"}
    step.save(fresh)


def define_requirements(
    change: Change, *, actor: User, seen: int | None = None, **fields: str
) -> Change:
    """Write down purpose, scope, objectives and acceptance criteria; then risks are assessed."""
    with take_step("define_requirements", change, actor=actor, seen=seen) as step:
        step.save(Requirements(**step.stamp(), **fields))
        step.change.define_requirements()
    return step.change


def assess_risk(change: Change, *, actor: User, seen: int | None = None, **fields: str) -> Change:
    """Write down security risks, impact analysis and mitigations, for a second person to sign."""
    with take_step("assess_risk", change, actor=actor, seen=seen) as step:
        step.save(RiskAssessment(**step.stamp(), **fields))
    return step.change


def sign_risk_assessment(
    change: Change, *, actor: User, signed_off: bool, remarks: str = "", seen: int | None = None
) -> Change:
    """A second person signs the risk assessment off, or returns it with remarks.

    Effects: the sign-off; state ``development`` when signed; event; messages.
    """
    if not signed_off and not remarks.strip():
        raise StepIncomplete(_("Say what the assessment lacks."), ["remarks"])
    with take_step("sign_risk_assessment", change, actor=actor, seen=seen) as step:
        record = step.change.risk_assessment
        outcome = RiskAssessment.Outcome
        record.outcome = outcome.SIGNED_OFF if signed_off else outcome.RETURNED
        record.signed_by, record.signed_at = actor, timezone.now()
        record.remarks = remarks
        step.reason = remarks
        step.data = {"outcome": record.outcome}
        step.save(record)
        if signed_off:
            step.change.accept_risk()
    return step.change


def record_development(
    change: Change,
    *,
    actor: User,
    reference: str,
    authors: Iterable[User],
    checklist: Sequence[str],
    notes: str,
    seen: int | None = None,
) -> Change:
    """Record what was built, by whom, and the secure-coding checklist, for peer review.

    Raises StepIncomplete while a point of the checklist is open. The actor counts as an author.
    """
    with take_step("record_development", change, actor=actor, seen=seen) as step:
        record = Development(
            **step.stamp(), reference=reference, checklist=list(checklist), notes=notes
        )
        if record.missing_checks:
            raise StepIncomplete(
                _("Open on the checklist: %s.") % "; ".join(record.missing_checks), ["checklist"]
            )
        step.save(record)
        record.authors.set({actor, *authors})
    return step.change


def peer_review(
    change: Change, *, actor: User, outcome: str, findings: str, seen: int | None = None
) -> Change:
    """Somebody who wrote none of it reviews the development.

    Effects: the review; state ``testing`` when approved; event; messages.
    """
    with take_step("peer_review", change, actor=actor, seen=seen) as step:
        step.reason = findings
        step.data = {"outcome": outcome}
        step.save(
            PeerReview(
                **step.stamp(),
                development=step.change.development,
                outcome=outcome,
                findings=findings,
            )
        )
        if outcome == PeerReview.Outcome.APPROVED:
            step.change.complete_development()
    return step.change


def record_test(
    change: Change,
    *,
    actor: User,
    kind: str,
    result: str,
    evidence: str,
    environment: str = "",
    seen: int | None = None,
) -> Change:
    """Record one kind of test, where it was run and its evidence; it counts if that was staging.

    Without a name it was. Raises StepIncomplete for an environment that is not kept.
    Effects: the test; a failure returns the change to ``development`` as a new round; the last
    of functional, security and regression to pass moves it to ``deployment``; event; messages.
    """
    with take_step("record_test", change, actor=actor, seen=seen) as step:
        where = _environment(environment)
        test = StagingTest(
            **step.stamp(),
            development=step.change.development,
            kind=kind,
            result=result,
            evidence=evidence,
            environment=where.name,
            in_staging=where.is_staging,
        )
        step.reason = evidence
        step.data = {"kind": kind, "result": result}
        step.save(test)
        if result == StagingTest.Result.FAILED:
            step.change.fail_tests()
        elif gates.passed_tests(step.change) == set(StagingTest.Kind.values):
            step.change.pass_tests()
    return step.change


def _environment(name: str) -> Environment:
    kept = Environment.objects.filter(is_active=True)
    found = kept.filter(name=name).first() if name else kept.filter(is_staging=True).first()
    if found is None:
        raise StepIncomplete(_("Choose one of the environments that are kept."), ["environment"])
    return found


def plan_deployment(
    change: Change,
    *,
    actor: User,
    release: Release,
    rollback_plan: str,
    reason: str = "",
    told: str = "",
    seen: int | None = None,
) -> Change:
    """Choose the release and write the rollback plan; an unstarted plan is replaced.

    Raises StepIncomplete without a rollback plan, for a release that was cancelled or whose day a
    freeze covers, and without a reason where a frozen one is joined or left, or where it comes
    after the day promised, of which the customer reads what is ``told``. The change is in that
    release from then on.
    """
    if not rollback_plan.strip():
        raise StepIncomplete(_("A rollback plan is required."), ["rollback_plan"])
    with take_step("plan_deployment", change, actor=actor, seen=seen) as step:
        plan = step.change.deployment or Deployment(
            **step.stamp(), development=step.change.development
        )
        before, joined = releases.locked_together(step.change.release, release)
        release = sure(joined)
        if release.cancelled_at is not None:
            raise StepIncomplete(_("Release %s was cancelled.") % release, ["release"])
        releases.insist_on_reason(before, release, reason)
        step.reason = reason
        plan.release, plan.rollback_plan = release, rollback_plan
        step.change.release = release
        step.data = {"release": release.pk}
        promises.mind_promise(step, before, release, reason, told)
        mind_conflicts(step, planning.of_deployment(step.change, release), "release")
        step.save(plan)
        heard_of_plan(step.change)
    return step.change


def start_deployment(
    change: Change, *, actor: User, reason: str = "", seen: int | None = None
) -> Change:
    """Begin, once the deployment gate has nothing left to name.

    Raises StepIncomplete without a reason when the release is out already, and in a freeze that
    stops it. Effects: the moment; event, which keeps that and why.
    """
    with take_step("start_deployment", change, actor=actor, seen=seen) as step:
        deployment = step.change.deployment
        deployment.release = releases.locked(deployment.release)
        if deployment.release.cancelled_at is not None:
            raise StepIllegal(_("Release %s was cancelled.") % deployment.release)
        if gates.release_is_out(step.change):
            if not reason.strip():
                sentence = _("The release is out already: say why it is deployed with it.")
                raise StepIncomplete(sentence, ["reason"])
            step.reason, step.data = reason, {"release_was_out": True}
        now = timezone.now()
        planned = planning.of_deployment(step.change, deployment.release)
        mind_conflicts(step, planning.begun_now(planned, now), "reason")
        deployment.started_at = now
        step.save(deployment)
    return step.change


def record_deployment(
    change: Change, *, actor: User, outcome: str, notes: str, seen: int | None = None
) -> Change:
    """Say that the deployment succeeded, or that it was rolled back.

    Raises StepIncomplete for a success while something required of the checklist is open.
    Effects: the outcome; success asks the requester to confirm, with state ``confirmation``;
    a rollback starts a new round in ``development``; a review, where one is due
    (``ask_post_review``); events; messages.
    """
    with take_step("record_deployment", change, actor=actor, seen=seen) as step:
        if outcome == Deployment.Outcome.SUCCEEDED:
            insist_on_checklist(step.change, "outcome")
        deployment = step.change.deployment
        deployment.outcome, deployment.notes = outcome, notes
        deployment.finished_at = timezone.now()
        step.reason = notes
        step.data = {"outcome": outcome}
        step.save(deployment)
        if outcome == Deployment.Outcome.SUCCEEDED:
            step.change.complete_deployment()
            ask_requester(step, notes)
        else:
            step.change.roll_back_deployment()
        ask_post_review(step, rolled_back=outcome == Deployment.Outcome.ROLLED_BACK)
    return step.change
