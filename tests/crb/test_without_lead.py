"""Chairs leave and go on holiday: whatever a board has open can still be ended by somebody."""

from collections.abc import Iterator
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
from crb import lifecycle, permissions, tasks
from crb.models import AgendaItem, Meeting, Membership
from crb.without_lead import without_lead
from tests.concurrently import at_once
from tests.crb.conftest import Table, seat
from tests.people import person

pytestmark = pytest.mark.django_db


def leave(table: Table) -> None:
    User.objects.filter(pk=table.chair.pk).update(is_active=False)


def lose_the_role(table: Table) -> None:
    table.chair.groups.clear()


def go_to_a_customer(table: Table) -> None:
    """With the role, as two administrators who save at once may leave it."""
    User.objects.filter(pk=table.chair.pk).update(organisation=table.cast.meridian)


def end_the_term(table: Table) -> None:
    Membership.objects.filter(user=table.chair).update(ends_on=table.board.today)


def go_on_holiday(table: Table) -> None:
    day, alternate = table.board.today, person("Al Ternate", Role.CRB_MEMBER)
    term = Membership.objects.get(user=table.chair)
    term.absences.create(
        starts_on=day + timedelta(days=1), ends_on=day + timedelta(days=30), alternate=alternate
    )


GOES = (leave, lose_the_role, go_to_a_customer, end_the_term, go_on_holiday)


@pytest.fixture
def alone(table: Table) -> Table:
    """A board whose chair has no deputy."""
    Membership.objects.filter(user=table.deputy).update(is_deputy=False)
    return table


def ballot(table: Table) -> Meeting:
    """An open ballot on whose only item everybody else has voted."""
    opened = lifecycle.open_ballot(
        table.board,
        actor=table.chair,
        changes=[table.change()],
        deadline=timezone.now() + timedelta(days=3),
        reason="Urgent.",
    )
    table.vote(opened.items.get(), "", *["accepted"] * 5)
    return opened


def running(table: Table) -> Meeting:
    """A meeting that the chair has opened and not closed."""
    return lifecycle.start_meeting(table.meeting(days=0), actor=table.chair)


def name_a_deputy(table: Table) -> User:
    Membership.objects.filter(user=table.members[2]).update(is_deputy=True)
    return table.members[2]


def fresh(meeting: Meeting) -> Meeting:
    return Meeting.objects.get(pk=meeting.pk)


def later(days: int) -> Any:
    return time_machine.travel(timezone.now() + timedelta(days=days), tick=False)


def each_way_to_go(table: Table) -> Iterator[str]:
    """The chair goes, in each way; what happened then is taken back. Yields the way."""
    for goes in GOES:
        with transaction.atomic():
            goes(table)
            yield goes.__name__
            transaction.set_rollback(True)


def test_a_ballot_is_settled_by_whoever_leads_the_board_then(alone: Table) -> None:
    opened = ballot(alone)
    for way in each_way_to_go(alone):
        with later(4):
            assert without_lead() == [opened], way
            deputy = name_a_deputy(alone)
            assert without_lead() == [], way
            assert permissions.can_extend_ballot(deputy, fresh(opened)), way
            item = AgendaItem.objects.get(meeting=opened)
            lifecycle.record_outcome(item, actor=deputy, outcome="accepted")
        assert fresh(opened).state == "closed", way


def test_a_running_meeting_does_not_block_those_to_come(alone: Table) -> None:
    old, following = running(alone), alone.meeting(days=14)
    for way in each_way_to_go(alone):
        with later(14):
            assert following in without_lead(), way
            deputy = name_a_deputy(alone)
            lifecycle.close_meeting(fresh(old), actor=deputy)
            assert lifecycle.start_meeting(fresh(following), actor=deputy).is_running, way


def test_a_chair_who_leaves_during_the_meeting_is_replaced_at_once(alone: Table) -> None:
    meeting = running(alone)
    leave(alone)
    assert without_lead() == [meeting]
    deputy = name_a_deputy(alone)
    lifecycle.close_meeting(fresh(meeting), actor=deputy)


def test_the_chair_of_today_cancels_a_meeting_without_one(alone: Table) -> None:
    Membership.objects.filter(user=alone.chair).update(ends_on=alone.board.today)
    meeting = alone.meeting(days=7)
    lifecycle.cancel_meeting(meeting, actor=alone.chair, reason="Nobody to lead it.")
    assert fresh(meeting).state == "cancelled"


def test_while_the_days_own_chair_is_there_nobody_else_leads(alone: Table) -> None:
    meeting = alone.meeting(days=7)
    day = meeting.date
    Membership.objects.filter(user=alone.chair).update(ends_on=day - timedelta(days=1))
    seat(alone.board, person("Nina New", Role.CRB_MEMBER), starts_on=day, is_chair=True)
    assert not permissions.can_cancel_meeting(alone.chair, fresh(meeting))


def test_home_tells_administrators_what_is_stuck(alone: Table, client: Client) -> None:
    opened = ballot(alone)
    leave(alone)
    for who, told in ((alone.cast.administrator, True), (alone.members[1], False)):
        client.force_login(who)
        page = client.get(reverse("changes:home")).content.decode()
        assert (str(opened) in page and "Name a chair or a deputy" in page) is told
    client.force_login(alone.cast.administrator)
    target = f"{reverse('admin:crb_membership_changelist')}?board__id__exact={alone.board.pk}"
    assert target in client.get(reverse("changes:home")).content.decode()
    assert client.get(target).status_code == 200


def told(alone: Table) -> list[str]:
    """What administrators were mailed about boards that nobody leads."""
    mails = Email.objects.filter(
        to=alone.cast.administrator.email, subject__contains="Nobody leads"
    )
    return [mail.message for mail in mails.order_by("pk")]


def test_administrators_are_mailed_once_what_is_stuck(alone: Table) -> None:
    opened, held = ballot(alone), running(alone)
    tasks.tell_of_missing_leads()
    assert told(alone) == []
    leave(alone)
    for _beat in range(2):
        tasks.tell_of_missing_leads()
    (mail,) = told(alone)
    assert str(opened) in mail and str(held) in mail
    assert reverse("admin:crb_membership_changelist") in mail
    assert not Email.objects.filter(to=alone.members[1].email, subject__contains="Nobody").exists()
    following = alone.meeting(days=7)
    tasks.tell_of_missing_leads()
    first, later_mail = told(alone)
    assert str(following) in later_mail and str(held) not in later_mail
    name_a_deputy(alone)
    tasks.tell_of_missing_leads()
    assert len(told(alone)) == 2


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_mail_once(alone: Table) -> None:
    running(alone)
    leave(alone)
    assert at_once(tasks.tell_of_missing_leads, tasks.tell_of_missing_leads) == [None, None]
    assert len(told(alone)) == 1
