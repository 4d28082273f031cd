"""A customer gets another board while their change is with the first, wherever it is there.

Costs 6 s.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.roles import Role
from changes.models import Change
from crb import lifecycle, permissions, tasks
from crb.models import AgendaItem, Board, Meeting
from expansive_cm.workflow.errors import StepForbidden, StepIllegal
from tests.crb.conftest import Table, new_board, seat
from tests.crb.test_deciding import whose_turn
from tests.people import person

pytestmark = pytest.mark.django_db


def own_board(table: Table) -> Board:
    """The customer's own, of other people and one who sits on both; it meets sooner."""
    board = new_board(name="Harbour's own")
    board.organisations.add(table.cast.harbour)
    seat(board, person("Owen Own", Role.CRB_MEMBER), is_chair=True)
    for name in ("Olga Own", "Oda Own"):
        seat(board, person(name, Role.CRB_MEMBER))
    seat(board, table.members[1])
    Meeting.objects.create(
        board=board,
        zone=board.zone,
        length_minutes=60,
        date=board.today + timedelta(days=5),
        start=board.start,
    )
    return board


def planned(table: Table) -> AgendaItem:
    item = table.item()
    lifecycle.plan_item(
        item, actor=table.chair, presenter=table.cast.support, time_box=10, notes="Mind the price."
    )
    return AgendaItem.objects.get(pk=item.pk)


def on_the_agenda(table: Table) -> AgendaItem:
    return planned(table)


def published(table: Table) -> AgendaItem:
    item = planned(table)
    lifecycle.publish_agenda(item.meeting, actor=table.chair)
    return item


def under_discussion(table: Table) -> AgendaItem:
    item = planned(table)
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    lifecycle.go_to_item(item.meeting, actor=table.chair, item=item)
    return item


def in_a_ballot(table: Table) -> AgendaItem:
    item = planned(table)
    deadline = timezone.now() + timedelta(days=3)
    lifecycle.open_ballot(
        table.board, actor=table.chair, changes=[item.change], deadline=deadline, reason="Urgent."
    )
    return item


def deferred(table: Table) -> AgendaItem:
    item = under_discussion(table)
    lifecycle.defer_item(item, actor=table.chair, reason="The price is open.")
    return item


PLACES = [on_the_agenda, published, under_discussion, in_a_ballot, deferred]


@pytest.mark.parametrize("place", PLACES)
def test_the_change_goes_to_the_board_that_decides_now(
    table: Table, client: Client, place: Callable[[Table], AgendaItem]
) -> None:
    item = place(table)
    fresh = AgendaItem.objects.get(pk=item.pk)
    if fresh.state == "open":
        table.vote(fresh, "accepted", "recuse", "accepted", "accepted")
    board = own_board(table)
    change = Change.objects.get(pk=item.change_id)
    whose_turn(change)  # in between, everything says the same as well
    for _beat in range(2):
        tasks.fill_agendas()
        tasks.settle_ballots()
    moved = AgendaItem.objects.get(change=change, state="open")
    assert moved.meeting.board == board
    assert not moved.votes.exists(), "the votes of others decide nothing here"
    expected = {one.user for one in board.seats_today}
    if fresh.state == "open":
        expected.discard(table.members[1])  # recused once is recused
    assert whose_turn(change) == expected
    # Nobody of the former board decides on it, and its pages stand.
    old = AgendaItem.objects.get(pk=item.pk)
    assert old.state in ("dropped", "deferred")
    with pytest.raises(StepIllegal):
        lifecycle.record_outcome(old, actor=table.chair, outcome="accepted")
    with pytest.raises(StepForbidden):
        lifecycle.record_outcome(moved, actor=table.chair, outcome="accepted")
    assert not permissions.can_cast_vote(table.members[3], moved)
    client.force_login(table.chair)
    assert client.get(old.meeting.get_absolute_url()).status_code == 200
    # What was written for the speaker there is not for others.
    assert old.notes == "Mind the price."
    assert moved.notes == ""
    [chair_there], on_both = moved.meeting.led_by.values(), table.members[1]
    for who in (chair_there, on_both, table.cast.support):
        client.force_login(who)
        assert "Mind the price" not in client.get(change.get_absolute_url()).content.decode()
    # What remains there can be ended.
    if old.meeting.is_running and not old.meeting.is_ballot:
        lifecycle.close_meeting(Meeting.objects.get(pk=old.meeting_id), actor=table.chair)
    assert not Meeting.objects.filter(board=table.board, state="running").exists()


@pytest.mark.parametrize("place", [on_the_agenda, published, in_a_ballot])
def test_in_the_minute_before_the_former_board_takes_nothing_up_anew(
    table: Table, place: Callable[[Table], AgendaItem]
) -> None:
    item = place(table)
    own_board(table)
    change = Change.objects.get(pk=item.change_id)
    deadline = timezone.now() + timedelta(days=3)
    with pytest.raises(StepIllegal):
        lifecycle.open_ballot(
            table.board, actor=table.chair, changes=[change], deadline=deadline, reason="Quick."
        )
