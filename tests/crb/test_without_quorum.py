"""A board whose members leave or stand aside, until too few can vote: administrators hear of it.

Costs 3 s.
"""

import random
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from post_office.models import Email

from accounts.models import User
from accounts.roles import Role
from changes.models import Change
from crb import lifecycle, tasks, without_quorum
from crb.models import AgendaItem, Board, Meeting, Membership
from crb.without_lead import held_or_soon, these_days
from expansive_cm.statements import ObjectStatement
from tests.concurrently import at_once
from tests.crb.conftest import Table, seat
from tests.people import person

pytestmark = pytest.mark.django_db


def leave(*people: User) -> None:
    User.objects.filter(pk__in=[one.pk for one in people]).update(is_active=False)


def said() -> list[str]:
    return [one.sentence for one in without_quorum.without_quorum()]


def sentence(meeting: Meeting, able: int, on: str = "") -> str:
    return f"“{meeting}” cannot decide{on}: quorum is 3 votes, {able} can vote."


def stand_in(table: Table, member: User) -> User:
    """Somebody stands in for a member for a month."""
    alternate, today = person(f"Al for {member}", Role.CRB_MEMBER), table.board.today
    Membership.objects.get(user=member).absences.create(
        starts_on=today, ends_on=today + timedelta(days=30), alternate=alternate
    )
    return alternate


def test_too_few_are_left_for_a_meeting_to_come(table: Table) -> None:
    meeting = table.meeting()
    leave(*table.members[3:])
    assert said() == []
    table.members[2].groups.clear()
    assert said() == [sentence(meeting, 2)]
    stand_in(table, table.members[2])
    assert said() == []


def test_what_is_far_away_or_over_is_not_told(table: Table) -> None:
    table.meeting(days=30)
    deadline = timezone.now() + timedelta(days=3)
    ballot = lifecycle.open_ballot(
        table.board,
        actor=table.chair,
        changes=[table.change()],
        deadline=deadline,
        reason="Urgent.",
    )
    leave(*table.members[2:])
    assert said() == [sentence(ballot, 2)]
    with time_machine.travel(deadline, tick=False):
        assert said() == []


def test_those_who_left_a_running_meeting_have_voted_or_cannot(table: Table) -> None:
    first, second = table.running_item("First"), table.running_item("Second")
    table.vote(first, "accepted", "accepted")
    leave(*table.members[:5])
    assert said() == [
        sentence(second.meeting, 2, f" on {second.change.reference}").replace("3 votes", "4 votes")
    ]


def test_the_items_of_which_too_many_stand_aside_are_named(table: Table) -> None:
    first, second = table.item("First"), table.item("Second")
    table.vote(first, *["recuse"] * 4)
    assert said() == []
    Change.objects.filter(pk=first.change_id).update(raised_by=table.members[4])
    reference = first.change.reference
    assert said() == [sentence(second.meeting, 2, f" on {reference}")]


def test_no_meeting_is_overlooked_whatever_becomes_of_its_members(table: Table) -> None:
    """The query that says which meetings to count leaves out none that cannot decide."""
    dice, found = random.Random(12), 0
    Board.objects.update(quorum_count=5)
    items = [table.item("First"), table.item("Second"), table.running_item("Third")]
    deadline = timezone.now() + timedelta(days=3)
    lifecycle.open_ballot(
        table.board, actor=table.chair, changes=[table.change()], deadline=deadline, reason="Now."
    )
    table.meeting(days=3)
    items += AgendaItem.objects.exclude(pk__in=[one.pk for one in items])
    for _throw in range(12):
        with transaction.atomic():
            for who in dice.sample(table.members, 5):
                match dice.choice(["leaves", "stands in", "recused", "asked", "term"]):
                    case "leaves":
                        leave(who)
                    case "stands in":
                        stand_in(table, who)
                    case "recused":
                        item = dice.choice(items)
                        item.votes.create(member=who, choice="recuse", reason="Mine.", revision=1)
                    case "asked":
                        change = dice.choice(items).change_id
                        Change.objects.filter(pk=change).update(raised_by=who)
                    case "term":
                        Membership.objects.filter(user=who).update(ends_on=table.board.today)
            meetings = ObjectStatement(held_or_soon).objects(**these_days())
            all_of_them = [without_quorum._of(one) for one in meetings]
            expected = [one.sentence for one in all_of_them if one is not None]
            assert said() == expected
            found += len(expected)
            transaction.set_rollback(True)
    assert found > 9, found


def test_where_all_can_vote_it_costs_one_query(
    table: Table, django_assert_num_queries: Any
) -> None:
    table.item()
    with django_assert_num_queries(1):
        assert said() == []


def test_administrators_read_it_on_home(table: Table, client: Client) -> None:
    meeting = table.meeting()
    leave(*table.members[2:])
    target = f"{reverse('admin:crb_membership_changelist')}?board__id__exact={table.board.pk}"
    for who, told in ((table.cast.administrator, True), (table.chair, False)):
        client.force_login(who)
        page = client.get(reverse("changes:home")).content.decode()
        assert (sentence(meeting, 2) in page) is told
        assert (target in page) is told


def told(table: Table) -> list[str]:
    mails = Email.objects.filter(
        to=table.cast.administrator.email, subject__contains="The board cannot decide"
    )
    return [mail.message for mail in mails.order_by("pk")]


def test_administrators_are_mailed_once_a_meeting(table: Table) -> None:
    meeting = table.meeting()
    tasks.tell_of_missing_leads()
    assert told(table) == []
    leave(*table.members[2:])
    for _beat in range(2):
        tasks.tell_of_missing_leads()
    (mail,) = told(table)
    assert sentence(meeting, 2) in mail
    following = table.meeting(days=9)
    tasks.tell_of_missing_leads()
    _first, later = told(table)
    assert str(following) in later and str(meeting) not in later
    seat(table.board, person("Nina New", Role.CRB_MEMBER))
    tasks.tell_of_missing_leads()
    assert said() == [] and len(told(table)) == 2


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_mail_once(table: Table) -> None:
    table.meeting()
    leave(*table.members[2:])
    assert at_once(tasks.tell_of_missing_leads, tasks.tell_of_missing_leads) == [None, None]
    assert len(told(table)) == 1
