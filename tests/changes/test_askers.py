"""Whoever ever asked for a change decides nothing about it, whoever is its requester now."""

from collections.abc import Callable

import pytest

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle, permissions, queries
from changes.models import Change
from changes.states import State
from changes.turns import next_step
from changes.turns.askers import EARLIER, asked_by, askers, how_asked, with_earlier
from expansive_cm.workflow.decisions import Refusal
from tests.people import Cast, person
from tests.stories import ASSESSMENT, assessed, draft, submitted


def requested(cast: Cast, who: User) -> Change:
    return submitted(cast, requester=who)


def requested_before(cast: Cast, who: User) -> Change:
    return hand_on(requested(cast, who), cast, cast.colleague)


def requested_long_before(cast: Cast, who: User) -> Change:
    return hand_on(requested_before(cast, who), cast, cast.requester)


def raised(cast: Cast, who: User) -> Change:
    change = submitted(cast)
    Change.objects.filter(pk=change.pk).update(raised_by=who)
    return change


def sent(cast: Cast, who: User) -> Change:
    change = draft(cast)
    Change.objects.filter(pk=change.pk).update(raised_by=who)
    change = lifecycle.submit(change, actor=who)
    Change.objects.filter(pk=change.pk).update(raised_by=cast.support)
    return change


def hand_on(change: Change, cast: Cast, successor: User) -> Change:
    return lifecycle.replace_requester(
        change, actor=cast.success, successor=successor, reason="Another post."
    )


WAYS: dict[Callable[[Cast, User], Change], str] = {
    requested: "You requested this change.",
    requested_before: "before somebody else took your place",
    requested_long_before: "before somebody else took your place",
    raised: "You raised this change.",
    sent: "you submitted the request",
}


@pytest.fixture
def asker(cast: Cast) -> User:
    """One of Harbour's people who may authorise its changes."""
    found = person("Abe Asker", Role.APPROVER, organisation=cast.harbour)
    cast.harbour.approvers.add(found)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_whoever_asked_may_not_authorise(cast: Cast, asker: User, way: Callable) -> None:
    change = way(cast, asker)
    change = lifecycle.assess(change, actor=cast.success, type="configuration", **ASSESSMENT)
    change = lifecycle.review(change, actor=cast.success, outcome="endorsed", findings="Fine.")
    change = Change.objects.get(pk=change.pk)
    assert change.state == State.AUTHORISATION
    decision = permissions.can_authorise(asker, change)
    assert decision.kind == Refusal.SEPARATION
    assert WAYS[way] in decision.reason
    assert not queries.waiting_on(asker).filter(pk=change.pk).exists()
    step = next_step(change)
    assert step.who is not None
    assert step.who.members() == [cast.approver]


@pytest.mark.parametrize("way", WAYS)
def test_a_loaded_change_and_the_database_name_the_same_askers(
    cast: Cast, asker: User, way: Callable
) -> None:
    way(cast, asker)
    for change in Change.objects.annotate(**{EARLIER: with_earlier()}):
        plain = Change.objects.get(pk=change.pk)
        assert askers(change) == askers(plain)
        assert asker.pk in askers(plain)
        for one in User.objects.all():
            found = Change.objects.filter(asked_by(one), pk=change.pk).exists()
            assert found == (one.pk in askers(plain)) == bool(how_asked(one, plain)), one


def test_nobody_who_never_asked_is_an_asker(cast: Cast) -> None:
    """Taking steps is not asking."""
    change = assessed(cast, "configuration")
    assert askers(change) == {cast.requester.pk, cast.support.pk}
