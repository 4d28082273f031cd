"""Whoever leaves, in whatever situation: somebody has a next step, and sees it."""

from collections.abc import Callable

import pytest
from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle, permissions, queries
from changes.models import Change
from changes.states import FINAL
from changes.turns import next_step
from tests.changes.test_waiting import EVERY_SITUATION
from tests.mailing import last_row, told
from tests.people import Cast, person
from tests.remembered import remembered
from tests.turns import turns_on


def deactivate(who: User) -> None:
    User.objects.filter(pk=who.pk).update(is_active=False)


def take_roles(who: User) -> None:
    who.groups.clear()


@remembered
def seconds(cast: Cast) -> list[User]:
    """Somebody else for every role: one person alone cannot be replaced by anybody."""
    found = {role: person(f"Second {role.label}", role) for role in Role if role != Role.APPROVER}
    cast.care_team.members.add(found[Role.CUSTOMER_SUCCESS])
    approver = person("Second Approver", Role.APPROVER, organisation=cast.harbour)
    cast.harbour.approvers.add(approver)
    return [*found.values(), approver]


def who_can(change: Change) -> dict[str, list[str]]:
    """Return who sees the change on their worklist, and by which step they move it on."""
    found: dict[str, list[str]] = {}
    sees: dict[User, bool] = {}
    change = queries.with_story(Change.objects.filter(pk=change.pk)).get()
    active = User.objects.filter(is_active=True).prefetch_related("groups", "success_teams")
    for user, turn in turns_on(change, active):
        if user not in sees:
            sees[user] = queries.waiting_on(user).filter(pk=change.pk).exists()
        if sees[user]:
            assert permissions.check(turn.verb, user, change), (str(user), turn.verb)
            found.setdefault(str(user), []).append(turn.verb)
    return found


def involved(change: Change, cast: Cast) -> set[User]:
    """Return everybody who has done something on a change, is named in it or should act."""
    named = {change.requester, change.raised_by, change.owner}
    named |= {event.actor for event in change.events.all()}
    named |= {question.answerer for question in change.questions.all()}
    named |= {execution.executor for execution in change.executions.all()}
    who = next_step(change).who
    named |= set(who.members()) if who else set()
    return {one for one in named if one is not None and one in cast.people.values()}


SITUATIONS = [name for name in EVERY_SITUATION if name not in {"draft", *FINAL}]
"""A draft is its writer's alone, and nothing can happen to what has ended."""


@pytest.mark.parametrize("leaves", [deactivate, take_roles])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_somebody_can_go_on_and_sees_it(
    cast: Cast, situation: str, leaves: Callable[[User], None]
) -> None:
    change = EVERY_SITUATION[situation](cast)
    seconds(cast)
    for who in sorted(involved(change, cast), key=lambda one: one.pk):
        with transaction.atomic():
            leaves(who)
            found = who_can(change)
            assert found, f"{who} has left: nobody goes on"
            assert str(who) not in found or leaves is take_roles
            step = next_step(Change.objects.get(pk=change.pk)).who
            if leaves is deactivate and step is not None and change.state != "confirmation":
                assert who not in step.people or change.state == "information_required"
            transaction.set_rollback(True)


@pytest.mark.parametrize("leaves", [deactivate, take_roles])
def test_a_comment_on_a_change_whose_owner_left_reaches_the_team(
    cast: Cast, leaves: Callable[[User], None]
) -> None:
    change = EVERY_SITUATION["review"](cast)
    seconds(cast)
    lifecycle.assign(change, actor=cast.success, owner=cast.support)
    leaves(cast.support)
    Change.objects.filter(pk=change.pk).update(raised_by=cast.requester)
    before = last_row()
    lifecycle.comment(Change.objects.get(pk=change.pk), actor=cast.requester, body="Anybody there?")
    assert {who for who, _subject in told(before)} >= {"cleo", "second"}


@pytest.mark.parametrize("leaves", [deactivate, take_roles])
def test_the_team_finishes_what_an_executor_began_who_left(
    cast: Cast, leaves: Callable[[User], None]
) -> None:
    change = EVERY_SITUATION["execution running"](cast)
    assert not permissions.can_record_execution(cast.success, change)
    leaves(cast.support)
    change = lifecycle.record_execution(
        Change.objects.get(pk=change.pk),
        actor=User.objects.get(pk=cast.success.pk),
        outcome="succeeded",
        notes="Found it done.",
    )
    assert change.state == "documentation"
    assert change.events.get(verb="record_execution").actor == cast.success
