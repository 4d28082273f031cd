"""The chair leads a running meeting from item to item, and the time of each is kept."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import User
from changes.models import Change
from crb import lifecycle
from crb.course import Course
from crb.live.rooms import read
from crb.models import AgendaItem, BoardEvent, Meeting
from expansive_cm.workflow.errors import ChangeStale, StepIllegal
from tests.crb.conftest import Table

pytestmark = pytest.mark.django_db


def fresh(item: AgendaItem) -> AgendaItem:
    return AgendaItem.objects.get(pk=item.pk)


def meeting_of(item: AgendaItem) -> Meeting:
    return Meeting.objects.get(pk=item.meeting_id)


def go(table: Table, item: AgendaItem, **how: Any) -> Meeting:
    return lifecycle.go_to_item(meeting_of(item), actor=table.chair, item=item, **how)


def course(table: Table, item: AgendaItem, user: User | None = None) -> Course:
    return Course(read(meeting_of(item)), user or table.chair, None)


def test_a_meeting_begins_with_its_first_item(table: Table) -> None:
    first = table.item("Rooms at night")
    table.item("Alarms")
    assert meeting_of(first).current_item is None
    lifecycle.start_meeting(meeting_of(first), actor=table.chair)
    assert meeting_of(first).current_item == first
    assert meeting_of(first).current_since is not None


def test_time_adds_up_on_the_item_that_is_left(table: Table) -> None:
    begun = timezone.now()
    with time_machine.travel(begun, tick=False) as clock:
        first, second = table.running_item("Rooms at night"), table.running_item("Alarms")
        clock.shift(timedelta(minutes=7))
        go(table, second)
        clock.shift(timedelta(minutes=2))
        go(table, first)
        clock.shift(timedelta(seconds=30))
        lifecycle.close_meeting(meeting_of(first), actor=table.chair)
    assert fresh(first).seconds_spent == 450
    assert fresh(second).seconds_spent == 120
    assert meeting_of(first).current_item is None
    reasons = [one.history_change_reason for one in first.history.all()]
    assert "discussed for 420 seconds" in reasons


def test_going_where_the_meeting_is_changes_nothing(table: Table) -> None:
    item = table.running_item()
    before = meeting_of(item)
    go(table, item)
    after = meeting_of(item)
    assert (after.version, after.current_since) == (before.version, before.current_since)


def test_a_stale_page_moves_nothing(table: Table) -> None:
    first, second = table.running_item("Rooms at night"), table.running_item("Alarms")
    seen = meeting_of(first).version
    go(table, second, seen=seen)
    with pytest.raises(ChangeStale):
        go(table, first, seen=seen)
    assert meeting_of(first).current_item == second


def test_only_what_is_on_this_agenda_can_be_discussed(table: Table) -> None:
    item = table.running_item("Rooms at night")
    lifecycle.close_meeting(item.meeting, actor=table.chair)
    table.meeting(days=14)
    other = table.running_item("Alarms")
    with pytest.raises(StepIllegal, match="not on the agenda of this meeting any more"):
        lifecycle.go_to_item(other.meeting, actor=table.chair, item=item)


def test_a_ballot_has_no_current_item(table: Table) -> None:
    item = table.running_item()
    Meeting.objects.filter(pk=item.meeting_id).update(
        kind="ballot", purpose="Urgent.", deadline=timezone.now()
    )
    with pytest.raises(StepIllegal, match="no current item"):
        go(table, item)


def test_next_is_the_next_open_item_in_order(table: Table) -> None:
    items = [table.running_item(f"Change {number}") for number in range(4)]
    assert course(table, items[0]).following == items[1]
    table.decide(items[1], "accepted")
    assert course(table, items[0]).following == items[2]
    go(table, items[3])
    assert course(table, items[0]).following == items[0], "what was passed over comes again"
    assert course(table, items[0]).previous == items[2]
    assert not course(table, items[0], table.cast.crb_member).runs


def test_the_page_shows_what_the_meeting_is_at(client: Client, table: Table) -> None:
    table.running_item("Rooms at night")
    second = table.running_item("Alarms")
    go(table, second)
    client.force_login(table.cast.crb_member)
    page = client.get(f"/board/meetings/{second.meeting_id}/").content.decode()
    assert 'id="item-title" tabindex="-1">Alarms</h2>' in page
    assert "data-follows" in page
    assert "Next item" not in page


def test_speaker_notes_are_for_the_board_and_the_presenter(client: Client, table: Table) -> None:
    item = table.running_item()
    AgendaItem.objects.filter(pk=item.pk).update(
        notes="Ask the porters.", presenter=table.cast.developer
    )
    sees = []
    everybody = (table.chair, table.deputy, table.cast.developer, table.cast.crb_member)
    for user in (*everybody, table.cast.support, table.cast.auditor):
        client.force_login(user)
        page = client.get(f"/board/meetings/{item.meeting_id}/").content.decode()
        sees.append("Ask the porters." in page)
    assert sees == [True, True, True, True, False, True]


def test_the_presenter_is_told_that_they_are_next(client: Client, table: Table) -> None:
    first, second = table.running_item("Rooms at night"), table.running_item("Alarms")
    developer = table.cast.developer
    lifecycle.plan_item(second, actor=table.chair, presenter=developer)

    def reads(user: User) -> list[bool]:
        client.force_login(user)
        page = client.get(f"/board/meetings/{first.meeting_id}/").content.decode()
        return [words in page for words in ("You are next: “Alarms”", "You present this item now")]

    assert [reads(developer), reads(table.chair)] == [[True, False], [False, False]]
    go(table, second)
    assert [reads(developer), reads(table.chair)] == [[False, True], [False, False]]
    lifecycle.plan_item(fresh(second), actor=table.chair, presenter=table.cast.support)
    go(table, first)
    assert [reads(developer), reads(table.cast.support)] == [[False, False], [True, False]]


def test_moving_on_by_a_press(client: Client, table: Table) -> None:
    first, second = table.running_item("Rooms at night"), table.running_item("Alarms")
    address = f"/board/meetings/{first.meeting_id}/go/"
    data = {"item": second.pk, "seen": meeting_of(first).version}
    client.force_login(table.cast.crb_member)
    assert client.post(address, data).status_code == 403
    client.force_login(table.chair)
    assert client.get(address).status_code == 405
    assert client.post(address, {**data, "item": 999_999}).status_code == 404
    assert client.post(address, {**data, "item": "x"}).status_code == 400
    assert client.post(address, {"item": second.pk}).status_code == 400
    assert client.post(address, data).status_code == 302
    assert meeting_of(first).current_item == second
    answer = client.post(address, {**data, "item": first.pk})
    assert answer.status_code == 409
    assert "The meeting has moved on since you opened this page" in answer.content.decode()


def test_record_and_next_is_both_or_neither(client: Client, table: Table) -> None:
    """One press and one act; refused as each of both would be; offered where there is a next."""
    first, second = table.running_item("Rooms at night"), table.running_item("Alarms")
    table.vote(first, *["accepted"] * 4)
    page = f"/board/meetings/{first.meeting_id}/?item="
    offers = []
    for user, item in ((table.chair, first), (table.chair, second), (table.members[2], first)):
        client.force_login(user)
        offers.append("Record, and next" in client.get(f"{page}{item.pk}").content.decode())
    assert offers == [True, False, False]
    address = f"/board/items/{first.pk}/outcome/"
    data = {"outcome": "accepted", "reason": "It pays.", "go_on": "1"}
    data["seen"] = str(Change.objects.get(pk=first.change_id).version)
    assert client.post(address, data).status_code == 403
    client.force_login(table.chair)
    assert client.post(address, {**data, "outcome": ""}).status_code == 400
    go(table, second)
    answer = client.post(address, data)
    assert answer.status_code == 409 and "It pays." in answer.content.decode()
    assert "gone to another item" in answer.content.decode()
    assert fresh(first).state == "open", "neither: the outcome is not recorded either"
    go(table, first)
    assert client.post(address, data).url == f"/board/meetings/{first.meeting_id}/"
    assert (fresh(first).state, meeting_of(first).current_item) == ("decided", second)
    verbs = BoardEvent.objects.order_by("-pk").values_list("verb", "item")[:2]
    assert set(verbs) == {("record_outcome", first.pk), ("go_to_item", second.pk)}
    act = {row.history_act for row in (first.history.first(), meeting_of(first).history.first())}
    assert len(act) == 1
    assert client.post(address, data).status_code == 409, "twice"
    table.vote(second, *["accepted"] * 4)
    with pytest.raises(StepIllegal, match="No other item"):
        lifecycle.record_and_go_on(fresh(second), actor=table.chair, outcome="accepted")
    assert fresh(second).state == "open"
