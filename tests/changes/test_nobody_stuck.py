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


def test_somebody_can_go_on_and_sees_it(cast: Cast) -> None:
    """Whoever has to do with a change leaves, in any situation. A draft is its writer's alone."""
    changes = everywhere(cast)
    there = involved(changes.values()) & {*cast.people.values()}
    for who in sorted(there, key=lambda one: one.pk):
        for leaves in ways_to_leave(who):
            with transaction.atomic():
                leaves(who)
                for change, theirs in agree(changes.values()).items():
                    said = f"{who} has left ({leaves.__name__})", change.state, change
                    assert theirs or change.state in {State.DRAFT, *FINAL}, said
                    step = next_step(change).who
                    is_asked = step is not None and who in step.members()
                    if leaves is deactivate and change.state != State.DRAFT:
                        assert not is_asked, said
                transaction.set_rollback(True)


def ways_to_leave(who: User) -> list[Callable[[User], None]]:
    """Return how somebody can leave: with roles to lose, for another customer, for the first."""
    roles = [take_roles] if who.roles else []
    return [deactivate, *roles, go_over if who.is_internal else move]


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
