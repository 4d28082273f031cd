"""Whoever leaves, in whatever situation: somebody has a next step and sees it. Costs 16 s."""

from collections.abc import Callable, Iterable

import pytest
from django.db import transaction

from accounts.models import User
from changes import lifecycle, permissions
from changes.models import Change
from changes.states import FINAL, State
from changes.turns import next_step
from tests import stories
from tests.mailing import last_row, told
from tests.people import Cast
from tests.situations import EVERY_SITUATION
from tests.turns import agree, deactivate, everywhere, go_over, move, seconds, take_roles

pytestmark = pytest.mark.xdist_group("everywhere")


def involved(changes: Iterable[Change]) -> set[User | None]:
    """Return everybody who has done something on a change, is named in it or should act."""
    named: set[User | None] = set()
    for change in changes:
        named |= {change.requester, change.raised_by, change.owner}
        named |= {event.actor for event in change.events.select_related("actor")}
        named |= {question.answerer for question in change.questions.all()}
        named |= {execution.executor for execution in change.executions.all()}
        who = next_step(change).who
        named |= set(who.members()) if who else set()
    return named


@pytest.mark.parametrize("leaves", [deactivate, take_roles, move, go_over])
def test_somebody_can_go_on_and_sees_it(cast: Cast, leaves: Callable[[User], None]) -> None:
    """Whoever has to do with a change leaves, in any situation. A draft is its writer's alone."""
    changes = everywhere(cast)
    for who in sorted(involved(changes.values()) & {*cast.people.values()}, key=lambda one: one.pk):
        if leaves is take_roles and not who.roles:
            continue  # nothing to take
        if leaves is move and who.is_internal:
            continue  # of no customer
        if leaves is go_over and not who.is_internal:
            continue  # is there already
        with transaction.atomic():
            leaves(who)
            for change, theirs in agree(changes.values()).items():
                goes_on = theirs or change.state in {State.DRAFT, *FINAL}
                assert goes_on, f"{who} has left: nobody goes on with {change}, {change.state}"
                step = next_step(change).who
                is_asked = step is not None and who in step.members()
                assert not is_asked or leaves is not deactivate or change.state == State.DRAFT
            transaction.set_rollback(True)


@pytest.mark.parametrize("leaves", [deactivate, take_roles])
def test_a_comment_on_a_change_whose_owner_left_reaches_the_team(
    cast: Cast, leaves: Callable[[User], None]
) -> None:
    change = stories.in_review(cast)
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
