"""Meetings are kept planned three months ahead, whoever asks and however often."""

import threading
from datetime import UTC, date, datetime, time

import pytest
import time_machine
from django.db import connection, connections

from crb import lifecycle
from crb.models import AgendaItem, Board, Meeting
from tests.crb.conftest import Table, new_board

NOON = datetime(2026, 9, 28, 12, tzinfo=UTC)
"""A Monday; the board meets on Tuesdays, from 6 January 2026 every 14 days."""


def dates(board: Board, **filters: object) -> list[date]:
    meetings = board.meetings.filter(**filters).order_by("date")
    return list(meetings.values_list("date", flat=True))


@pytest.mark.django_db
def test_three_months_ahead_in_local_time() -> None:
    board = new_board()
    created = lifecycle.schedule_meetings(board, now=NOON)
    assert [f"{meeting.date} {meeting.starts_at:%H:%M}" for meeting in created] == [
        "2026-09-29 13:00",
        "2026-10-13 13:00",
        "2026-10-27 14:00",
        "2026-11-10 14:00",
        "2026-11-24 14:00",
        "2026-12-08 14:00",
        "2026-12-22 14:00",
    ]
    assert {(m.zone, m.start, m.state) for m in created} == {
        ("Europe/London", time(14), "scheduled")
    }


@pytest.mark.django_db
def test_running_it_again_changes_nothing() -> None:
    board = new_board()
    lifecycle.schedule_meetings(board, now=NOON)
    rows = list(Meeting.history.values_list("pk", flat=True))
    assert lifecycle.schedule_meetings(board, now=NOON) == []
    assert list(Meeting.history.values_list("pk", flat=True)) == rows


@pytest.mark.django_db
def test_after_downtime_only_what_is_to_come_is_planned() -> None:
    board = new_board()
    lifecycle.schedule_meetings(board, now=datetime(2026, 1, 1, tzinfo=UTC))
    lifecycle.schedule_meetings(board, now=NOON)
    assert len(dates(board, date__lt=date(2026, 4, 2))) == 7
    assert dates(board, date__gt=date(2026, 4, 2), date__lt=date(2026, 9, 28)) == []
    assert dates(board, date__gt=date(2026, 9, 28))[0] == date(2026, 9, 29)


@pytest.mark.django_db
def test_a_meeting_whose_time_has_passed_today_is_not_planned() -> None:
    board = new_board()
    lifecycle.schedule_meetings(board, now=datetime(2026, 9, 29, 13, 0, 1, tzinfo=UTC))
    assert dates(board)[0] == date(2026, 10, 13)


@pytest.mark.django_db
def test_a_holiday_moves_a_meeting_once() -> None:
    board = new_board(weekday=0, first_date=date(2026, 1, 12))
    for _again in range(2):
        lifecycle.schedule_meetings(board, now=NOON)
    moved = board.meetings.get(nominal_on=date(2026, 12, 28))
    assert (moved.date, moved.holiday) == (date(2026, 12, 29), "Boxing Day (observed)")


@pytest.mark.django_db
def test_a_cancelled_meeting_stays_cancelled(table: Table) -> None:
    first = lifecycle.schedule_meetings(table.board)[0]
    lifecycle.cancel_meeting(first, actor=table.chair, reason="Nobody is here.")
    assert lifecycle.schedule_meetings(table.board) == []


@pytest.mark.django_db
def test_another_rhythm_replans_the_future_and_keeps_the_items(table: Table) -> None:
    board = table.board
    meetings = lifecycle.schedule_meetings(board)
    item = table.item()
    assert item.meeting == meetings[0]
    board.weekday, board.start = 3, time(10)
    board.save()
    replanned = lifecycle.schedule_meetings(board)
    assert {meeting.date.weekday() for meeting in replanned} <= {0, 3, 4}
    assert not board.meetings.filter(state="scheduled", start=time(14)).exists()
    old = Meeting.objects.get(pk=meetings[0].pk)
    assert (old.state, old.cancel_reason) == ("cancelled", "The board's rhythm changed.")
    assert AgendaItem.objects.get(pk=item.pk).meeting == replanned[0]


@pytest.mark.django_db
def test_another_time_moves_the_meetings_and_their_moment() -> None:
    board = new_board()
    before = lifecycle.schedule_meetings(board, now=NOON)
    board.start, board.length_minutes = time(9, 30), 60
    board.save()
    assert lifecycle.schedule_meetings(board, now=NOON) == []
    fresh = Meeting.objects.get(pk=before[0].pk)
    assert (fresh.start, fresh.length_minutes, fresh.version) == (time(9, 30), 60, 2)
    assert fresh.starts_at == datetime(2026, 9, 29, 8, 30, tzinfo=UTC)


@pytest.mark.django_db
def test_a_resting_board_plans_nothing() -> None:
    assert lifecycle.schedule_meetings(new_board(is_active=False), now=NOON) == []


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_plan_each_meeting_once() -> None:
    board = new_board()
    barrier = threading.Barrier(2)
    made: list[int] = []

    def beat() -> None:
        try:
            barrier.wait(60)
            made.append(len(lifecycle.schedule_meetings(board, now=NOON)))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=beat) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(made) == [0, 7]
    assert board.meetings.count() == 7
    connection.close()


def change(board: Board, why: str, **fields: object) -> Board:
    """Change a board as its page does, with a reason."""
    fresh = Board.objects.get(pk=board.pk)
    for name, value in fields.items():
        setattr(fresh, name, value)
    fresh._change_reason = why
    fresh.save()
    return fresh


@pytest.mark.django_db
def test_a_meeting_that_the_chair_moved_stays_whatever_the_rhythm(table: Table) -> None:
    with time_machine.travel(NOON, tick=False):
        lifecycle.schedule_meetings(table.board)
        moved = table.board.meetings.get(date=date(2026, 10, 13))
        days = {"date": date(2026, 10, 14), "start": time(9), "length_minutes": 60}
        lifecycle.move_meeting(moved, actor=table.chair, reason="The room is taken.", **days)
        lifecycle.schedule_meetings(change(table.board, "Thursdays suit us.", weekday=3))
    moved.refresh_from_db(fields=["date", "start", "cancelled_at"])
    assert (moved.date, moved.start, moved.cancelled_at) == (days["date"], days["start"], None)


@pytest.mark.django_db
def test_nothing_is_planned_on_top_of_an_extraordinary_meeting(table: Table) -> None:
    with time_machine.travel(NOON, tick=False):
        lifecycle.schedule_meetings(table.board)
        days = {"date": date(2027, 1, 5), "start": time(14, 30), "length_minutes": 60}
        called = lifecycle.call_meeting(
            table.board, actor=table.chair, purpose="Before the year ends.", **days
        )
    with time_machine.travel(datetime(2026, 10, 28, 12, tzinfo=UTC), tick=False):
        lifecycle.schedule_meetings(table.board)
        assert dates(table.board, state="scheduled", date__gte=date(2026, 12, 29)) == [
            called.date,
            date(2027, 1, 19),
        ]
        lifecycle.cancel_meeting(called, actor=table.chair, reason="Not needed.")
        lifecycle.schedule_meetings(table.board)
    planned = table.board.meetings.filter(state="scheduled", date=called.date)
    assert [one.kind for one in planned] == ["regular"]


@pytest.mark.django_db
def test_a_new_time_does_not_put_a_meeting_on_top_of_another(table: Table) -> None:
    with time_machine.travel(NOON, tick=False):
        lifecycle.schedule_meetings(table.board)
        days = {"date": date(2026, 10, 13), "start": time(9), "length_minutes": 60}
        lifecycle.call_meeting(table.board, actor=table.chair, purpose="Urgent.", **days)
        lifecycle.schedule_meetings(change(table.board, "Mornings.", start=time(9, 30)))
    left = table.board.meetings.filter(state="scheduled", date=days["date"])
    assert [one.kind for one in left] == ["extraordinary"]


@pytest.mark.django_db
def test_the_reason_of_a_new_rhythm_is_told_whatever_is_saved_after_it() -> None:
    board = new_board()
    lifecycle.schedule_meetings(board, now=NOON)
    change(board, "Thursdays suit us.", weekday=3)
    lifecycle.schedule_meetings(change(board, "Two are enough.", quorum_count=2), now=NOON)
    reasons = set(board.meetings.filter(state="cancelled").values_list("cancel_reason", flat=True))
    assert reasons == {"The board's rhythm changed: Thursdays suit us."}
