"""The agenda fills itself with what waits for the board."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from changes import lifecycle as change_lifecycle
from changes.models import Change
from crb import lifecycle, queries
from crb.lifecycle import agenda as agendas
from crb.models import AgendaItem, Meeting
from expansive_cm.prepared import prepared_by
from tests.crb.conftest import Table, new_board
from tests.stories import ASSESSMENT, assessed

pytestmark = pytest.mark.django_db


def agenda(meeting: Meeting) -> list[str]:
    """The open items of a meeting as ``position. title (kind)``."""
    items = meeting.items.filter(state="open").select_related("change")
    return [f"{item.position}. {item.change.title} ({item.kind})" for item in items]


def test_every_change_that_waits_gets_an_item_on_the_next_meeting(table: Table) -> None:
    later, soon = table.meeting(days=21), table.meeting(days=7)
    table.change("One")
    table.change("Two")
    assert len(lifecycle.fill_agenda(table.board)) == 2
    assert agenda(soon) == ["1. One (new)", "2. Two (new)"]
    assert agenda(later) == []


def test_filling_again_adds_nothing(table: Table) -> None:
    table.item()
    rows = AgendaItem.history.count()
    assert lifecycle.fill_agenda(table.board) == []
    assert AgendaItem.history.count() == rows


def test_the_most_urgent_come_first(table: Table) -> None:
    meeting = table.meeting()
    table.change("Normal")
    urgent = assessed_with(table, "Urgent", urgency=4)
    lifecycle.fill_agenda(table.board)
    assert urgent.urgency == 4
    assert agenda(meeting) == ["1. Urgent (new)", "2. Normal (new)"]


def assessed_with(table: Table, title: str, **assessment: int) -> Change:
    from tests.stories import submitted

    change = submitted(table.cast, title=title)
    values = {**ASSESSMENT, **assessment}
    return change_lifecycle.assess(change, actor=table.cast.success, type="code", **values)


def test_answered_questions_return_ahead_of_new_changes(table: Table) -> None:
    asked = table.running_item("Asked")
    table.vote(asked, *["information_required"] * 4)
    questions = [("How many rooms?", table.cast.requester)]
    lifecycle.record_outcome(
        asked, actor=table.chair, outcome="information_required", questions=questions
    )
    lifecycle.close_meeting(asked.meeting, actor=table.chair)
    following = table.meeting(days=14)
    table.change("New")
    lifecycle.fill_agenda(table.board)
    assert agenda(following) == ["1. New (new)"]
    change = Change.objects.get(pk=asked.change_id)
    change_lifecycle.answer_question(
        change, actor=table.cast.requester, question=change.questions.get(), answer="Twelve."
    )
    lifecycle.fill_agenda(table.board)
    assert agenda(following) == ["1. Asked (returning)", "2. New (new)"]


def test_what_was_carried_over_comes_after_answers_and_before_new_changes(table: Table) -> None:
    undecided = table.running_item("Undecided")
    lifecycle.close_meeting(undecided.meeting, actor=table.chair)
    following = table.meeting(days=14)
    table.change("New")
    lifecycle.fill_agenda(table.board)
    assert agenda(following) == ["1. Undecided (carried)", "2. New (new)"]


def test_what_comes_during_a_meeting_goes_to_the_next(table: Table) -> None:
    item = table.running_item("First")
    table.change("Late")
    assert lifecycle.fill_agenda(table.board) == []
    following = table.meeting(days=21)
    lifecycle.fill_agenda(table.board)
    assert agenda(item.meeting) == ["1. First (new)"]
    assert agenda(following) == ["1. Late (new)"]


def test_opening_a_meeting_fills_its_agenda(table: Table) -> None:
    meeting = table.meeting()
    table.change("Just in time")
    lifecycle.start_meeting(meeting, actor=table.chair)
    assert agenda(meeting) == ["1. Just in time (new)"]


def test_a_withdrawn_change_leaves_the_agenda(table: Table) -> None:
    item = table.item()
    change_lifecycle.withdraw(item.change, actor=table.cast.support, reason="Not needed.")
    lifecycle.fill_agenda(table.board)
    item = AgendaItem.objects.get(pk=item.pk)
    why = "The change no longer waits for this board. Sam Support withdrew the request: Not needed."
    assert (item.state, item.remark) == ("dropped", why)


@pytest.mark.parametrize("how", ["withdraw", "reclassify"])
def test_who_looks_on_sees_at_once_that_a_change_has_left(
    table: Table, how: str, django_capture_on_commit_callbacks: Any
) -> None:
    """Not when the agenda is filled next, which may be a minute later."""
    item = table.running_item()
    with django_capture_on_commit_callbacks(execute=True):
        if how == "withdraw":
            change_lifecycle.withdraw(item.change, actor=table.cast.requester, reason="Not needed.")
        else:
            change_lifecycle.reclassify(
                item.change, actor=table.cast.success, reason="A setting.", **ASSESSMENT
            )
    item = AgendaItem.objects.get(pk=item.pk)
    assert item.state == "dropped"
    assert ("Not needed." if how == "withdraw" else "A setting.") in item.remark


def test_an_edit_or_an_outcome_takes_nothing_off_an_agenda(
    table: Table, django_capture_on_commit_callbacks: Any
) -> None:
    item = table.running_item()
    with django_capture_on_commit_callbacks(execute=True):
        change_lifecycle.edit(item.change, actor=table.cast.support, title="Rooms at dawn")
    assert AgendaItem.objects.get(pk=item.pk).is_open
    with django_capture_on_commit_callbacks(execute=True):
        table.decide(AgendaItem.objects.get(pk=item.pk), "accepted")
    assert AgendaItem.objects.get(pk=item.pk).state == "decided"


def test_a_reclassified_change_is_voted_on_anew(table: Table) -> None:
    item = table.item()
    table.vote(item, "accepted", "accepted")
    for _there_and_back in range(2):
        fields = {**ASSESSMENT, "reason": "It is the other kind."}
        change_lifecycle.reclassify(item.change, actor=table.cast.success, **fields)
    lifecycle.fill_agenda(table.board)
    fresh = AgendaItem.objects.get(change=item.change, state="open")
    assert fresh.pk != item.pk
    assert queries.tally_of(fresh).voted == 0


def test_a_meeting_that_nobody_opened_passes_its_items_on_with_their_votes(table: Table) -> None:
    item = table.item()
    table.vote(item, "accepted", "rejected")
    missed = item.meeting
    missed.date = table.board.today - timedelta(days=1)
    missed.save()
    following = table.meeting(days=13)
    lifecycle.fill_agenda(table.board)
    item = AgendaItem.objects.get(pk=item.pk)
    assert (item.meeting, item.state) == (following, "open")
    assert queries.tally_of(item).voted == 2
    assert item.history.first().history_change_reason.endswith("The meeting was not held.")


def test_without_a_meeting_the_change_waits(table: Table) -> None:
    change = table.change()
    assert lifecycle.fill_agenda(table.board) == []
    assert list(queries.waiting_for(table.board)) == [change]


def test_a_customer_with_a_board_of_its_own_goes_there(table: Table) -> None:
    theirs = new_board(name="Meridian board")
    theirs.organisations.add(table.cast.meridian)
    harbour = table.change()
    meridian = assessed_for_meridian(table)
    assert list(queries.waiting_for(table.board)) == [harbour]
    assert list(queries.waiting_for(theirs)) == [meridian]


def assessed_for_meridian(table: Table) -> Change:
    cast = table.cast
    change = change_lifecycle.save_draft(
        None,
        actor=cast.support,
        title="Tills",
        description="Faster tills.",
        organisation=cast.meridian,
        requester=cast.stranger_customer,
    )
    change = change_lifecycle.submit(change, actor=cast.support)
    return change_lifecycle.assess(change, actor=cast.stranger_success, type="code", **ASSESSMENT)


def test_of_two_general_boards_the_older_decides(table: Table) -> None:
    second = new_board(name="Second board")
    change = table.change()
    assert list(queries.waiting_for(table.board)) == [change]
    assert list(queries.waiting_for(second)) == []


def test_an_item_joins_behind_the_last_that_goes_before_it_as_the_chair_has_ordered(
    table: Table,
) -> None:
    meeting = table.meeting()
    items = [table.item(title) for title in ("One", "Two", "Three")]
    order = [items[2].pk, items[0].pk, items[1].pk]
    lifecycle.reorder_agenda(
        Meeting.objects.get(pk=meeting.pk),
        actor=table.chair,
        order=order,
        seen=Meeting.objects.get(pk=meeting.pk).version,
    )
    table.change("Last")
    assessed_with(table, "Urgent", urgency=4)
    lifecycle.fill_agenda(table.board)
    assert agenda(meeting) == [
        "1. Urgent (new)",
        "2. Three (new)",
        "3. One (new)",
        "4. Two (new)",
        "5. Last (new)",
    ]


def test_a_long_agenda_takes_no_more_than_it_has_room_for(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The most urgent first; the rest waits for the next, and what came before has its place."""
    monkeypatch.setattr(agendas, "LONGEST", 2)
    undecided = table.running_item("Undecided")
    lifecycle.close_meeting(undecided.meeting, actor=table.chair)
    following = table.meeting(days=14)
    for title in ("One", "Two"):
        table.change(title)
    assessed_with(table, "Urgent", urgency=4)
    lifecycle.fill_agenda(table.board)
    assert agenda(following) == ["1. Undecided (carried)", "2. Urgent (new)"]
    assert lifecycle.fill_agenda(table.board) == []
    lifecycle.publish_agenda(following, actor=table.chair)
    later = table.meeting(days=28)
    lifecycle.fill_agenda(table.board)
    assert agenda(later) == ["1. One (new)", "2. Two (new)"]


def test_few_plans_are_kept_whatever_room_an_agenda_has(table: Table) -> None:
    for title in ("One", "Two", "Three"):
        table.change(title)
    before = len(prepared_by(connection))
    for room in range(1, agendas.LONGEST + 1):
        found = queries.waiting_to_join(table.board, room, agendas.MOST_AT_ONCE)
        assert len(found) == min(room, 3)
    assert queries.waiting_to_join(table.board, 0, agendas.MOST_AT_ONCE) == []
    assert len(prepared_by(connection)) - before < 12


def test_one_run_puts_no_more_on_an_agenda_than_it_can_and_the_next_goes_on(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agendas, "MOST_AT_ONCE", 2)
    meeting = table.meeting()
    for title in ("One", "Two", "Three"):
        table.change(title)
    assert [len(lifecycle.fill_agenda(table.board)) for _run in range(3)] == [2, 1, 0]
    assert agenda(meeting) == ["1. One (new)", "2. Two (new)", "3. Three (new)"]


def test_no_plan_is_kept_for_each_number_of_places_that_agendas_have_left(table: Table) -> None:
    """A connection of the worker keeps every plan: half a megabyte for each of many agendas."""
    for title in ("One", "Two", "Three", "Four"):
        table.change(title)
    waiting = [queries.waiting_to_join(table.board, room, 500) for room in (-1, *range(40))]
    assert [len(some) for some in waiting[:8]] == [0, 0, 1, 2, 3, 4, 4, 4]
    assert all(some == waiting[-1][: len(some)] for some in waiting)
    kept = len(prepared_by(connection))
    for room in range(40):
        queries.waiting_to_join(table.board, room, 500)
    assert len(prepared_by(connection)) == kept


def test_a_change_that_cannot_join_stops_no_other(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = table.meeting()
    changes = [table.change(title) for title in ("One", "Broken", "Three")]
    rank = agendas.rank

    def broken(item: AgendaItem) -> tuple[object, ...]:
        if item.change.title == "Broken":
            raise ValueError(item)
        return rank(item)

    with monkeypatch.context() as patch:
        patch.setattr(agendas, "rank", broken)
        assert len(lifecycle.fill_agenda(table.board)) == 2
    assert agenda(meeting) == ["1. One (new)", "2. Three (new)"]
    assert [item.change for item in lifecycle.fill_agenda(table.board)] == [changes[1]]
    assert agenda(meeting) == ["1. One (new)", "2. Broken (new)", "3. Three (new)"]


def test_an_agenda_is_ordered_with_few_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three thousand changes once kept the worker busy for more than a minute."""
    asked = []
    ranked, saved = agendas.rank, []
    standing = [_unsaved(number * 2, urgency=number % 4) for number in range(1, 1001)]
    joining = [_unsaved(number * 2 + 1, urgency=number % 4) for number in range(1, 1001)]
    monkeypatch.setattr(agendas, "lock_items", lambda meeting: standing)
    monkeypatch.setattr(agendas, "rank", lambda item: asked.append(item) or ranked(item))
    monkeypatch.setattr(agendas, "number_items", lambda order, **_: saved.extend(order))
    agendas.place(Meeting(), joining, actor=None, reason="")
    assert len(saved) == 2000
    assert len(asked) <= 2 * 2000


def _unsaved(number: int, urgency: int) -> AgendaItem:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    change = Change(pk=number, urgency=urgency, submitted_at=moment)
    return AgendaItem(change=change, kind="new", position=number, path=1)


def test_a_configuration_change_never_comes_to_the_board(table: Table) -> None:
    table.meeting()
    assessed(table.cast, "configuration")
    assert lifecycle.fill_agenda(table.board) == []
