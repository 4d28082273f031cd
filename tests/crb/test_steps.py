"""Every step of a board has one shape and leaves an event that says so. About 4 s."""

import ast
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

import crb.lifecycle
from crb import lifecycle
from crb.models import AgendaItem, BoardEvent, Membership
from crb.process import PAST
from expansive_cm.workflow.errors import StepError
from tests.crb.conftest import Table
from tests.remembered import remembered

pytestmark = pytest.mark.django_db
FOLDER = Path(crb.lifecycle.__file__).parent
PLAIN = {("agenda.py", "_join"), ("preview.py", "preview_outcome")}
"""A savepoint for one bad row, and what is undone again."""
OF_THE_PRODUCT = set(
    "fill_agenda follow_departure settle_finished_order settle_ballot dissolve_board _tell "
    "send_invitations remind_of_action schedule_meetings hand_over_actions note_decline "
    "record_and_go_on".split()
)
"""What time or another step brings about; whoever hands over takes a step for each action, and
who records and goes on takes two."""


def calls() -> dict[str, set[tuple[str, str, str]]]:
    """Return each opening of a transaction in the lifecycle: file, function, first argument."""
    found: dict[str, set[tuple[str, str, str]]] = {}
    for file in FOLDER.glob("*.py"):
        tree = ast.parse(file.read_text())
        for function in (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)):
            for call in (one for one in ast.walk(function) if isinstance(one, ast.Call)):
                name = ast.unparse(call.func).split(".")[-1]
                first = call.args[0] if call.args else None
                verb = first.value if isinstance(first, ast.Constant) else ""
                found.setdefault(name, set()).add((file.name, function.name, str(verb)))
    return found


def test_no_transaction_is_written_by_hand() -> None:
    opened = calls()
    assert {one[:2] for one in opened["atomic"]} == PLAIN
    assert {name for _file, name, _ in opened["acting"]} == OF_THE_PRODUCT
    assert "commit" not in opened and "savepoint" not in opened


def test_every_step_has_words_and_every_word_is_a_steps() -> None:
    opened = calls()
    taken = {verb for _file, _name, verb in opened["take_step"] | opened["record_event"]}
    assert taken == set(PAST)


def told(**wanted: Any) -> list[tuple[str, ...]]:
    """Return the events: who did what, on what, and where it led."""
    return [
        (
            one.verb,
            one.actor_name,
            f"{one.from_state}>{one.to_state}",
            "".join(sign for sign in ("board", "meeting", "item") if getattr(one, f"{sign}_id")),
            one.reason,
        )
        for one in BoardEvent.objects.filter(**wanted).order_by("pk")
    ]


@remembered
def from_plan_to_minutes(table: Table) -> AgendaItem:
    """An item of a meeting that was planned, held, and written down."""
    item = table.item()
    chair, meeting = table.chair, item.meeting
    lifecycle.plan_item(item, actor=chair, notes="heron in the notes")
    lifecycle.start_meeting(meeting, actor=chair)
    for member in table.members[1:4]:
        lifecycle.cast_vote(item, actor=member, choice="accepted", reason="otter in a reason")
    lifecycle.recuse(item, actor=table.members[4], reason="otter in a recusal")
    lifecycle.record_outcome(item, actor=chair, outcome="accepted", reason="It helps.")
    lifecycle.close_meeting(meeting, actor=chair)
    lifecycle.write_minutes(meeting, actor=chair, text="All went well.")
    return AgendaItem.objects.get(pk=item.pk)


@pytest.fixture
def story(table: Table) -> AgendaItem:
    return from_plan_to_minutes(table)


def test_a_meeting_told_by_its_events(table: Table, story: AgendaItem) -> None:
    chair = str(table.chair)
    names = [str(one) for one in table.members]
    votes = [("cast_vote", name, "open>open", "boardmeetingitem", "") for name in names[1:5]]
    assert told(meeting=story.meeting) == [
        ("plan_item", chair, "open>open", "boardmeetingitem", ""),
        ("start_meeting", chair, "scheduled>running", "boardmeeting", ""),
        *votes,
        ("record_outcome", chair, "open>decided", "boardmeetingitem", "It helps."),
        ("close_meeting", chair, "running>closed", "boardmeeting", ""),
        ("write_minutes", chair, "closed>closed", "boardmeeting", ""),
    ]


def test_of_a_vote_it_says_only_that_it_was_cast(table: Table, story: AgendaItem) -> None:
    """Neither for what nor why, and a recusal is a vote like any other; no notes either."""
    of_votes = BoardEvent.objects.filter(verb="cast_vote").values()
    kept = {"id", "at", "actor_id", "actor_name", "actor_email"}
    assert len({tuple((k, v) for k, v in one.items() if k not in kept) for one in of_votes}) == 1
    everything = str(list(BoardEvent.objects.values()))
    assert "heron" not in everything and "otter" not in everything


def test_steps_beside_the_meeting(table: Table) -> None:
    member, board = table.members[2], table.board
    day = board.today + timedelta(days=3)
    seat = Membership.objects.get(user=member)
    absence = lifecycle.record_absence(
        seat, actor=member, starts_on=day, ends_on=day, reason="Away."
    )
    lifecycle.withdraw_absence(absence, actor=table.chair)
    lifecycle.make_feed(actor=member)
    lifecycle.revoke_feed(actor=member)
    item = table.running_item()
    action = lifecycle.record_action(
        item.meeting,
        actor=table.chair,
        text="Ask",
        owner=table.cast.developer,
        due_on=item.meeting.date,
        item=item,
    )
    lifecycle.complete_action(action, actor=table.cast.developer)
    name, chair = str(member), str(table.chair)
    steps = [one for one in told() if one[0] not in ("publish_agenda", "start_meeting", "add_late")]
    assert steps == [
        ("record_absence", name, ">", "board", "Away."),
        ("withdraw_absence", chair, ">", "board", ""),
        ("make_feed", name, ">", "", ""),
        ("revoke_feed", name, ">", "", ""),
        ("record_action", chair, "running>running", "boardmeetingitem", ""),
        ("complete_action", str(table.cast.developer), ">", "boardmeetingitem", ""),
    ]


def test_who_was_invited_when_is_kept(table: Table) -> None:
    """An invitation itself only says how it is now."""
    meeting, chair = table.meeting(), table.chair
    lifecycle.send_invitations(table.board)
    lifecycle.send_invitations(table.board)
    plan = {"date": meeting.date, "start": time(15), "length_minutes": 90, "on_day_off": True}
    lifecycle.move_meeting(meeting, actor=chair, reason="Fog.", **plan)
    Membership.objects.filter(user=table.members[2]).update(ends_on=table.board.today)
    lifecycle.send_invitations(table.board)
    lifecycle.cancel_meeting(meeting, actor=chair, reason="Snow.")
    everybody = "Bea Board, Ben Board, Bo Board, Bob Board, Cora Chair, Dora Deputy, Max Member"
    others = everybody.replace("Ben Board, ", "")
    assert [(verb, by, why) for verb, by, _move, _what, why in told(meeting=meeting)] == [
        ("send_invitations", "", f"invited: {everybody}"),
        ("send_invitations", "", f"changed for: {everybody}"),
        ("move_meeting", str(chair), "Fog."),
        ("send_invitations", "", "no longer invited: Ben Board"),
        ("send_invitations", "", f"cancelled for: {others}"),
        ("cancel_meeting", str(chair), "Snow."),
    ]


def test_what_did_not_happen_is_not_told(table: Table) -> None:
    item = table.running_item()
    lifecycle.join_meeting(item.meeting, actor=table.members[1])
    lifecycle.mark_attendance(
        item.meeting, actor=table.chair, user=table.members[2], mark="present"
    )
    before = told()
    again: list[Callable[[], Any]] = [
        lambda: lifecycle.join_meeting(item.meeting, actor=table.members[1]),
        lambda: lifecycle.go_to_item(item.meeting, actor=table.chair, item=item),
        lambda: lifecycle.mark_attendance(
            item.meeting, actor=table.chair, user=table.members[2], mark="present"
        ),
        lambda: lifecycle.reorder_agenda(item.meeting, actor=table.chair, order=[item.pk]),
        lambda: lifecycle.will_attend(item.meeting, actor=table.chair),
        lambda: lifecycle.revoke_feed(actor=table.chair),
        lambda: lifecycle.write_minutes(item.meeting, actor=table.chair, text=" "),
        lambda: lifecycle.publish_agenda(item.meeting),
        lambda: lifecycle.preview_outcome(item, actor=table.chair, outcome="accepted"),
        lambda: lifecycle.close_meeting(item.meeting, actor=table.members[1]),
        lambda: lifecycle.start_meeting(item.meeting, actor=table.chair),
    ]
    table.vote(item, "accepted", "accepted", "accepted", "accepted")
    before = told()
    for step in again:
        try:
            step()
        except StepError:
            assert step in again[-2:]
    assert told() == before
