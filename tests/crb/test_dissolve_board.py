"""A board that no longer meets strands nothing and stays in nobody's calendar."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from post_office.models import Email

from accounts.models import User
from crb import lifecycle, queries, tasks
from crb.models import AgendaItem, Board, Invitation, Meeting
from expansive_cm.workflow.errors import StepIllegal
from tests.crb.conftest import Table, new_board, seat
from tests.mailing import last_row

CANCELLED = "[Harbour's own] Cancelled"
pytestmark = pytest.mark.django_db


@pytest.fixture
def own(table: Table) -> Board:
    """The customer's own board; the table's is that of all others."""
    board = new_board(name="Harbour's own")
    board.organisations.add(table.cast.harbour)
    for user in table.members[:4]:
        seat(board, user, is_chair=user == table.chair)
    lifecycle.schedule_meetings(board)
    table.meeting(days=6)
    return board


def dissolve(board: Board, reason: str = "Merged with the general board.") -> None:
    """As the administrator's page does it, and beat after that, twice."""
    fresh = Board.objects.get(pk=board.pk)
    fresh.is_active, fresh._change_reason = False, reason
    fresh.save()
    for _run in range(2):
        tasks.fill_agendas()


def mails_to(user: User, since: int) -> list[Email]:
    return list(Email.objects.filter(to=user.email, pk__gt=since))


def open_item(change: object) -> AgendaItem:
    return AgendaItem.objects.get(change=change, state="open")


def test_its_changes_go_to_the_board_that_decides_now(table: Table, own: Board) -> None:
    change = table.change()
    tasks.fill_agendas()
    assert open_item(change).meeting.board == own
    dissolve(own)
    assert open_item(change).meeting.board == table.board
    assert not queries.boards_to_dissolve().exists()


def test_its_meetings_are_cancelled_and_leave_the_calendars(table: Table, own: Board) -> None:
    lifecycle.send_invitations(own)
    invited = Invitation.objects.filter(meeting__board=own, cancelled_at=None)
    number, since = invited.count(), last_row()
    assert number
    dissolve(own)
    assert not invited.exists()
    assert not own.meetings.filter(state="scheduled").exists()
    reasons = set(own.meetings.values_list("cancel_reason", flat=True))
    assert reasons == {"The board no longer meets: Merged with the general board."}
    mails = mails_to(table.members[1], since)
    assert len(mails) == number / 4
    assert {one.subject.rpartition(": ")[0] for one in mails} == {CANCELLED}


def test_an_open_ballot_ends_and_its_members_are_told(table: Table, own: Board) -> None:
    change = table.change()
    deadline = timezone.now() + timedelta(days=3)
    ballot = lifecycle.open_ballot(
        own, actor=table.chair, changes=[change], deadline=deadline, reason="Urgent."
    )
    since = last_row()
    dissolve(own)
    assert Meeting.objects.get(pk=ballot.pk).state == "closed"
    assert open_item(change).meeting.board == table.board
    assert any("The ballot was ended" in one.subject for one in mails_to(table.chair, since))
    fresh = Board.objects.get(pk=own.pk)
    with pytest.raises(StepIllegal, match="no longer meets"):
        lifecycle.open_ballot(
            fresh, actor=table.chair, changes=[change], deadline=deadline, reason="Urgent."
        )


def test_a_meeting_that_is_held_may_finish(table: Table, own: Board) -> None:
    change = table.change()
    tasks.fill_agendas()
    meeting = lifecycle.start_meeting(open_item(change).meeting, actor=table.chair)
    dissolve(own)
    item = open_item(change)
    assert item.meeting == meeting
    lifecycle.close_meeting(Meeting.objects.get(pk=meeting.pk), actor=table.chair)
    tasks.fill_agendas()
    assert open_item(change).meeting.board == table.board
    assert not own.meetings.filter(state="scheduled").exists()


def test_made_active_again_it_plans_its_days_anew(own: Board, client: Client) -> None:
    days = set(own.meetings.values_list("date", flat=True))
    dissolve(own)
    Board.objects.filter(pk=own.pk).update(is_active=True)
    lifecycle.schedule_meetings(own)
    assert set(own.meetings.filter(state="scheduled").values_list("date", flat=True)) == days
