"""What one of the team sees through waits for them alone, and their colleagues get no mail of it.

Costs 2 s: one change in every situation, which other tests use too, with three owners.
"""

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle, link_mail, messages, permissions, queries, tasks
from changes.models import Change, MailEvent, Notice
from changes.states import State
from changes.turns import TURNS, groups
from tests import stories
from tests.mailing import worded
from tests.people import Cast, person
from tests.turns import by_worklist, everywhere

pytestmark = pytest.mark.xdist_group("everywhere")
THE_TEAMS = [number for number, turn in enumerate(TURNS) if turn.group is groups.UNCLAIMED_TEAM]

OF_WHO_LEFT = {"answer_question", "replace_requester"}
"""Steps that wait once somebody else has left: `test_nobody_stuck.py` has them."""


def team_of(cast: Cast) -> set[User]:
    return set(cast.care_team.members.filter(is_active=True, groups__name=Role.CUSTOMER_SUCCESS))


def test_the_turn_is_the_owners_and_the_teams_while_it_has_none(cast: Cast) -> None:
    """Theirs whoever owns it: nobody, one of them, or a developer, who is none of them."""
    changes = [one.pk for one in everywhere(cast).values()]
    team = team_of(cast)
    for owner in (None, cast.success, cast.developer):
        Change.objects.filter(pk__in=changes).update(owner=owner)
        asked = {owner} if owner in team else team

        told = {one: by_worklist(one) for one in team}
        seen = set()
        for change in queries.with_story(Change.objects.filter(pk__in=changes)):
            for number in THE_TEAMS:
                turn = TURNS[number]
                if turn.has_come(change):
                    about = (change, turn.verb, owner)
                    seen.add(turn.verb)
                    assert {one for one in team if (change.pk, number) in told[one]} == asked, about
                    assert set(turn.told(change)) == asked, about
                    for one in team:  # who stands in for a colleague is not held up
                        assert permissions.check(turn.verb, one, change), about
        assert seen == {TURNS[number].verb for number in THE_TEAMS} - OF_WHO_LEFT


@pytest.mark.parametrize("way", [stories.closed, stories.deployed], ids=["configuration", "code"])
def test_a_colleague_has_no_mail_of_what_another_sees_through(cast: Cast, way: object) -> None:
    colleague = person("Colleague", Role.CUSTOMER_SUCCESS)
    cast.care_team.members.add(colleague)

    change = way(cast)  # type: ignore[operator]

    assert change.owner == cast.success
    had = Notice.objects.filter(change=change, person=colleague)
    assert [one.event.verb for one in had if one.event] == ["submit"]
    with transaction.atomic():
        assert not any(messages.again(one) for one in had), "it is no more to be assessed"


def test_what_had_waited_for_the_team_is_told_to_who_took_it_alone(cast: Cast) -> None:
    colleague = person("Colleague", Role.CUSTOMER_SUCCESS)
    cast.care_team.members.add(colleague)
    change = stories.submitted(cast)
    waiting = Notice.objects.filter(change=change, message="your_turn")
    assert {one.person for one in waiting} == {cast.success, colleague}

    Change.objects.filter(pk=change.pk).update(owner=cast.success)

    still = [one.person for one in waiting if messages.again(one)]
    assert change.state == State.SUBMITTED
    assert still == [cast.success]


def test_what_leaves_the_hands_of_one_of_the_team_is_told_to_all_of_it(cast: Cast) -> None:
    colleague = person("Colleague", Role.CUSTOMER_SUCCESS)
    cast.care_team.members.add(colleague)
    change = stories.in_review(cast)
    theirs = Notice.objects.filter(change=change, person=colleague, message="your_turn")
    reviewing = theirs.filter(event__verb__in=("assess", "assign"))
    assert change.owner == cast.success and not reviewing.exists()

    lifecycle.assign(change, actor=cast.support, owner=cast.developer)
    assert messages.again(reviewing.get()), "only the one who gave it up had heard of it"

    lifecycle.assign(change, actor=cast.support, owner=cast.tester)
    assert reviewing.count() == 1, "and not told twice"
    lifecycle.assign(change, actor=cast.support, owner=cast.success)
    assert not messages.again(reviewing.get())


def test_mail_that_does_not_reach_who_sees_it_through_is_told_to_the_team(cast: Cast) -> None:
    colleague = person("Colleague", Role.CUSTOMER_SUCCESS)
    cast.care_team.members.add(colleague)
    change = stories.in_review(cast)
    kind, told = MailEvent.Kind.BOUNCED, Notice.objects.filter(message="undelivered")

    lifecycle.note_failure(None, cast.requester.email, kind, "No such user", change=change)
    assert [one.person for one in told] == [cast.success]

    lifecycle.note_failure(None, cast.success.email, kind, "No such user", change=change)
    assert [one.person for one in told.exclude(person=cast.success)] == [colleague]


def test_the_team_is_asked_while_mail_does_not_reach_who_sees_it_through(cast: Cast) -> None:
    colleague = person("Colleague", Role.CUSTOMER_SUCCESS)
    cast.care_team.members.add(colleague)
    planned, asked = stories.in_authorisation(cast), stories.in_confirmation(cast)
    User.objects.filter(pk=cast.success.pk).update(mail_failed_at=timezone.now())
    told = Notice.objects.filter(person=colleague)

    lifecycle.authorise(planned, actor=cast.approver, outcome="authorised", reason="Yes.")
    waits = told.get(change=planned, message="your_turn", event__verb="authorise")
    assert messages.again(waits), "it is to be planned"
    link_mail.escalate(Change.objects.get(pk=asked.pk).confirmation)
    lifecycle.answer_confirmation(asked, actor=cast.requester, confirmed=False, reason="No.")
    found = told.filter(change=asked).values_list("message", flat=True)
    assert {*found} >= {"escalation", "not_confirmed"}


@pytest.mark.parametrize("pace", ["at_once", "daily"])
def test_the_team_is_told_where_who_saw_it_through_left_it_before_their_mail(
    cast: Cast, pace: str
) -> None:
    """Once, and nobody who was told already; where they stay, they alone are."""
    colleague = person("Colleague", Role.CUSTOMER_SUCCESS)
    cast.care_team.members.add(colleague)
    User.objects.filter(pk=cast.success.pk).update(mail_pace=pace)
    change = stories.in_authorisation(cast)
    for leaves in (False, True):
        with transaction.atomic():
            lifecycle.authorise(change, actor=cast.approver, outcome="authorised", reason="Yes.")
            turn = Notice.objects.filter(
                change=change, message="your_turn", event__verb="authorise"
            )
            assert [one.person for one in turn] == [cast.success]
            if leaves:
                cast.care_team.members.remove(cast.success)
            for _again in range(2):
                worded()
                with time_machine.travel(timezone.now() + timedelta(days=1, hours=1)):
                    tasks.send_digests()
            told = {one.person for one in turn.exclude(email=None).filter(email__expires_at=None)}
            assert told == ({colleague} if leaves else {cast.success})
            assert turn.filter(person=colleague).count() == leaves
            transaction.set_rollback(True)


def test_the_team_is_told_where_who_saw_it_through_is_no_colleague_any_more(cast: Cast) -> None:
    """Whoever has left reads no summary, which is when it would have been found."""
    colleague = person("Colleague", Role.CUSTOMER_SUCCESS)
    cast.care_team.members.add(colleague)
    User.objects.filter(pk=cast.success.pk).update(mail_pace="daily")
    change = stories.in_authorisation(cast)
    lifecycle.authorise(change, actor=cast.approver, outcome="authorised", reason="Yes.")
    User.objects.filter(pk=cast.success.pk).update(is_active=False)
    turn = Notice.objects.filter(change=change, message="your_turn", event__verb="authorise")
    for _again in range(2):
        with time_machine.travel(timezone.now() + timedelta(days=1, hours=1)):
            tasks.send_digests()
        assert [one.person for one in turn.exclude(email=None)] == [colleague]
    assert not turn.filter(is_for_digest=True)
