"""Home and "Waiting on me" ask a member to vote as long as they may and have not."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle as change_lifecycle
from changes import queries as change_queries
from changes.models import Change
from changes.worklist import worklist
from crb import lifecycle, permissions
from crb.models import AgendaItem, Membership
from tests.crb.conftest import Table, new_board, seat
from tests.people import person

pytestmark = pytest.mark.django_db


def asked(table: Table, change: Change, *besides: User) -> set[User]:
    """Who of the members, and of some besides, is asked to vote on a change."""
    return asked_of([*table.members, *besides], change)


def asked_of(people: list[User], change: Change) -> set[User]:
    """Who of these is asked to vote on a change, on both pages alike."""
    found = set()
    for one in people:
        user = User.objects.get(pk=one.pk)
        listed = change_queries.waiting_on(user).filter(pk=change.pk).exists()
        groups = [group for group in worklist(user) if group.turn.url_name == "crb:board"]
        tasks = {task.change.pk for group in groups for task in group.tasks}
        assert (change.pk in tasks) is listed
        if listed:
            found.add(one)
    return found


def test_before_it_is_on_an_agenda_every_member_is_asked(table: Table) -> None:
    assert asked(table, table.change()) == set(table.members)


def test_who_has_voted_or_may_not_is_not_asked(table: Table) -> None:
    item = table.item()
    table.vote(item, "accepted", "recuse", "abstain")
    Change.objects.filter(pk=item.change_id).update(raised_by=table.members[4])
    found = asked(table, item.change)
    assert found == {table.members[3], *table.members[5:]}
    fresh = AgendaItem.objects.get(pk=item.pk)
    left = {one for one in table.members if permissions.can_cast_vote(one, fresh)}
    assert left - set(table.members[:3]) == found


def test_an_edit_asks_again(table: Table) -> None:
    item = table.item()
    table.vote(item, "accepted")
    assert asked_of(table.members[:2], item.change) == {table.members[1]}
    change_lifecycle.edit(
        Change.objects.get(pk=item.change_id), actor=table.cast.requester, description="At night."
    )
    assert asked_of(table.members[:2], item.change) == set(table.members[:2])


def test_the_alternate_is_asked_instead_of_the_member(table: Table) -> None:
    item, alternate = table.item(), person("Al Ternate", Role.CRB_MEMBER)
    own = Membership.objects.get(user=table.members[1])
    days = {"starts_on": item.meeting.date, "ends_on": item.meeting.date}
    lifecycle.record_absence(own, actor=own.user, alternate=alternate, **days)
    assert asked(table, item.change, alternate) == {*table.members, alternate} - {own.user}


def test_members_of_another_board_are_not_asked(table: Table) -> None:
    other = person("Otto Other", Role.CRB_MEMBER)
    seat(new_board(name="Another"), other)
    assert asked_of([table.chair, other], table.item().change) == {table.chair}


def test_after_the_deadline_of_a_ballot_only_who_records_it_is_asked(
    table: Table, client: Client
) -> None:
    change = table.change()
    deadline = timezone.now() + timedelta(days=3)
    lifecycle.open_ballot(
        table.board, actor=table.chair, changes=[change], deadline=deadline, reason="Urgent."
    )
    assert asked(table, change) == set(table.members)
    with time_machine.travel(deadline, tick=False):
        assert asked(table, change) == set()
        for who in table.members:
            client.force_login(who)
            page = client.get(reverse("changes:home")).content.decode()
            assert ("the outcome is to be recorded" in page) is (who in (table.chair, table.deputy))
