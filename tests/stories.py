"""Take a change to any state of its life, each step by the person whose step it is."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from changes import lifecycle
from changes.models import CHECKLIST, Change, Release, StagingTest
from changes.states import State
from tests.people import Cast
from tests.remembered import remembered

S = State

ASSESSMENT = {
    "need": "Night staff cannot book rooms.",
    "likelihood": 2,
    "impact": 3,
    "service_impact": "Space booking restarts once.",
    "customer_impact": "None while it is done at night.",
    "urgency": 2,
}


def draft(cast: Cast, **fields: object) -> Change:
    """A complete draft that support wrote for Grace."""
    values = {
        "title": "Let night staff book meeting rooms",
        "description": "Please extend the booking hours to 24 hours.",
        "organisation": cast.harbour,
        "requester": cast.requester,
        "channel": "phone",
        **fields,
    }
    return lifecycle.save_draft(None, actor=cast.support, **values)


@remembered
def submitted(cast: Cast, **fields: object) -> Change:
    """A request that waits for its assessment."""
    return lifecycle.submit(draft(cast, **fields), actor=cast.support)


@remembered
def assessed(cast: Cast, change_type: str, **fields: object) -> Change:
    """A request on its path."""
    change = submitted(cast, **fields)
    return lifecycle.assess(change, actor=cast.success, type=change_type, **ASSESSMENT)


# Configuration


def plan(change: Change, cast: Cast, **plan: str) -> Change:
    """Plan the execution for tonight, by support."""
    start = timezone.now() + timedelta(hours=2)
    return lifecycle.plan_execution(
        change,
        actor=cast.success,
        executor=cast.support,
        window_start=start,
        window_end=start + timedelta(hours=1),
        **{
            "steps": "1. Change the setting.\n2. Book a room.",
            "rollback_plan": "Set the hours back to 7–19.",
            **plan,
        },
    )


EARLY = "The ward asked for it this afternoon."


def started(change: Change, cast: Cast) -> Change:
    """Begin an execution before its window opens, which needs a reason."""
    return lifecycle.start_execution(change, actor=cast.support, reason=EARLY)


def executed(change: Change, cast: Cast, outcome: str = "succeeded") -> Change:
    """Plan, start and finish an execution."""
    change = plan(change, cast)
    change = started(change, cast)
    return lifecycle.record_execution(
        change, actor=cast.support, outcome=outcome, notes="Went as written."
    )


@remembered
def in_review(cast: Cast) -> Change:
    return assessed(cast, "configuration")


@remembered
def in_authorisation(cast: Cast) -> Change:
    return lifecycle.review(
        in_review(cast), actor=cast.success, outcome="endorsed", findings="Harmless."
    )


@remembered
def in_execution(cast: Cast) -> Change:
    return lifecycle.authorise(
        in_authorisation(cast), actor=cast.approver, outcome="authorised", reason="We need it."
    )


@remembered
def rolled_back(cast: Cast) -> Change:
    return executed(in_execution(cast), cast, outcome="rolled_back")


@remembered
def in_documentation(cast: Cast) -> Change:
    return executed(in_execution(cast), cast)


@remembered
def in_confirmation(cast: Cast) -> Change:
    return lifecycle.document(
        in_documentation(cast),
        actor=cast.success,
        system="Success desk",
        reference="SD-77",
        summary="Rooms can be booked around the clock.",
    )


@remembered
def not_confirmed(cast: Cast) -> Change:
    return lifecycle.answer_confirmation(
        in_confirmation(cast), actor=cast.requester, confirmed=False, reason="Not on Sundays."
    )


@remembered
def further_wished(cast: Cast) -> Change:
    """Not confirmed, because the requester would like something further."""
    return lifecycle.answer_confirmation(
        in_confirmation(cast),
        actor=cast.requester,
        meets_need=True,
        as_expected=False,
        wish="something_further",
        reason="The *gym* as well, please.",
    )


@remembered
def closed(cast: Cast) -> Change:
    return lifecycle.answer_confirmation(
        in_confirmation(cast), actor=cast.requester, confirmed=True
    )


@remembered
def refused(cast: Cast) -> Change:
    return lifecycle.review(
        in_review(cast), actor=cast.success, outcome="refused", findings="Against the contract."
    )


@remembered
def withdrawn(cast: Cast) -> Change:
    return lifecycle.withdraw(submitted(cast), actor=cast.requester, reason="No longer needed.")


# Code


@remembered
def on_board(cast: Cast) -> Change:
    return assessed(cast, "code")


def decided(change: Change, cast: Cast, outcome: str, **fields: object) -> Change:
    """Record the board's outcome as crb does, without a meeting."""
    lifecycle.record_board_outcome(change, actor=cast.chair, outcome=outcome, **fields)
    return Change.objects.get(pk=change.pk)


@remembered
def information_required(cast: Cast) -> Change:
    questions = [("How many rooms are there?", cast.requester)]
    return decided(on_board(cast), cast, "information_required", questions=questions)


@remembered
def rejected(cast: Cast) -> Change:
    return decided(
        on_board(cast), cast, "rejected", category="not_strategic", reason="We leave this market."
    )


@remembered
def in_requirements(cast: Cast) -> Change:
    return decided(on_board(cast), cast, "accepted")


def requirements_defined(change: Change, cast: Cast) -> Change:
    """Write down what is needed."""
    return lifecycle.define_requirements(
        change,
        actor=cast.developer,
        purpose="Rooms at night",
        scope="Space booking",
        objectives="24 hours",
        acceptance_criteria="A room can be booked at 3:00.",
    )


@remembered
def in_risk_assessment(cast: Cast) -> Change:
    return requirements_defined(in_requirements(cast), cast)


def risk_written(change: Change, cast: Cast) -> Change:
    """Write the risk assessment, which then waits for the second signature."""
    return lifecycle.assess_risk(
        change,
        actor=cast.developer,
        security_risks="Unsupervised bookings.",
        impact_analysis="Space booking only.",
        mitigations="Alerts to security staff.",
    )


@remembered
def risk_assessed(cast: Cast) -> Change:
    """In risk assessment, written and waiting for the second signature."""
    return risk_written(in_risk_assessment(cast), cast)


def risk_signed(change: Change, cast: Cast) -> Change:
    """Sign the risk assessment off."""
    return lifecycle.sign_risk_assessment(change, actor=cast.release_manager, signed_off=True)


@remembered
def in_development(cast: Cast) -> Change:
    return risk_signed(risk_assessed(cast), cast)


def developed(change: Change, cast: Cast) -> Change:
    """Record a round of development, ready for review."""
    return lifecycle.record_development(
        change,
        actor=cast.developer,
        reference="https://git.expansive.example/space/pull/7",
        authors=[cast.developer],
        checklist=list(CHECKLIST),
        notes="Opening hours are a setting now.",
    )


def reviewed(change: Change, cast: Cast) -> Change:
    """Record and approve a round of development."""
    return lifecycle.peer_review(
        developed(change, cast), actor=cast.peer_reviewer, outcome="approved", findings="Clean."
    )


@remembered
def in_testing(cast: Cast) -> Change:
    return reviewed(in_development(cast), cast)


def all_passed(change: Change, cast: Cast) -> Change:
    """Pass all three kinds of test."""
    for kind in StagingTest.Kind.values:
        change = lifecycle.record_test(
            change, actor=cast.tester, kind=kind, result="passed", evidence="All green."
        )
    return change


@remembered
def in_deployment(cast: Cast) -> Change:
    return all_passed(in_testing(cast), cast)


def release() -> Release:
    """The next release."""
    planned = timezone.localdate() + timedelta(days=14)
    return Release.objects.get_or_create(name="4.12", defaults={"planned_on": planned})[0]


def deployment_planned(change: Change, cast: Cast) -> Change:
    """Choose the release and write the rollback plan."""
    return lifecycle.plan_deployment(
        change, actor=cast.release_manager, release=release(), rollback_plan="Redeploy 4.11."
    )


@remembered
def deployed(cast: Cast, outcome: str = "succeeded") -> Change:
    """A code change that was deployed (or rolled back)."""
    return carried_out(deployment_planned(in_deployment(cast), cast), cast, outcome)


def carried_out(change: Change, cast: Cast, outcome: str = "succeeded") -> Change:
    """Start and finish a planned deployment."""
    change = lifecycle.start_deployment(change, actor=cast.release_manager)
    return lifecycle.record_deployment(
        change, actor=cast.release_manager, outcome=outcome, notes="Deployed with 4.12."
    )


MAKERS: dict[State, Callable[[Cast], Change]] = {
    S.DRAFT: draft,
    S.SUBMITTED: submitted,
    S.REVIEW: in_review,
    S.AUTHORISATION: in_authorisation,
    S.EXECUTION: in_execution,
    S.ROLLED_BACK: rolled_back,
    S.DOCUMENTATION: in_documentation,
    S.REFUSED: refused,
    S.BOARD: on_board,
    S.INFORMATION_REQUIRED: information_required,
    S.REQUIREMENTS: in_requirements,
    S.RISK_ASSESSMENT: in_risk_assessment,
    S.DEVELOPMENT: in_development,
    S.TESTING: in_testing,
    S.DEPLOYMENT: in_deployment,
    S.REJECTED: rejected,
    S.CONFIRMATION: in_confirmation,
    S.NOT_CONFIRMED: not_confirmed,
    S.CLOSED: closed,
    S.WITHDRAWN: withdrawn,
}


def change_in(state: State, cast: Cast) -> Change:
    """Return a change in this state, which got there by the steps of the process."""
    change = MAKERS[state](cast)
    assert change.state == state
    return change
