"""Actions: who does what by when, finished on the record, and reminded of in time."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from post_office.models import Email

from accounts.models import User
from crb import lifecycle, panels, reminders, tasks
from crb.models import Action, Board, Meeting
from crb.reminders import Kind, due_reminders, working_day_before
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests.crb.conftest import Table
from tests.mailing import last_row
from tests.remembered import remembered

pytestmark = pytest.mark.django_db


@remembered
def held(table: Table) -> Meeting:
    """A meeting of today that is running."""
    meeting = table.meeting(days=0)
    lifecycle.start_meeting(meeting, actor=table.chair)
    return Meeting.objects.get(pk=meeting.pk)


def recorded(table: Table, meeting: Meeting | None = None, **fields: Any) -> Action:
    meeting = meeting or table.board.meetings.first() or held(table)
    values = {
        "text": "Ask the vendor",
        "owner": table.cast.developer,
        "due_on": meeting.date + timedelta(days=14),
        **fields,
    }
    return lifecycle.record_action(meeting, actor=table.chair, **values)


def published(table: Table, action: Action) -> None:
    lifecycle.close_meeting(Meeting.objects.get(pk=action.meeting_id), actor=table.chair)
    lifecycle.publish_minutes(Meeting.objects.get(pk=action.meeting_id), actor=table.chair)


# Recording and finishing


def test_an_action_that_makes_no_sense_is_refused(table: Table) -> None:
    meeting = held(table)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"text": "  "}, "Say what is to be done"),
        ({"text": "x" * 501}, "too long"),
        ({"due_on": date(2020, 1, 1)}, "before the meeting"),
        ({"owner": table.cast.requester}, "cannot see the board"),
        ({"owner": table.cast.nobody}, "cannot see the board"),
    ]
    for fields, words in cases:
        with pytest.raises(StepIncomplete, match=words):
            recorded(table, meeting, **fields)


def test_an_item_of_another_meeting_is_refused(table: Table) -> None:
    item = table.item()
    other = table.meeting(days=0)
    Meeting.objects.filter(pk=item.meeting_id)
    lifecycle.start_meeting(other, actor=table.chair)
    foreign = table.meeting(days=30)
    with pytest.raises(StepIllegal, match="not on the agenda"):
        recorded(table, foreign_meeting(table, foreign), item=item)


def foreign_meeting(table: Table, meeting: Meeting) -> Meeting:
    """Another meeting that was held."""
    lifecycle.close_meeting(
        Meeting.objects.get(board=table.board, state="running"), actor=table.chair
    )
    lifecycle.start_meeting(meeting, actor=table.chair)
    type(meeting).items.rel.related_model.objects.filter(meeting=meeting).update(
        meeting=table.board.meetings.get(state="closed")
    )
    return Meeting.objects.get(pk=meeting.pk)


def test_the_owner_says_that_it_is_done_once(table: Table) -> None:
    action = recorded(table)
    lifecycle.complete_action(action, actor=table.cast.developer)
    action.refresh_from_db()
    assert action.done_by == table.cast.developer and action.done_at is not None
    assert action.history.first().history_change_reason == "said that the action is done"
    with pytest.raises(StepIllegal, match="already done: recorded by Dan Developer"):
        lifecycle.complete_action(action, actor=table.chair)
    with pytest.raises(StepForbidden, match="owner of the action and the chair"):
        lifecycle.complete_action(action, actor=table.cast.support)


def test_a_changed_action_tells_owners_once_the_minutes_are_out(table: Table) -> None:
    action = recorded(table)
    fields = {"text": action.text, "due_on": action.due_on}
    since = last_row()
    lifecycle.edit_action(action, actor=table.chair, owner=table.cast.tester, **fields)
    assert not Email.objects.filter(pk__gt=since).exists()
    published(table, action)
    since = last_row()
    lifecycle.edit_action(action, actor=table.chair, owner=table.cast.support, **fields)
    told = {row.to[0]: row for row in Email.objects.filter(pk__gt=since)}
    assert set(told) == {table.cast.support.email, table.cast.tester.email}
    for body in (row.message for row in told.values()):
        assert "Cora Chair changed this action" in body and "for Sam Support" in body


def test_two_who_change_one_action_are_told_of_each_other(table: Table) -> None:
    action = recorded(table)
    seen = action.fingerprint
    fields = {"owner": action.owner, "due_on": action.due_on, "seen": seen}
    lifecycle.edit_action(action, actor=table.chair, text="First", **fields)
    with pytest.raises(ChangeStale):
        lifecycle.edit_action(action, actor=table.deputy, text="Second", **fields)
    assert Action.objects.get().text == "First"


def test_a_dropped_action_leaves_the_minutes_and_stays_in_history(table: Table) -> None:
    action = recorded(table)
    lifecycle.drop_action(action, actor=table.chair)
    with pytest.raises(StepIllegal, match="was dropped"):
        lifecycle.complete_action(action, actor=table.cast.developer)
    published(table, action)
    assert Meeting.objects.get(pk=action.meeting_id).minutes.content["actions"] == []


# Reminders


@pytest.mark.parametrize(
    ("day", "before"),
    [
        (date(2026, 5, 6), date(2026, 5, 5)),
        (date(2026, 5, 11), date(2026, 5, 8)),
        (date(2026, 5, 5), date(2026, 5, 1)),  # Monday 4 May is a bank holiday
        (date(2026, 12, 29), date(2026, 12, 24)),
    ],
)
def test_the_working_day_before(day: date, before: date) -> None:
    assert working_day_before(day, "GB-ENG") == before


def at(day: int, hour: int) -> datetime:
    """A moment of June 2026, in UTC; London is an hour ahead."""
    return datetime(2026, 6, day, hour, 30, tzinfo=UTC)


@pytest.fixture
def due(table: Table) -> Action:
    """An action due on Monday 15 June 2026."""
    with time_machine.travel(at(2, 13), tick=False):
        return recorded(table, due_on=date(2026, 6, 15))


def test_when_a_reminder_is_due(due: Action) -> None:
    for moment, kinds in (
        (at(11, 12), []),
        (at(12, 6), []),  # Friday, 7:30 in London
        (at(12, 7), [Kind.BEFORE]),
        (at(14, 12), [Kind.BEFORE]),
        (at(15, 6), [Kind.BEFORE]),
        (at(15, 7), [Kind.DUE]),
        (at(20, 12), [Kind.DUE]),
        (at(30, 12), []),
    ):
        with time_machine.travel(moment, tick=False):
            assert due_reminders() == [(due.pk, kind) for kind in kinds], moment


def subjects(since: int) -> list[str]:
    rows = Email.objects.filter(pk__gt=since).order_by("pk")
    return [row.subject.partition("] ")[2] for row in rows]


def test_each_reminder_goes_out_once(table: Table, due: Action) -> None:
    since = last_row()
    for moment in (at(12, 7), at(12, 8), at(13, 12), at(15, 7), at(15, 8), at(16, 9)):
        with time_machine.travel(moment, tick=False):
            tasks.remind_of_actions()
    assert subjects(since) == [
        "Due on Monday 15 June: Ask the vendor",
        "Due today: Ask the vendor",
    ]
    mail = Email.objects.get(pk__gt=since, subject__contains="today")
    assert mail.to == [table.cast.developer.email]
    assert f"/board/actions/?owner={table.cast.developer.pk}" in mail.message


def test_after_a_standstill_one_mail_is_enough(due: Action) -> None:
    since = last_row()
    with time_machine.travel(at(17, 12), tick=False):
        tasks.remind_of_actions()
    assert subjects(since) == ["Was due on Monday 15 June: Ask the vendor"]


def test_a_moved_day_is_reminded_of_anew(table: Table, due: Action) -> None:
    since = last_row()
    with time_machine.travel(at(12, 9), tick=False):
        tasks.remind_of_actions()
        lifecycle.edit_action(
            due, actor=table.chair, text=due.text, owner=due.owner, due_on=date(2026, 6, 18)
        )
    with time_machine.travel(at(17, 9), tick=False):
        tasks.remind_of_actions()
    assert subjects(since) == [
        "Due on Monday 15 June: Ask the vendor",
        "Due tomorrow: Ask the vendor",
    ]


@pytest.mark.parametrize("step", [lifecycle.complete_action, lifecycle.drop_action])
def test_what_is_done_or_dropped_is_not_reminded_of(table: Table, due: Action, step: Any) -> None:
    step(due, actor=table.chair)
    since = last_row()
    with time_machine.travel(at(15, 9), tick=False):
        tasks.remind_of_actions()
        assert lifecycle.remind_of_action(due.pk, reminders.Kind.DUE) is False
    assert subjects(since) == []


# Pages


def get(client: Client, user: User, address: str, **options: Any) -> Any:
    client.force_login(user)
    return client.get(address, **options)


def post(client: Client, user: User, address: str, data: Any = None, **options: Any) -> Any:
    client.force_login(user)
    return client.post(address, data or {}, **options)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def form_of(table: Table, **fields: Any) -> dict[str, Any]:
    due = table.board.today + timedelta(days=3)
    return {"text": "Ask", "owner": table.cast.developer.pk, "due_on": due.isoformat(), **fields}


def test_recording_answers_with_the_list_or_the_page(client: Client, table: Table) -> None:
    meeting = held(table)
    address = f"/board/meetings/{meeting.pk}/actions/"
    answer = post(client, table.chair, address, form_of(table))
    assert answer.status_code == 302 and answer["Location"].endswith("/#actions")
    htmx = post(client, table.chair, address, form_of(table), headers={"hx-request": "true"})
    assert htmx.status_code == 200 and "<html" not in text(htmx)
    assert Action.objects.count() == 2


def test_wrong_input_is_said_beside_the_field(client: Client, table: Table) -> None:
    meeting = held(table)
    address = f"/board/meetings/{meeting.pk}/actions/"
    for field, value, words in (
        ("text", "", "Fill this in."),
        ("owner", "999999", "Select a valid choice"),
        ("due_on", "2020-01-01", "before the meeting"),
        ("due_on", "tomorrow", "Enter a valid date"),
    ):
        data = form_of(table, **{"text": "Kept words", field: value})
        for headers, status in (({}, 400), ({"hx-request": "true"}, 422)):
            answer = post(client, table.chair, address, data, headers=headers)
            assert answer.status_code == status and words in text(answer), (field, value)
            assert field == "text" or "Kept words" in text(answer), (field, value)
    assert not Action.objects.exists()


def test_after_publication_recording_says_what_to_do(client: Client, table: Table) -> None:
    action = recorded(table)
    published(table, action)
    address = f"/board/meetings/{action.meeting_id}/actions/"
    answer = post(client, table.chair, address, form_of(table, text="Kept words"))
    assert answer.status_code == 409
    assert "Add an addendum instead" in text(answer) and "Kept words" in text(answer)


def test_done_leads_back_to_where_one_was_but_never_elsewhere(client: Client, table: Table) -> None:
    first, second = recorded(table), recorded(table)
    address = f"/board/actions/{first.pk}/complete/"
    answer = post(client, table.cast.developer, address, {"next": "/board/"})
    assert answer["Location"] == "/board/"
    address = f"/board/actions/{second.pk}/complete/"
    answer = post(client, table.cast.developer, address, {"next": "https://evil.example/"})
    assert answer["Location"] == "/board/actions/"
    assert post(client, table.cast.developer, address).status_code == 409
    assert post(client, table.cast.support, address).status_code == 403


def test_an_action_is_changed_and_dropped(client: Client, table: Table) -> None:
    action = recorded(table)
    address = f"/board/actions/{action.pk}/edit/"
    shown = text(get(client, table.chair, address))
    assert f'value="{action.fingerprint}"' in shown
    data = form_of(table, text="Ask twice", seen=action.fingerprint)
    assert post(client, table.chair, address, data).status_code == 302
    stale = post(client, table.deputy, address, {**data, "text": "Kept words"})
    assert stale.status_code == 409 and "Kept words" in text(stale)
    assert post(client, table.chair, address, {**data, "text": ""}).status_code == 400
    assert get(client, table.cast.developer, address).status_code == 403
    post(client, table.chair, f"/board/actions/{action.pk}/drop/")
    assert Action.objects.get().dropped_at is not None
    assert get(client, table.chair, address).status_code == 409


def test_the_list_filters_by_state_and_owner(client: Client, table: Table) -> None:
    meeting = held(table)
    recorded(table, meeting, text="Open one")
    recorded(table, meeting, text="Of another", owner=table.cast.tester)
    late = recorded(table, meeting, text="Late one", due_on=meeting.date)
    done = recorded(table, meeting, text="Done one")
    dropped = recorded(table, meeting, text="Dropped one")
    lifecycle.complete_action(done, actor=table.cast.developer)
    lifecycle.drop_action(dropped, actor=table.chair)
    everything = {"Open one", "Of another", "Late one", "Done one", "Dropped one"}
    wanted = {
        "": {"Open one", "Of another", "Late one"},
        "?state=overdue": {"Late one"},
        "?state=done": {"Done one"},
        "?state=dropped": {"Dropped one"},
        "?state=all": everything,
        f"?owner={table.cast.tester.pk}": {"Of another"},
    }
    with time_machine.travel(datetime.now(UTC) + timedelta(days=2), tick=False):
        for query, names in wanted.items():
            shown = text(get(client, table.cast.support, f"/board/actions/{query}"))
            assert {name for name in everything if name in shown} == names, query
        assert "Overdue" in text(get(client, table.cast.support, "/board/actions/?state=overdue"))
    assert late.is_open
    assert get(client, table.cast.support, "/board/actions/?state=lost").status_code == 400
    assert get(client, table.cast.support, "/board/actions/?owner=x").status_code == 400
    assert get(client, table.cast.support, "/board/actions/?page=x").status_code == 400


def test_a_day_is_over_and_a_term_begins_where_the_board_meets(
    client: Client, table: Table
) -> None:
    action = recorded(table, held(table))
    day = action.meeting.date
    Action.objects.filter(pk=action.pk).update(due_on=day)
    term = table.chair.board_memberships.get()
    type(term).objects.filter(pk=term.pk).update(starts_on=day + timedelta(days=1))
    for zone, hour, is_over in (
        ("Pacific/Auckland", 8, False),
        ("Pacific/Auckland", 20, True),
        ("Europe/London", 20, False),
        ("America/Los_Angeles", 24 + 3, False),
        ("America/Los_Angeles", 24 + 12, True),
    ):
        Board.objects.filter(pk=table.board.pk).update(zone=zone)
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)
        with time_machine.travel(moment, tick=False), timezone.override("Europe/London"):
            page = text(get(client, table.cast.support, "/board/actions/?state=overdue"))
            assert ("Ask the vendor" in page) is is_over, (zone, hour)
            run = panels.boards_run_by(User.objects.get(pk=table.chair.pk))
            assert run == ({table.board.pk} if is_over else set()), (zone, hour)


def test_the_list_pages_by_keyset(client: Client, table: Table) -> None:
    meeting = held(table)
    for number in range(51):
        recorded(table, meeting, text=f"Number {number:02}")
    first = get(client, table.cast.support, "/board/actions/")
    assert len(first.context["rows"]) == 50
    second = get(client, table.cast.support, f"/board/actions/{first.context['next_url']}")
    assert [row.action.text for row in second.context["rows"]] == ["Number 50"]


def test_pages_cost_the_same_however_many_actions(
    client: Client, table: Table, django_assert_num_queries: Any
) -> None:
    meeting = held(table)
    for number in range(3):
        recorded(table, meeting, text=f"Number {number}")
        client.force_login(table.chair)
        with django_assert_num_queries(6, info=str(number)):
            client.get("/board/actions/")
        client.force_login(table.cast.support)
        with django_assert_num_queries(7, info=str(number)):  # one counts support's waiting mail
            client.get("/board/actions/")


def test_for_customers_there_are_no_actions_and_get_never_acts(
    client: Client, table: Table
) -> None:
    action = recorded(table)
    for part in ("requester", "stranger_customer", "nobody"):
        user = getattr(table.cast, part)
        for address in ("/board/actions/", f"/board/actions/{action.pk}/edit/"):
            assert get(client, user, address).status_code == 404, (part, address)
        for step in ("edit", "drop", "complete"):
            answer = post(client, user, f"/board/actions/{action.pk}/{step}/")
            assert answer.status_code == 404, (part, step)
        address = f"/board/meetings/{action.meeting_id}/actions/"
        assert post(client, user, address, form_of(table)).status_code == 404, part
    for step in ("drop", "complete"):
        address = f"/board/actions/{action.pk}/{step}/"
        assert get(client, table.chair, address).status_code == 405
    assert Action.objects.get().is_open
