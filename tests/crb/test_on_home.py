"""Home of a member: meetings, ballots, and minutes that wait, each where it is dealt with."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from crb import lifecycle, on_home
from crb.models import Absence, Meeting, Membership
from tests.crb.conftest import Table, new_board, seat


def ahead(user: User) -> list[tuple[str, str]]:
    fresh = User.objects.get(pk=user.pk)
    return [(one.title, one.note) for one in on_home.ahead(fresh)]


def test_a_member_finds_meetings_ballots_and_drafts_of_minutes(
    table: Table, client: Client
) -> None:
    member, chair, board = table.cast.crb_member, table.chair, table.board
    change = table.change("Rooms at night")
    ballot = lifecycle.open_ballot(
        board,
        actor=chair,
        changes=[change],
        deadline=timezone.now() + timedelta(days=3, minutes=1),
        reason="It is urgent.",
    )
    table.meeting(days=21)
    table.meeting(days=35)
    to_vote = "1 left for you to vote on"
    expected = [(f"Ballot of {board}", to_vote), (f"Next meeting of {board}", "")]
    assert ahead(member) == expected

    client.force_login(member)
    page = client.get("/").content.decode()
    assert ballot.get_absolute_url() in page and to_vote in page

    table.vote(ballot.items.get(), "", "accepted")
    assert ahead(member) == [(f"Ballot of {board}", ""), expected[1]]


def test_a_meeting_is_there_while_it_is_held_and_then_its_minutes_for_the_chair(
    table: Table,
) -> None:
    item = table.running_item()
    now = [(f"{table.board} meets now", "1 left for you to vote on")]
    assert ahead(table.cast.crb_member) == ahead(table.chair) == now
    lifecycle.defer_item(item, actor=table.chair, reason="Next time.")
    lifecycle.close_meeting(item.meeting, actor=table.chair)

    (draft,) = [title for title, _note in ahead(table.chair) if title.startswith("Minutes of ")]
    assert draft in [title for title, _note in ahead(table.deputy)]
    assert draft not in [title for title, _note in ahead(table.cast.crb_member)]
    closed = Meeting.objects.get(pk=item.meeting_id)
    lifecycle.publish_minutes(closed, actor=table.chair)
    assert draft not in [title for title, _note in ahead(table.chair)]


def test_however_many_meetings_come_before_its_end_a_ballot_is_there(table: Table) -> None:
    for days in range(1, 13):
        table.meeting(days=days)
    lifecycle.open_ballot(
        table.board,
        actor=table.chair,
        changes=[table.change("Rooms at night")],
        deadline=timezone.now() + timedelta(days=20, minutes=1),
        reason="It is urgent.",
    )
    titles = [title for title, _note in ahead(table.cast.crb_member)]
    assert titles == [f"Ballot of {table.board}", f"Next meeting of {table.board}"]


def test_a_board_that_meets_often_hides_no_other(table: Table) -> None:
    member, seldom = table.cast.crb_member, new_board(name="Board of the year")
    seat(seldom, member)
    for weeks in range(1, 27):
        table.meeting(days=7 * weeks)
    rare = Table(seldom, table.cast).meeting(days=200)
    titles = [f"Next meeting of {one}" for one in (table.board, rare.board)]
    assert ahead(member) == [(title, "") for title in titles]


def test_who_has_no_seat_that_day_finds_nothing(table: Table) -> None:
    meeting = table.meeting(days=21)
    member, other = table.cast.crb_member, table.cast.developer
    assert ahead(member)
    assert ahead(other) == []
    term = Membership.objects.get(board=table.board, user=member)
    Absence.objects.create(
        membership=term,
        starts_on=meeting.date,
        ends_on=meeting.date,
        alternate=table.chair,
    )
    assert ahead(member) == []
    member.groups.clear()
    assert ahead(member) == []


@pytest.mark.parametrize(("part", "queries"), [("crb_member", 2), ("support", 0)])
def test_it_costs_two_queries_for_members(table: Table, part: str, queries: int) -> None:
    user = User.objects.get(pk=table.cast.people[part].pk)
    user.has_role(Role.CRB_MEMBER)
    for days in (21, 35, 49):
        table.meeting(days=days)
    on_home.ahead(user)
    with CaptureQueriesContext(connection) as asked:
        on_home.ahead(user)
    assert len(asked) == queries
