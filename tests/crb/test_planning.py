"""The chair moves, calls and cancels meetings; the rhythm leaves alone what people have placed."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from post_office.models import Email

from crb import lifecycle, queries, tasks
from crb.models import AgendaItem, Invitation, Meeting
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests.concurrently import at_once
from tests.crb.conftest import Table
from tests.crb.test_invitations import files_to, forget, methods_to, parsed, sent
from tests.remembered import remembered

pytestmark = pytest.mark.django_db
SEPTEMBER = datetime(2026, 9, 28, 12, tzinfo=UTC)
THURSDAY = {"date": date(2026, 10, 15), "start": time(10), "length_minutes": 60}
REASON = {"reason": "The room is taken."}


@pytest.fixture(autouse=True)
def a_monday_in_september() -> Any:
    with time_machine.travel(SEPTEMBER, tick=False):
        yield


@pytest.fixture
def planned(table: Table) -> list[Meeting]:
    """The meetings of three months; the first two are on 29 September and 13 October."""
    return scheduled(table)


@remembered
def scheduled(table: Table) -> list[Meeting]:
    meetings = lifecycle.schedule_meetings(table.board)
    forget()
    return meetings


def days(table: Table) -> list[str]:
    found = table.board.meetings.order_by("starts_at")
    return [f"{one.date:%d %b} {one.start:%H:%M} {one.state}" for one in found]


# Moving


def test_a_moved_meeting_keeps_items_votes_and_its_place_in_the_rhythm(
    table: Table, planned: list[Meeting]
) -> None:
    item = table.item()
    table.vote(item, "accepted", "accepted")
    moved = lifecycle.move_meeting(
        planned[0], actor=table.deputy, **{**THURSDAY, "date": date(2026, 9, 30)}, **REASON
    )
    assert (moved.date, moved.start, moved.length_minutes) == (date(2026, 9, 30), time(10), 60)
    assert moved.starts_at == datetime(2026, 9, 30, 9, tzinfo=UTC)
    assert (moved.nominal_on, moved.move_reason, moved.sequence) == (
        date(2026, 9, 29),
        "The room is taken.",
        1,
    )
    item = AgendaItem.objects.get(pk=item.pk)
    assert (item.meeting, queries.tally_of(item).voted) == (moved, 2)
    entry = moved.history.first()
    assert (entry.history_user, entry.history_change_reason) == (
        table.deputy,
        "moved the meeting: The room is taken.",
    )


def test_everybody_invited_gets_the_new_time_with_the_reason(
    table: Table, planned: list[Meeting]
) -> None:
    lifecycle.move_meeting(planned[1], actor=table.chair, **THURSDAY, **REASON)
    assert len(sent()) == len(table.members)
    assert {subject for _who, subject in sent()} == {"Meeting moved to Thu 15 October 2026, 10:00"}
    row = Email.objects.get(to=table.cast.crb_member.email)
    for body in (row.message, row.html_message):
        assert "The room is taken." in body
        assert "Thursday 15 October 2026, 10:00–11:00 (Europe/London)" in body
    assert methods_to(table.chair) == [("REQUEST", 1)]
    assert parsed(files_to(table.chair)[0])[0] == datetime(2026, 10, 15, 9, tzinfo=UTC)


def test_the_rhythm_neither_plans_it_again_nor_moves_it_back(
    table: Table, planned: list[Meeting]
) -> None:
    lifecycle.move_meeting(planned[0], actor=table.chair, **THURSDAY, **REASON)
    before = days(table)
    assert lifecycle.schedule_meetings(table.board) == []
    with time_machine.travel(SEPTEMBER + timedelta(days=10)):
        lifecycle.schedule_meetings(table.board)
    assert days(table)[: len(before)] == before
    assert "15 Oct 10:00 scheduled" in before


def test_another_time_of_the_rhythm_leaves_a_moved_meeting_where_it_is(
    table: Table, planned: list[Meeting]
) -> None:
    lifecycle.move_meeting(planned[1], actor=table.chair, **THURSDAY, **REASON)
    table.board.start = time(9)
    table.board.save()
    lifecycle.schedule_meetings(table.board)
    assert days(table)[:3] == [
        "29 Sep 09:00 scheduled",
        "15 Oct 10:00 scheduled",
        "27 Oct 09:00 scheduled",
    ]


def test_a_new_member_of_a_moved_meeting_gets_one_invitation(
    table: Table, planned: list[Meeting]
) -> None:
    lifecycle.move_meeting(planned[1], actor=table.chair, **THURSDAY, **REASON)
    forget()
    Invitation.objects.filter(meeting=planned[1], user=table.chair).update(cancelled_at=SEPTEMBER)
    tasks.send_invitations()
    assert sent() == [("cora", "Meeting on Thu 15 October 2026, 10:00")]


IMPOSSIBLE: list[tuple[dict[str, Any], list[str], str]] = [
    ({"reason": "  "}, ["reason"], "Say why the meeting is moved."),
    ({"date": date(2026, 9, 28)}, ["date"], "That time has passed."),
    ({"date": date(2027, 12, 1)}, ["date"], "A meeting is planned at most a year ahead."),
    ({"date": date(9999, 12, 31)}, ["date"], "A meeting is planned at most a year ahead."),
    (
        {"date": date(2026, 10, 13), "start": time(14), "length_minutes": 90},
        ["date"],
        "That is when the meeting is planned already.",
    ),
    (
        {"date": date(2026, 9, 29), "start": time(15)},
        ["date"],
        "The board already meets then: on 29 September 2026 at 14:00.",
    ),
    (
        {"date": date(2027, 3, 28), "start": time(1, 30)},
        ["start"],
        "The clocks go forward then: there is no such time.",
    ),
]


def test_a_meeting_is_not_put_where_it_cannot_be(table: Table, planned: list[Meeting]) -> None:
    for fields, missing, sentence in IMPOSSIBLE:
        meeting = Meeting.objects.get(pk=planned[1].pk)
        with pytest.raises(StepIncomplete) as refusal:
            lifecycle.move_meeting(meeting, actor=table.chair, **{**THURSDAY, **REASON, **fields})
        assert (str(refusal.value), refusal.value.missing) == (sentence, missing)
        assert sent() == [], fields
        assert Meeting.objects.get(pk=meeting.pk).version == 1, fields


def test_meetings_may_follow_each_other_without_a_break(
    table: Table, planned: list[Meeting]
) -> None:
    after = {"date": date(2026, 9, 29), "start": time(15, 30), "length_minutes": 30}
    moved = lifecycle.move_meeting(planned[1], actor=table.chair, **after, **REASON)
    assert moved.starts_at == planned[0].ends_at


def test_a_meeting_that_has_begun_or_ended_is_not_moved(table: Table) -> None:
    running = lifecycle.start_meeting(table.meeting(days=0, start=time(16)), actor=table.chair)
    with pytest.raises(StepIllegal, match="already running"):
        lifecycle.move_meeting(running, actor=table.chair, **THURSDAY, **REASON)


def test_a_page_that_is_out_of_date_is_told_so(table: Table, planned: list[Meeting]) -> None:
    lifecycle.move_meeting(planned[1], actor=table.chair, seen=1, **THURSDAY, **REASON)
    with pytest.raises(ChangeStale):
        lifecycle.move_meeting(
            planned[1],
            actor=table.deputy,
            seen=1,
            **{**THURSDAY, "start": time(11)},
            **REASON,
        )


@pytest.mark.django_db(transaction=True)
def test_of_two_who_move_at_once_one_is_told(table: Table, planned: list[Meeting]) -> None:
    def move(who: Any, start: time) -> Any:
        return lambda: lifecycle.move_meeting(
            planned[1], actor=who, seen=1, **{**THURSDAY, "start": start}, **REASON
        )

    answers = at_once(move(table.chair, time(9)), move(table.deputy, time(11)))
    assert sorted(type(answer).__name__ for answer in answers) == ["ChangeStale", "Meeting"]
    assert len(sent()) == len(table.members)


@pytest.mark.django_db(transaction=True)
def test_two_meetings_moved_to_one_time_at_once(table: Table, planned: list[Meeting]) -> None:
    answers = at_once(
        *[
            lambda one=one: lifecycle.move_meeting(one, actor=table.chair, **THURSDAY, **REASON)
            for one in planned[:2]
        ]
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Meeting", "StepIncomplete"]


# Calling


def test_an_extraordinary_meeting_stands_beside_the_rhythm(
    table: Table, planned: list[Meeting]
) -> None:
    called = lifecycle.call_meeting(
        table.board, actor=table.chair, **THURSDAY, purpose="A fault at Harbour."
    )
    assert (called.kind, called.nominal_on, called.zone) == (
        "extraordinary",
        None,
        "Europe/London",
    )
    assert len(sent()) == len(table.members)
    row = Email.objects.get(to=table.chair.email)
    assert "> A fault at Harbour." in row.message
    before = days(table)
    assert lifecycle.schedule_meetings(table.board) == []
    assert days(table) == before


def test_another_rhythm_does_not_touch_it(table: Table, planned: list[Meeting]) -> None:
    called = lifecycle.call_meeting(
        table.board, actor=table.chair, **THURSDAY, purpose="A fault at Harbour."
    )
    table.board.weekday = 4
    table.board.save()
    lifecycle.schedule_meetings(table.board)
    called = Meeting.objects.get(pk=called.pk)
    assert (called.state, called.date, called.sequence) == ("scheduled", date(2026, 10, 15), 0)


def test_a_meeting_that_cannot_be_is_not_called(table: Table, planned: list[Meeting]) -> None:
    def call(**fields: Any) -> None:
        values = {"actor": table.chair, **THURSDAY, "purpose": "A fault.", **fields}
        lifecycle.call_meeting(table.board, **values)

    cases: list[tuple[dict[str, Any], str]] = [
        ({"purpose": " "}, "purpose"),
        ({"date": date(2026, 9, 1)}, "date"),
        ({"date": date(2026, 9, 29), "start": time(13, 30)}, "date"),
    ]
    for fields, missing in cases:
        with pytest.raises(StepIncomplete) as refusal:
            call(**fields)
        assert refusal.value.missing == [missing], fields
    with pytest.raises(StepForbidden, match="chair of the board and the deputy"):
        call(actor=table.cast.crb_member)
    type(table.board).objects.update(is_active=False)
    with pytest.raises(StepIllegal, match="no longer meets"):
        call()


# The rhythm changes


def test_meetings_that_follow_the_rhythm_tell_why(table: Table, planned: list[Meeting]) -> None:
    table.board.start = time(9)
    table.board._change_reason = "Mornings suit all."
    table.board.save()
    lifecycle.schedule_meetings(table.board)
    assert len(sent()) == 7 * len(table.members)
    row = Email.objects.filter(to=table.chair.email).earliest("pk")
    assert row.subject.endswith("Meeting moved to Tue 29 September 2026, 09:00")
    assert "> The board's rhythm changed: Mornings suit all." in row.message
    assert methods_to(table.chair) == [("REQUEST", 1)] * 7
    forget()
    lifecycle.schedule_meetings(table.board)
    assert sent() == []


def test_meetings_that_no_longer_fit_are_cancelled_and_new_ones_invited_to(
    table: Table, planned: list[Meeting]
) -> None:
    board = table.board
    board.weekday = 3
    board._change_reason = "Thursdays suit all."
    board.save()
    created = lifecycle.schedule_meetings(board)
    kinds = sorted(kind for kind, _number in methods_to(table.chair))
    assert kinds == ["CANCEL"] * 7 + ["REQUEST"] * len(created)
    old = Meeting.objects.get(pk=planned[0].pk)
    assert old.cancel_reason == "The board's rhythm changed: Thursdays suit all."


def test_a_reason_for_something_else_is_not_told(table: Table, planned: list[Meeting]) -> None:
    table.board.start = time(9)
    table.board.save()
    table.board.quorum_count = 4
    table.board._change_reason = "We have grown."
    table.board.save()
    lifecycle.schedule_meetings(table.board)
    row = Email.objects.filter(to=table.chair.email).earliest("pk")
    assert "> The board's rhythm changed.\n" in row.message


def test_past_running_closed_and_cancelled_meetings_are_never_touched(table: Table) -> None:
    board = table.board
    kept = [
        table.meeting(days=-20, nominal_on=date(2026, 9, 8)),
        table.meeting(days=-6, nominal_on=date(2026, 9, 22)),
        table.meeting(days=0, start=time(14), nominal_on=date(2026, 9, 28)),
        table.meeting(days=1, nominal_on=date(2026, 9, 29)),
    ]
    lifecycle.start_meeting(kept[0], actor=table.chair)
    lifecycle.close_meeting(kept[0], actor=table.chair)
    lifecycle.start_meeting(kept[2], actor=table.chair)
    lifecycle.cancel_meeting(kept[3], actor=table.chair, reason="Snow.")
    rows = [Meeting.history.filter(id=one.pk).count() for one in kept]
    board.weekday, board.start, board.interval_days = 4, time(8), 7
    board.save()
    lifecycle.schedule_meetings(board)
    assert [Meeting.history.filter(id=one.pk).count() for one in kept] == rows


def test_a_meeting_of_today_stays_when_its_new_time_has_passed(table: Table) -> None:
    with time_machine.travel(datetime(2026, 9, 29, 9, tzinfo=UTC), tick=False):
        meeting = lifecycle.schedule_meetings(table.board)[0]
        table.board.start = time(8)
        table.board.save()
        lifecycle.schedule_meetings(table.board)
    meeting = Meeting.objects.get(pk=meeting.pk)
    assert (meeting.state, meeting.start) == ("scheduled", time(14))


def test_after_four_hours_without_beat_one_pass_makes_up_for_all(
    table: Table, planned: list[Meeting]
) -> None:
    """A day becomes due, a member joins and a meeting passes while nobody runs the tasks."""
    morning = datetime(2026, 9, 29, 11, tzinfo=UTC)
    with time_machine.travel(morning, tick=False):
        tasks.schedule_meetings()
        table.board.interval_days = 7
        table.board.save()
    with time_machine.travel(morning + timedelta(hours=4), tick=False):
        for _again in range(2):
            tasks.schedule_meetings()
            tasks.send_invitations()
    assert len(days(table)) == 14
    assert days(table)[0] == "29 Sep 14:00 scheduled"
    assert len(sent()) == 7 * len(table.members)


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_tell_everybody_once(table: Table) -> None:
    at_once(tasks.schedule_meetings, tasks.schedule_meetings, tasks.send_invitations)
    assert len(sent()) == 7 * len(table.members)
    assert len(set(sent())) == len(sent())
