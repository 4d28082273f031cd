"""Who sat at a meeting is kept: what is closed reads the same whatever becomes of them."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from crb import lifecycle, permissions, queries
from crb.minutes import compose
from crb.models import AgendaItem, Meeting, Membership
from tests.crb.conftest import Table, seat
from tests.people import person

pytestmark = pytest.mark.django_db


def leave(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def lose_the_role(user: User) -> None:
    user.groups.remove(Group.objects.get(name=Role.CRB_MEMBER))


def end_the_term(user: User) -> None:
    term = Membership.objects.get(user=user)
    Membership.objects.filter(pk=term.pk).update(ends_on=term.board.today - timedelta(days=1))


def resign_as_chair_or_deputy(user: User) -> None:
    Membership.objects.filter(user=user).update(is_chair=False, is_deputy=False)


def give_the_seat_away(user: User) -> None:
    """As if an absence had been recorded behind everybody's back."""
    term, alternate = Membership.objects.get(user=user), person("Al Ternate", Role.CRB_MEMBER)
    today = term.board.today
    term.absences.create(starts_on=today, ends_on=today, alternate=alternate)


def seat_somebody_else(user: User) -> None:
    seat(Membership.objects.get(user=user).board, person("Nina New", Role.CRB_MEMBER))


WHAT_HAPPENS = (
    leave,
    lose_the_role,
    end_the_term,
    give_the_seat_away,
    seat_somebody_else,
    resign_as_chair_or_deputy,
)


@pytest.fixture
def closed(table: Table) -> Meeting:
    """A meeting with a decided and a deferred item; one member neither came nor voted."""
    table.meeting(days=0)
    decided, deferred = table.item("Decided"), table.item("Deferred")
    lifecycle.start_meeting(decided.meeting, actor=table.chair)
    table.vote(decided, *["accepted"] * 5)
    table.vote(deferred, *["accepted"] * 3, "rejected")
    fresh = AgendaItem.objects.get(pk=decided.pk)
    lifecycle.record_outcome(fresh, actor=table.chair, outcome="accepted")
    lifecycle.close_meeting(Meeting.objects.get(pk=decided.meeting_id), actor=table.chair)
    return Meeting.objects.get(pk=decided.meeting_id)


def words(markup: str) -> str:
    """What a page says, without its markup and secrets."""
    return " ".join(re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<script.*?</script>", "", markup)).split())


def told(meeting: Meeting, reader: User) -> list[object]:
    """Everything that is said of a closed meeting."""
    client = Client()
    client.force_login(reader)
    page = reverse("crb:meeting", args=[meeting.pk])
    texts = [
        words(client.get(page, {"item": item.pk}).content.decode())
        for item in meeting.items.order_by("pk")
    ]
    again = Meeting.objects.get(pk=meeting.pk)
    tallies = [queries.tally_of(item) for item in queries.agenda_of(again)]
    return [*texts, tallies, compose(again)]


def test_a_closed_meeting_says_the_same_for_ever(table: Table, closed: Meeting) -> None:
    before = told(closed, table.cast.auditor)
    for member, happens in zip(table.members[1:], WHAT_HAPPENS, strict=True):
        happens(member)
        assert told(closed, table.cast.auditor) == before, happens


@pytest.mark.parametrize("happens", [leave, lose_the_role])
def test_who_has_left_keeps_the_seat_and_no_right(
    table: Table, happens: Callable[[User], None]
) -> None:
    item = table.running_item()
    member = table.members[1]
    happens(member)
    meeting, user = Meeting.objects.get(pk=item.meeting_id), User.objects.get(pk=member.pk)
    assert meeting.seat_of(user) is not None
    assert not permissions.can_cast_vote(user, AgendaItem.objects.get(pk=item.pk))
    assert not permissions.can_join_meeting(user, meeting)
    assert not permissions.may_see_votes(user, meeting)


def test_a_ballot_keeps_its_seats_when_it_closes(table: Table) -> None:
    change = table.change()
    days = {"deadline": table.meeting(days=3).starts_at, "reason": "Urgent."}
    ballot = lifecycle.open_ballot(table.board, actor=table.chair, changes=[change], **days)
    leave(table.members[1])
    item = ballot.items.get()
    table.vote(item, "accepted", "", *["accepted"] * 4)
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    leave(table.members[2])
    seats = {one.user for one in Meeting.objects.get(pk=ballot.pk).members}
    assert seats == set(table.members) - {table.members[1]}
