"""Whoever is told that a change waits for them may take the step that waits."""

import pytest

from accounts.roles import Role
from changes import permissions, queries
from changes.models import Change
from changes.states import OPEN, State
from changes.turns import TURNS
from tests.people import Cast
from tests.situations import EVERY_SITUATION
from tests.stories import (
    assessed,
    developed,
    risk_assessed,
)
from tests.turns import turns_on

S = State


def waiting(cast: Cast, change: Change) -> dict[str, list[str]]:
    """Return the verbs that wait on each member of the cast for one change."""
    found: dict[str, list[str]] = {}
    names = {user: name for name, user in cast.people.items()}
    sees = {user: queries.visible_to(user).filter(pk=change.pk).exists() for user in names}
    for user, turn in turns_on(change, names):
        if sees[user]:
            found.setdefault(names[user], []).append(turn.verb)
    for user, name in names.items():
        assert queries.waiting_on(user).filter(pk=change.pk).exists() == (name in found), name
    return found


WAITS_ON: dict[str, dict[str, list[str]]] = {
    "submitted": {"success": ["assess"]},
    "review": {"success": ["review"]},
    "authorisation": {"approver": ["authorise"]},
    "execution": {"success": ["plan_execution"]},
    "execution planned": {"support": ["start_execution"]},
    "execution running": {"support": ["record_execution"]},
    "rolled_back": {"success": ["plan_execution"]},
    "documentation": {"success": ["document"]},
    "board": {"crb_member": ["record_board_outcome"], "chair": ["record_board_outcome"]},
    "information_required": {"requester": ["answer_question"]},
    "requirements": {"developer": ["define_requirements"]},
    "risk_assessment": {"developer": ["assess_risk"]},
    "risk assessed": {
        "peer_reviewer": ["sign_risk_assessment"],
        "release_manager": ["sign_risk_assessment"],
    },
    "development": {"developer": ["record_development"]},
    "developed": {"peer_reviewer": ["peer_review"]},
    "testing": {"tester": ["record_test"]},
    "deployment": {"release_manager": ["plan_deployment"]},
    "deployment planned": {"release_manager": ["start_deployment"]},
    "release cancelled": {"release_manager": ["plan_deployment"]},
    "deployment running": {"release_manager": ["record_deployment"]},
    "confirmation": {"requester": ["answer_confirmation"]},
    "escalated": {"requester": ["answer_confirmation"], "success": ["close_unanswered"]},
    "undelivered": {"requester": ["answer_confirmation"], "success": ["settle_delivery"]},
    "not_confirmed": {"success": ["rework"]},
}


@pytest.mark.parametrize("situation", EVERY_SITUATION)
def test_each_situation_waits_on_exactly_those(cast: Cast, situation: str) -> None:
    change = EVERY_SITUATION[situation](cast)
    found = waiting(cast, change)
    assert found == WAITS_ON.get(situation, {})
    change = queries.with_story(Change.objects.filter(pk=change.pk)).get()
    for name, verbs in found.items():
        for verb in verbs:
            assert permissions.check(verb, cast.people[name], change), (name, verb)


def test_every_open_state_waits_on_somebody() -> None:
    assert {state for turn in TURNS if turn.is_listed for state in turn.states} == OPEN


def test_separation_of_duties_empties_the_queue(cast: Cast) -> None:
    """One person with every role is not asked to check their own work."""
    from changes import lifecycle
    from tests.people import person

    jack = person("Jack Trades", *(set(Role) - {Role.AUDITOR, Role.ADMINISTRATOR}))
    cast.harbour.approvers.add(jack)
    cast.care_team.members.add(jack)
    everything = Cast(**{**vars(cast), "success": jack, "developer": jack})
    mine = assessed(everything, "configuration", requester=cast.requester)
    assert waiting(cast, mine) == {"success": ["review"]}
    change = risk_assessed(everything)
    assert "developer" in waiting(cast, change)
    assert not queries.waiting_on(jack).filter(pk=change.pk).exists()
    change = lifecycle.sign_risk_assessment(change, actor=cast.developer, signed_off=True)
    change = developed(change, everything)
    assert not queries.waiting_on(jack).filter(pk=change.pk).exists()
    change = lifecycle.peer_review(
        change, actor=cast.peer_reviewer, outcome="approved", findings="Clean."
    )
    assert not queries.waiting_on(jack).filter(pk=change.pk).exists()
    assert waiting(cast, change) == {"tester": ["record_test"]}
