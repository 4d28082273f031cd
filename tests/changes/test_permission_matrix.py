"""Who may take which step in which state: every step × person × state, allowed and refused.

The table is written out by hand from the process and the design, not computed from the code.
``allowed`` names everybody who may; all others of the cast must be refused, in every state.
"""

from collections.abc import Iterable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from changes import lifecycle, permissions, queries
from changes.models import Change
from changes.process import STEP, STEPS
from changes.states import State
from expansive_cm.workflow.decisions import Refusal
from tests import standards
from tests.mailing import deliver
from tests.people import Cast
from tests.stories import (
    MAKERS,
    change_in,
    deployment_planned,
    developed,
    further_wished,
    plan,
    risk_assessed,
)
from tests.turns import everywhere

S = State

EVERYBODY_AT_WORK = {
    S.SUBMITTED,
    S.REVIEW,
    S.AUTHORISATION,
    S.EXECUTION,
    S.ROLLED_BACK,
    S.DOCUMENTATION,
    S.BOARD,
    S.INFORMATION_REQUIRED,
    S.REQUIREMENTS,
    S.RISK_ASSESSMENT,
    S.DEVELOPMENT,
    S.TESTING,
    S.DEPLOYMENT,
    S.CONFIRMATION,
    S.NOT_CONFIRMED,
}
BEFORE_DELIVERY = {
    S.SUBMITTED,
    S.REVIEW,
    S.AUTHORISATION,
    S.EXECUTION,
    S.BOARD,
    S.INFORMATION_REQUIRED,
    S.REQUIREMENTS,
    S.RISK_ASSESSMENT,
    S.DEVELOPMENT,
    S.TESTING,
    S.DEPLOYMENT,
}

# step -> (who, in which states). The cast's change was raised by support for the requester,
# is owned by its assessor (success), and support is the executor once one is planned.
MATRIX: dict[str, tuple[set[str], set[State]]] = {
    "submit": ({"support"}, {S.DRAFT}),
    "assess": ({"success"}, {S.SUBMITTED}),
    "review": ({"success"}, {S.REVIEW}),
    "authorise": ({"approver"}, {S.AUTHORISATION}),
    "plan_execution": ({"success"}, {S.EXECUTION, S.ROLLED_BACK}),
    "start_execution": (set(), set()),  # not without a plan: see below
    "record_execution": (set(), set()),
    "ask_authorisation": (set(), set()),  # only what was authorised in advance: see below
    "close_rolled_back": ({"success"}, {S.ROLLED_BACK}),
    "document": ({"success"}, {S.DOCUMENTATION}),
    "record_board_outcome": ({"crb_member", "chair"}, {S.BOARD}),
    "answer_question": ({"requester", "support", "success"}, {S.INFORMATION_REQUIRED}),
    "define_requirements": ({"developer", "success"}, {S.REQUIREMENTS}),
    "assess_risk": ({"developer"}, {S.RISK_ASSESSMENT}),
    "sign_risk_assessment": (set(), set()),  # not without an assessment: see below
    "record_development": ({"developer"}, {S.DEVELOPMENT}),
    "peer_review": (set(), set()),  # not without a development: see below
    "record_test": ({"tester"}, {S.TESTING}),
    "plan_deployment": ({"release_manager"}, {S.DEPLOYMENT}),
    "assign_release": (
        {"release_manager"},
        {S.REQUIREMENTS, S.RISK_ASSESSMENT, S.DEVELOPMENT, S.TESTING, S.DEPLOYMENT},
    ),
    "start_deployment": (set(), set()),  # not without release and rollback plan: see below
    "record_deployment": (set(), set()),
    "answer_confirmation": ({"requester"}, {S.CONFIRMATION}),
    "request_successor": (set(), set()),  # not without a wish for more: see below
    "rate": ({"requester"}, {S.CLOSED}),
    "record_contact": ({"support", "success"}, {S.CONFIRMATION}),
    "resend_confirmation": ({"support", "success"}, {S.CONFIRMATION}),
    "close_unanswered": (set(), set()),  # not while the requester has time: see below
    "rework": ({"success"}, {S.NOT_CONFIRMED}),
    "close_with_successor": ({"success"}, {S.NOT_CONFIRMED}),
    "edit": (
        {"requester", "support", "success"},
        {S.SUBMITTED, S.REVIEW, S.BOARD, S.INFORMATION_REQUIRED},
    ),
    "assign": ({"support", "success", "administrator"}, EVERYBODY_AT_WORK),
    "replace_requester": ({"requester", "success", "administrator"}, EVERYBODY_AT_WORK),
    "declare_emergency": (
        {"success"},
        {
            *(S.SUBMITTED, S.REVIEW, S.AUTHORISATION, S.EXECUTION, S.BOARD),
            *(S.INFORMATION_REQUIRED, S.REQUIREMENTS, S.RISK_ASSESSMENT),
        },
    ),
    "withdraw_emergency": (set(), set()),  # of what was declared one: test_emergency.py
    "reclassify": (
        {"success"},
        {
            S.REVIEW,
            S.AUTHORISATION,
            S.EXECUTION,
            S.ROLLED_BACK,
            S.BOARD,
            S.INFORMATION_REQUIRED,
            S.REQUIREMENTS,
            S.RISK_ASSESSMENT,
            S.DEVELOPMENT,
            S.TESTING,
        },
    ),
    "correct_customer": ({"support", "success"}, {S.SUBMITTED}),
    "throw_away": (set(), set()),
    "withdraw": ({"requester", "support", "success"}, BEFORE_DELIVERY),
}
# A draft belongs to its writer alone.
DRAFT_STEPS = {"submit", "edit", "throw_away"}

SEES: set[str] = {
    "requester",
    "colleague",
    "approver",
    "support",
    "success",
    "stranger_success",
    "developer",
    "peer_reviewer",
    "tester",
    "release_manager",
    "crb_member",
    "chair",
    "auditor",
    "administrator",
}


def who_may(verb: str, cast: Cast, change: Change) -> set[str]:
    return who_may_each([verb], cast, change)[verb]


def who_may_each(verbs: Iterable[str], cast: Cast, change: Change) -> dict[str, set[str]]:
    story = queries.with_story(Change.objects.all()).get(pk=change.pk)
    return {
        verb: {name for name, user in cast.people.items() if permissions.check(verb, user, story)}
        for verb in verbs
    }


def test_the_matrix_names_every_step() -> None:
    assert set(MATRIX) == {step.verb for step in STEPS}
    assert set(MAKERS) == set(State)


def in_each_state(cast: Cast, *, but_draft: bool = False) -> dict[State, Change]:
    """One change in each state, all in one database."""
    changes = everywhere(cast)
    return {state: changes[state] for state in State if not (but_draft and state == S.DRAFT)}


@pytest.mark.xdist_group("everywhere")
def test_who_may_do_what(cast: Cast) -> None:
    for state, change in in_each_state(cast).items():
        expected = {
            verb: who if state in states else set() for verb, (who, states) in MATRIX.items()
        }
        if state == S.DRAFT:
            expected = {verb: {"support"} if verb in DRAFT_STEPS else set() for verb in MATRIX}
        assert who_may_each(MATRIX, cast, change) == expected, state


@pytest.mark.xdist_group("everywhere")
def test_who_sees_a_change(cast: Cast) -> None:
    changes = in_each_state(cast)
    read = {
        name: set(queries.visible_to(user).values_list("pk", flat=True))
        for name, user in cast.people.items()
    }
    for state, change in changes.items():
        expected = {"support"} if state == S.DRAFT else SEES
        by_query = {name for name, keys in read.items() if change.pk in keys}
        by_rule = {name for name, user in cast.people.items() if permissions.may_see(user, change)}
        assert by_query == expected, state
        assert by_rule == expected, state


@pytest.mark.xdist_group("everywhere")
def test_every_refusal_has_a_sentence(cast: Cast) -> None:
    for state, change in in_each_state(cast).items():
        for user in cast.people.values():
            for step, decision in permissions.offered_steps(user, change):
                assert decision.allowed or decision.reason.endswith("."), (
                    state,
                    step.verb,
                    decision,
                )
                assert decision.allowed or decision.kind in Refusal, (state, step.verb, decision)


@pytest.mark.xdist_group("everywhere")
def test_a_deactivated_person_may_nothing(cast: Cast) -> None:
    changes = everywhere(cast).values()
    cast.success.is_active = False
    for change in changes:
        assert not permissions.may_see(cast.success, change)
        assert not [s for s, d in permissions.offered_steps(cast.success, change) if d]
    assert not queries.visible_to(cast.success).exists()


@pytest.mark.xdist_group("everywhere")
def test_superuser_status_grants_no_step(cast: Cast) -> None:
    """An administrator never holds a process role silently; keeping people is their task."""
    assert cast.administrator.is_superuser
    for change in everywhere(cast).values():
        offered = [s.verb for s, d in permissions.offered_steps(cast.administrator, change) if d]
        expected = ["replace_requester", "assign"] if change.state in EVERYBODY_AT_WORK else []
        assert offered == expected


# Steps that wait for an earlier record of the same state


def test_only_the_named_executor_starts_and_finishes(cast: Cast) -> None:
    change = plan(change_in(S.EXECUTION, cast), cast)
    assert who_may("start_execution", cast, change) == {"support"}
    assert who_may("record_execution", cast, change) == set()
    assert who_may("execute", cast, change) == {"support"}
    assert who_may("tick_checklist", cast, change) == {"success", "support"}
    change = lifecycle.start_execution(change, actor=cast.support, reason="Early.")
    assert who_may("start_execution", cast, change) == set()
    assert who_may("record_execution", cast, change) == {"support"}
    assert who_may("execute", cast, change) == {"support"}
    assert who_may("plan_execution", cast, change) == set()
    assert who_may("withdraw", cast, change) == set()
    assert who_may("reclassify", cast, change) == set()


def test_the_team_gives_a_standard_change_back(cast: Cast) -> None:
    change = standards.used(cast)
    assert who_may("ask_authorisation", cast, change) == {"success"}
    assert who_may("plan_execution", cast, change) == {"success"}
    change = standards.executed(change, cast, "rolled_back")
    assert who_may("ask_authorisation", cast, change) == {"success"}
    assert who_may("plan_execution", cast, change) == set()
    assert who_may("close_rolled_back", cast, change) == {"success"}


def test_a_second_person_signs_the_risk_assessment(cast: Cast) -> None:
    change = risk_assessed(cast)
    assert who_may("sign_risk_assessment", cast, change) == {"peer_reviewer", "release_manager"}
    assert who_may("assess_risk", cast, change) == set()


def test_a_peer_reviewer_reviews_what_is_recorded(cast: Cast) -> None:
    change = developed(change_in(S.DEVELOPMENT, cast), cast)
    assert who_may("peer_review", cast, change) == {"peer_reviewer"}


def test_a_release_manager_deploys_what_is_planned(cast: Cast) -> None:
    change = deployment_planned(change_in(S.DEPLOYMENT, cast), cast)
    assert who_may("start_deployment", cast, change) == {"release_manager"}
    assert who_may("deploy", cast, change) == {"release_manager"}
    change = lifecycle.start_deployment(change, actor=cast.release_manager)
    assert who_may("record_deployment", cast, change) == {"release_manager"}
    assert who_may("deploy", cast, change) == {"release_manager"}
    assert who_may("start_deployment", cast, change) == set()
    assert who_may("plan_deployment", cast, change) == set()
    assert who_may("withdraw", cast, change) == set()


def test_only_the_requester_sends_what_they_would_like_further(cast: Cast) -> None:
    change = further_wished(cast)
    assert who_may("request_successor", cast, change) == {"requester"}
    assert who_may("rework", cast, change) == {"success"}
    assert who_may("close_with_successor", cast, change) == {"success"}
    lifecycle.request_successor(change, actor=cast.requester, title="More", description="More.")
    assert who_may("request_successor", cast, change) == set()


def test_a_change_is_rated_once_and_only_after_an_answer(cast: Cast) -> None:
    change = change_in(S.CLOSED, cast)
    lifecycle.rate(change, actor=cast.requester, rating=5)
    assert who_may("rate", cast, change) == set()
    silent = change_in(S.CONFIRMATION, cast)
    deliver()
    with time_machine.travel(timezone.now() + timedelta(days=20)):
        lifecycle.close_unanswered(silent, actor=cast.success, reason="Phoned five times.")
    assert who_may("rate", cast, silent) == set()


# Beside the process

READERS_ONLY = {"auditor", "administrator"}
TICKERS = {
    S.EXECUTION: {"success"},  # and who is named as executor: see above
    S.DOCUMENTATION: {"success", "support"},
    S.DEPLOYMENT: {"success", "release_manager"},
}


@pytest.mark.xdist_group("everywhere")
def test_who_may_discuss(cast: Cast) -> None:
    """And who sends and revokes links, whatever has become of the change."""
    customers = {"requester", "colleague", "approver"}
    for state, change in in_each_state(cast, but_draft=True).items():
        closed = state in {S.CLOSED, S.REFUSED, S.REJECTED, S.WITHDRAWN}
        anybody = set() if closed else SEES - READERS_ONLY
        expected = {
            **dict.fromkeys(("comment", "correct_comment", "attach"), anybody),
            **dict.fromkeys(("note", "link", "unlink"), anybody - customers),
            **dict.fromkeys(("label", "unlabel"), SEES - READERS_ONLY - customers),
            **dict.fromkeys(("send_link", "revoke_links"), {"support", "success"}),
            "tick_checklist": TICKERS.get(state, set()),
            "watch": SEES - READERS_ONLY,
            "unwatch": SEES,
            "mute": SEES - READERS_ONLY - customers,
            "unmute": SEES,
        }
        assert who_may_each(expected, cast, change) == expected, state


def test_a_step_out_of_its_state_is_called_that(cast: Cast) -> None:
    change = change_in(S.SUBMITTED, cast)
    decision = permissions.can_review(cast.success, change)
    assert decision.kind == Refusal.STATE
    assert str(STEP["review"].label) in decision.reason
