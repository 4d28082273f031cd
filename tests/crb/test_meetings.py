"""Meetings: opened, joined, closed and cancelled."""

import pytest
from django.db import DatabaseError, transaction

from crb import lifecycle, queries
from crb.models import AgendaItem, Attendance, Meeting
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests.crb.conftest import Table

pytestmark = pytest.mark.django_db


def test_the_chair_opens_a_meeting_and_is_present(table: Table) -> None:
    meeting = lifecycle.start_meeting(table.meeting(), actor=table.chair)
    assert (meeting.state, meeting.started_at is not None) == ("running", True)
    assert [one.user for one in meeting.attendances.all()] == [table.chair]
    entry = meeting.history.first()
    assert (entry.history_user, entry.history_change_reason) == (
        table.chair,
        "opened the meeting",
    )


def test_one_meeting_runs_at_a_time(table: Table) -> None:
    first, second = table.meeting(days=1), table.meeting(days=15)
    lifecycle.start_meeting(first, actor=table.chair)
    with pytest.raises(StepIllegal, match="Another meeting is still running"):
        lifecycle.start_meeting(second, actor=table.chair)


def test_joining_twice_is_recorded_once(table: Table) -> None:
    meeting = lifecycle.start_meeting(table.meeting(), actor=table.chair)
    for _again in range(2):
        lifecycle.join_meeting(meeting, actor=table.cast.crb_member)
    assert Attendance.objects.filter(user=table.cast.crb_member).count() == 1


def test_voting_in_a_running_meeting_is_attending_it(table: Table) -> None:
    item = table.running_item()
    table.vote(item, "", "accepted")
    present = {one.user for one in item.meeting.attendances.all()}
    assert present == {table.chair, table.cast.crb_member}


def test_closing_defers_what_is_undecided_to_the_next_meeting(table: Table) -> None:
    item = table.running_item()
    following = table.meeting(days=21)
    table.vote(item, *["accepted"] * 3)
    closed = lifecycle.close_meeting(item.meeting, actor=table.chair)
    assert closed.state == "closed"
    old = AgendaItem.objects.get(pk=item.pk)
    assert (old.state, old.remark) == ("deferred", "Not decided in this meeting.")
    new = AgendaItem.objects.get(change=item.change, state="open")
    assert (new.meeting, new.kind) == (following, "carried")
    assert queries.tally_of(new).voted == 0


def test_recusals_follow_the_change_to_the_next_meeting(table: Table) -> None:
    item = table.running_item()
    table.meeting(days=21)
    table.vote(item, "accepted", "recuse")
    lifecycle.close_meeting(item.meeting, actor=table.chair)
    new = AgendaItem.objects.get(change=item.change, state="open")
    assert queries.tally_of(new).recused == {table.cast.crb_member.pk}
    with pytest.raises(StepForbidden, match="You recused yourself"):
        table.vote(new, "", "accepted")


def test_a_closed_meeting_without_a_successor_leaves_the_change_waiting(table: Table) -> None:
    item = table.running_item()
    lifecycle.close_meeting(item.meeting, actor=table.chair)
    assert list(queries.waiting_for(table.board)) == [item.change]
    following = table.meeting(days=21)
    lifecycle.fill_agenda(table.board)
    assert following.items.get().change == item.change


def test_cancelling_needs_a_reason(table: Table) -> None:
    meeting = table.meeting()
    with pytest.raises(StepIncomplete):
        lifecycle.cancel_meeting(meeting, actor=table.chair, reason="  ")
    assert Meeting.objects.get(pk=meeting.pk).state == "scheduled"


def test_cancelling_moves_the_items_with_their_votes(table: Table) -> None:
    item = table.item()
    following = table.meeting(days=21)
    table.vote(item, "accepted", "accepted")
    cancelled = lifecycle.cancel_meeting(item.meeting, actor=table.deputy, reason="Snow.")
    assert (cancelled.state, cancelled.cancel_reason) == ("cancelled", "Snow.")
    item = AgendaItem.objects.get(pk=item.pk)
    assert (item.meeting, item.state) == (following, "open")
    assert queries.tally_of(item).voted == 2


def test_items_of_a_cancelled_meeting_wait_for_the_next_to_be_planned(table: Table) -> None:
    item = table.item()
    lifecycle.cancel_meeting(item.meeting, actor=table.chair, reason="Snow.")
    lifecycle.schedule_meetings(table.board)
    item = AgendaItem.objects.get(pk=item.pk)
    assert item.meeting.state == "scheduled"


def test_a_page_that_is_out_of_date_is_told_so(table: Table) -> None:
    meeting = table.meeting()
    lifecycle.start_meeting(meeting, actor=table.chair, seen=1)
    with pytest.raises(ChangeStale, match="It is now: running"):
        lifecycle.start_meeting(meeting, actor=table.deputy, seen=1)


# The database holds the same rules


def refused(sql: str, *values: object) -> bool:
    from django.db import connection

    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)
    except DatabaseError:
        return True
    return False


def test_the_database_refuses_illegal_moves(table: Table) -> None:
    item = table.item()
    meeting = item.meeting
    assert refused("UPDATE crb_meeting SET state = 'closed' WHERE id = %s", meeting.pk)
    assert refused("DELETE FROM crb_meeting WHERE id = %s", meeting.pk)
    assert refused("DELETE FROM crb_agendaitem WHERE id = %s", item.pk)
    lifecycle.start_meeting(meeting, actor=table.chair)
    assert refused("UPDATE crb_meeting SET state = 'scheduled' WHERE id = %s", meeting.pk)


def test_the_database_refuses_to_rewrite_votes_attendance_and_history(table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["accepted"] * 4)
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    for name in ("vote", "attendance", "boardoutcome"):
        assert refused(f"UPDATE crb_{name} SET id = id + 1000")
        assert refused(f"DELETE FROM crb_{name}")
    for name in ("agendaitem", "board", "meeting", "membership"):
        assert refused(f"UPDATE crb_historical{name} SET history_change_reason = 'x'")
        assert refused(f"DELETE FROM crb_historical{name}")


def test_the_database_allows_one_open_item_per_change(table: Table) -> None:
    item = table.item()
    with pytest.raises(DatabaseError), transaction.atomic():
        AgendaItem.objects.create(change=item.change, meeting=item.meeting, position=9, kind="new")


def test_the_state_cannot_be_assigned(table: Table) -> None:
    meeting = Meeting.objects.get(pk=table.meeting().pk)
    with pytest.raises(AttributeError):
        meeting.state = "closed"
