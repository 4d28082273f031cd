"""Whoever is told that a change waits for them may take the step that waits."""

import pytest
from django.db.models import QuerySet

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
from tests.turns import everywhere, turns_on

S = State


def waiting(cast: Cast, change: Change) -> dict[str, list[str]]:
    """Return the verbs that wait on each member of the cast for one change."""
    return waiting_for(cast, {"": change})[""]


def waiting_for(cast: Cast, changes: dict[str, Change]) -> dict[str, dict[str, list[str]]]:
    """Return them for each of these changes; whose list has it is asked once for all."""
    names = {user: name for name, user in cast.people.items()}
    keys = [change.pk for change in changes.values()]
    visible = {user: pks(queries.visible_to(user), keys) for user in names}
    listed = {user: pks(queries.waiting_on(user), keys) for user in names}
    found: dict[str, dict[str, list[str]]] = {}
    for situation, change in changes.items():
        verbs = found.setdefault(situation, {})
        for user, turn in turns_on(change, names):
            if change.pk in visible[user]:
                verbs.setdefault(names[user], []).append(turn.verb)
        on_lists = {name for user, name in names.items() if change.pk in listed[user]}
        assert on_lists == set(verbs), situation
    return found


def pks(changes: QuerySet[Change], among: list[int]) -> set[int]:
    return set(changes.filter(pk__in=among).values_list("pk", flat=True))


WAITS_ON: dict[str, dict[str, list[str]]] = {
    "submitted": {"success": ["assess"]},
    "review": {"success": ["review"]},
    "authorisation": {"approver": ["authorise"]},
    "execution": {"success": ["plan_execution"]},
    "execution planned": {"support": ["start_execution"]},
    "execution running": {"support": ["record_execution"]},
    "rolled_back": {"success": ["plan_execution"]},
    "standard": {"success": ["plan_execution"]},
    "standard rolled back": {"success": ["ask_authorisation"]},
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


@pytest.mark.xdist_group("everywhere")
def test_each_situation_waits_on_exactly_those(cast: Cast) -> None:
    """In all situations side by side."""
    changes = everywhere(cast)
    found = waiting_for(cast, changes)
    assert found == {situation: WAITS_ON.get(situation, {}) for situation in EVERY_SITUATION}
    stories = queries.with_story(
        Change.objects.filter(pk__in=[change.pk for change in changes.values()])
    ).in_bulk()
    for situation, verbs_of in found.items():
        for name, verbs in verbs_of.items():
            for verb in verbs:
                may = permissions.check(verb, cast.people[name], stories[changes[situation].pk])
                assert may, (situation, name, verb)


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
    assert waiting(cast, mine) == {}
    assert queries.waiting_on(jack).filter(pk=mine.pk).exists(), "who assesses it sees it through"
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
