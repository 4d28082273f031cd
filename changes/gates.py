"""What must be complete before a step: a gate returns "" or a sentence naming what is missing."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from .models import BoardDecision, Change, PeerReview, RiskAssessment, StagingTest


def in_place_or_under_way(change: Change) -> str:
    """Withdrawing and reclassifying end when execution or deployment has begun."""
    for record in (*change.executions.all(), *change.deployments.all()):
        if record.started_at and record.outcome != "rolled_back":
            return _("The change is already being put in place.")
    return ""


def execution_running(change: Change) -> str:
    """A running execution cannot be planned again."""
    execution = change.execution
    if execution and execution.started_at and not execution.finished_at:
        return _("The execution has already started.")
    return ""


def execution_not_ready(change: Change) -> str:
    """An execution starts once, and only with a plan."""
    execution = change.execution
    if execution is None:
        return _("The execution is not planned yet: window, steps and rollback plan are missing.")
    if execution.started_at:
        return _("The execution has already started.")
    return ""


def execution_not_running(change: Change) -> str:
    """Only a running execution has an outcome."""
    execution = change.execution
    if execution is None or not execution.started_at or execution.finished_at:
        return _("The execution has not started yet.")
    return ""


def risk_awaits_sign_off(change: Change) -> str:
    """One risk assessment at a time waits for its second signature."""
    assessment = change.risk_assessment
    if assessment and assessment.outcome == RiskAssessment.Outcome.PENDING:
        return _("A risk assessment is waiting for its sign-off.")
    return ""


def no_risk_to_sign(change: Change) -> str:
    """There must be something to sign."""
    if risk_awaits_sign_off(change):
        return ""
    return _("There is no risk assessment waiting for sign-off.")


def nothing_to_review(change: Change) -> str:
    """A round of development is reviewed once it is recorded, and until it has a review."""
    development = change.development
    if development is None:
        return _("The development of this round is not recorded yet.")
    if any(review.development_id == development.pk for review in change.peer_reviews.all()):
        return _("This development has its review; record the reworked one first.")
    return ""


def passed_tests(change: Change) -> set[str]:
    """Return the kinds of test that the current development has passed in staging."""
    development = change.development
    if development is None:
        return set()
    return {
        test.kind
        for test in change.staging_tests.all()
        if test.development_id == development.pk and test.result == StagingTest.Result.PASSED
    }


def deployment_gaps(change: Change) -> list[str]:
    """Name every record that deployment needs and this round does not have."""
    return [
        *_approval_gaps(change),
        *_review_gaps(change),
        *_test_gaps(change),
        *([] if change.deployment else [_("release and rollback plan")]),
    ]


def _approval_gaps(change: Change) -> list[str]:
    gaps = []
    decision = change.board_decision
    accepted = {
        BoardDecision.Outcome.ACCEPTED,
        BoardDecision.Outcome.ACCEPTED_AS_PRIORITY,
    }
    if decision is None or decision.outcome not in accepted:
        gaps.append(_("acceptance by the board"))
    if change.requirement_definition is None:
        gaps.append(_("requirement definition"))
    risk = change.risk_assessment
    if risk is None or risk.outcome != RiskAssessment.Outcome.SIGNED_OFF:
        gaps.append(_("signed risk assessment"))
    return gaps


def _review_gaps(change: Change) -> list[str]:
    development = change.development
    if development is None:
        return [_("development record")]
    gaps = [_("checklist: %s") % label for label in development.missing_checks]
    approved = any(
        review.development_id == development.pk and review.outcome == PeerReview.Outcome.APPROVED
        for review in change.peer_reviews.all()
    )
    if not approved:
        gaps.append(_("approved peer review"))
    return gaps


def _test_gaps(change: Change) -> list[str]:
    passed = passed_tests(change)
    return [
        _("passed test: %s") % str(kind.label).lower()
        for kind in StagingTest.Kind
        if kind not in passed
    ]


def deployment_not_ready(change: Change) -> str:
    """The deployment gate, in one sentence."""
    gaps = deployment_gaps(change)
    return _("Missing before deployment: %s.") % ", ".join(gaps) if gaps else ""


def deployment_running(change: Change) -> str:
    """A running deployment is neither planned nor started again."""
    deployment = change.deployment
    if deployment and deployment.started_at:
        return _("The deployment has already started.")
    return ""


def deployment_not_running(change: Change) -> str:
    """Only a running deployment has an outcome."""
    deployment = change.deployment
    if deployment is None or not deployment.started_at or deployment.finished_at:
        return _("The deployment has not started yet.")
    return ""


def requester_still_has_time(change: Change) -> str:
    """Closing without an answer waits for the last reminder (settings.REMINDER_DAYS)."""
    confirmation = change.confirmation
    if confirmation is None:
        return _("The requester has not been asked yet.")
    days = max(settings.REMINDER_DAYS)
    if confirmation.escalated_at or timezone.now() - confirmation.asked_at >= timedelta(days=days):
        return ""
    return _("The requester has %d days to answer; reminders are still going out.") % days
