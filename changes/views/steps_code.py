"""The steps of the code path; the board's own page is in crb."""

from django.http import HttpResponse
from django.utils.translation import gettext as _

from .. import gaps, gates, lifecycle, planning
from ..forms.code import (
    AnswerQuestionForm,
    AssessRiskForm,
    DefineRequirementsForm,
    PeerReviewForm,
    PlanDeploymentForm,
    RecordDeploymentForm,
    RecordDevelopmentForm,
    RecordTestForm,
    SignRiskAssessmentForm,
    StartDeploymentForm,
)
from ..forms.release import AssignReleaseForm
from ..models import StagingTest
from .steps import StepPage, step


@step
def answer_question(page: StepPage) -> HttpResponse:
    """Answer one of the board's questions."""
    return page.respond(
        AnswerQuestionForm,
        lifecycle.answer_question,
        done=_("Your answer for the board is recorded."),
        beside=("board",),
    )


@step
def define_requirements(page: StepPage) -> HttpResponse:
    """Write down purpose, scope, objectives and acceptance criteria."""
    return page.respond(
        DefineRequirementsForm,
        lifecycle.define_requirements,
        done=_("The requirements of %(reference)s are defined."),
        beside=("board", "assessment"),
    )


@step
def assess_risk(page: StepPage) -> HttpResponse:
    """Write down security risks, impact analysis and mitigations."""
    return page.respond(
        AssessRiskForm,
        lifecycle.assess_risk,
        done=_("The risks of %(reference)s are assessed."),
        beside=("risk", "requirements", "assessment"),
    )


@step
def sign_risk_assessment(page: StepPage) -> HttpResponse:
    """Sign the risk assessment off, or return it."""
    return page.respond(
        SignRiskAssessmentForm,
        lifecycle.sign_risk_assessment,
        done=_("Your decision on the risk assessment of %(reference)s is recorded."),
        beside=("risk", "requirements"),
    )


@step
def record_development(page: StepPage) -> HttpResponse:
    """Record what was built, by whom, with the secure-coding checklist."""
    return page.respond(
        RecordDevelopmentForm,
        lifecycle.record_development,
        done=_("The development of %(reference)s is recorded."),
        beside=("development", "testing", "requirements", "risk"),
    )


@step
def peer_review(page: StepPage) -> HttpResponse:
    """Review a development that one had no part in."""
    return page.respond(
        PeerReviewForm,
        lifecycle.peer_review,
        done=_("Your peer review of %(reference)s is recorded."),
        beside=("development", "requirements", "risk"),
    )


@step
def record_test(page: StepPage) -> HttpResponse:
    """Record one kind of test in staging."""
    passed = gates.passed_tests(page.change)
    return page.respond(
        RecordTestForm,
        lifecycle.record_test,
        done=_("The test of %(reference)s is recorded."),
        beside=("testing", "requirements", "risk", "development"),
        kinds=[(kind.label, kind in passed) for kind in StagingTest.Kind],
    )


@step
def plan_deployment(page: StepPage) -> HttpResponse:
    """Choose the release and write the rollback plan."""
    return page.respond(
        PlanDeploymentForm,
        lifecycle.plan_deployment,
        done=_("The deployment of %(reference)s is planned."),
        beside=("deployment", "testing"),
        gate=gaps.points_for(page.user, page.change, here=page.verb),
    )


@step
def assign_release(page: StepPage) -> HttpResponse:
    """Say with which release the change is meant to go out."""
    return page.respond(
        AssignReleaseForm,
        lifecycle.assign_release,
        done=_("%(reference)s has the release that you chose."),
        beside=("requirements", "development", "testing"),
    )


@step
def start_deployment(page: StepPage) -> HttpResponse:
    """Show the deployment gate and the plan once more, then begin."""
    return page.respond(
        StartDeploymentForm,
        lifecycle.start_deployment,
        done=_("You started the deployment of %(reference)s."),
        beside=("deployment",),
        show_gate=True,
        gate=gaps.points_for(page.user, page.change),
        release_is_out=gates.release_is_out(page.change),
        conflicts=planning.shown_to(page.user, page.change, begins=True),
    )


@step
def record_deployment(page: StepPage) -> HttpResponse:
    """Say how the deployment went."""
    return page.respond(
        RecordDeploymentForm,
        lifecycle.record_deployment,
        done=_("The outcome of the deployment of %(reference)s is recorded."),
        beside=("deployment",),
    )
