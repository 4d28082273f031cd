"""What the chair and the deputy do to an agenda: add late, defer, reorder, plan."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from post_office.models import Email

from accounts.models import User
from crb import lifecycle, queries
from crb.lifecycle.arranging import plan_token
from crb.models import AgendaItem, AgendaVersion, Meeting
from crb.tasks import publish_agendas
from expansive_cm.workflow.errors import ChangeStale, StepIllegal, StepIncomplete
from tests.crb.conftest import Table
from tests.crb.test_pages import get, text
from tests.crb.test_publish_agenda import mails, titles

pytestmark = pytest.mark.django_db


def fresh(item: AgendaItem) -> AgendaItem:
    return AgendaItem.objects.get(pk=item.pk)


def published(table: Table, *names: str) -> Meeting:
    """A meeting with these items whose agenda is published."""
    items = [table.item(name) for name in names]
    meeting = items[0].meeting if items else table.meeting()
    lifecycle.publish_agenda(meeting, actor=table.chair)
    return Meeting.objects.get(pk=meeting.pk)


# Late arrivals


def test_a_late_arrival_is_added_with_a_reason(table: Table) -> None:
    meeting = published(table, "First")
    change = table.change("Late")
    Email.objects.all().delete()
    item = lifecycle.add_late(change, meeting, actor=table.chair, reason=" The law changes. ")
    assert titles(meeting) == ["First", "Late"]
    assert fresh(item).late_reason == "The law changes."
    version = AgendaVersion.objects.get(number=2)
    assert version.reason == f"Added late: {change.reference}. The law changes."
    assert version.entries[1]["late_reason"] == "The law changes."
    told = mails("Added late: Late")
    assert {mail.to[0] for mail in told} == {one.email for one in table.members[1:]}
    assert "> The law changes." in told[0].message


def test_an_item_of_a_later_meeting_moves_here_with_its_votes(table: Table) -> None:
    meeting = published(table, "First")
    later = table.meeting(days=21)
    change = table.change("Late")
    lifecycle.fill_agenda(table.board)
    item = later.items.get()
    table.vote(item, "accepted", "rejected")
    moved = lifecycle.add_late(change, meeting, actor=table.deputy, reason="It burns.")
    assert moved.pk == item.pk
    assert queries.tally_of(fresh(item)).voted == 2
    assert (titles(meeting), titles(later)) == (["First", "Late"], [])


def test_a_late_arrival_stands_before_the_consent_items(table: Table) -> None:
    item = table.item("Agreed")
    table.vote(item, *["accepted"] * 4)
    table.item("To discuss")
    lifecycle.publish_agenda(item.meeting, actor=table.chair)
    change = table.change("Late")
    lifecycle.add_late(change, item.meeting, actor=table.chair, reason="It burns.")
    assert titles(item.meeting) == ["To discuss", "Late", "Agreed"]


def test_what_cannot_be_added_late_is_refused(table: Table) -> None:
    item = table.item("First")
    change = table.change("Second")
    with pytest.raises(StepIllegal, match="not published yet"):
        lifecycle.add_late(change, item.meeting, actor=table.chair, reason="x")
    lifecycle.publish_agenda(item.meeting, actor=table.chair)
    with pytest.raises(StepIncomplete) as refusal:
        lifecycle.add_late(change, item.meeting, actor=table.chair, reason="  ")
    assert refusal.value.missing == ["reason"]
    with pytest.raises(StepIllegal, match="on this agenda already"):
        lifecycle.add_late(item.change, item.meeting, actor=table.chair, reason="x")
    decided = table.decide(table.running_item("Third"), "accepted")
    with pytest.raises(StepIllegal, match="does not wait for this board"):
        lifecycle.add_late(decided, item.meeting, actor=table.chair, reason="x")


def test_what_is_voted_on_now_stays_where_it_is(table: Table) -> None:
    running = table.running_item("First")
    later = table.meeting(days=21)
    lifecycle.publish_agenda(later, actor=table.chair)
    with pytest.raises(StepIllegal, match="being voted on elsewhere"):
        lifecycle.add_late(running.change, later, actor=table.chair, reason="x")
    assert queries.late_candidates(later) == []


# Deferring


def test_deferring_carries_the_change_to_the_next_meeting(table: Table) -> None:
    first = table.running_item("First")
    following = table.meeting(days=21)
    table.vote(first, "accepted")
    carried = lifecycle.defer_item(first, actor=table.chair, reason="Its requester is away.")
    old = fresh(first)
    assert (old.state, old.remark) == ("deferred", "Its requester is away.")
    assert (carried.meeting, carried.kind) == (following, "carried")
    assert queries.tally_of(carried).voted == 0
    version = AgendaVersion.objects.get(meeting=first.meeting, number=2)
    assert version.entries == []
    assert "Its requester is away." in version.reason


def test_a_deferred_item_keeps_its_plan_and_stands_once_when_it_comes_back(table: Table) -> None:
    first = table.running_item("First")
    meeting = first.meeting
    other = table.running_item("Second")
    table.meeting(days=21)
    plan = {"presenter": table.cast.support, "time_box": 15, "notes": "Ask Ben."}
    lifecycle.plan_item(first, actor=table.chair, **plan)
    lifecycle.go_to_item(meeting, actor=table.chair, item=first)
    table.vote(first, "accepted", "accepted")
    carried = lifecycle.defer_item(first, actor=table.chair, reason="Its requester is away.")
    for item in (carried, lifecycle.add_late(first.change, meeting, actor=table.chair, reason="x")):
        kept = fresh(item)
        assert (kept.presenter, kept.time_box, kept.notes) == tuple(plan.values())
    assert kept.meeting == meeting
    assert queries.agenda_of(meeting) == [other, kept]
    assert Meeting.objects.get(pk=meeting.pk).current_item == kept
    assert queries.tally_of(kept).voted == 0


def test_what_waits_without_an_agenda_keeps_its_plan_too(table: Table) -> None:
    item = table.running_item("First")
    lifecycle.plan_item(item, actor=table.chair, time_box=20)
    assert lifecycle.defer_item(item, actor=table.chair, reason="Its requester is away.") is None
    back = lifecycle.add_late(item.change, item.meeting, actor=table.chair, reason="She is here.")
    assert (back.time_box, back.kind) == (20, "carried")
    assert queries.agenda_of(item.meeting) == [back]


def test_deferring_from_an_agenda_that_still_fills_itself_is_not_undone(table: Table) -> None:
    item = table.item("First")
    assert lifecycle.defer_item(item, actor=table.deputy, reason="Too early.") is None
    lifecycle.fill_agenda(table.board)
    assert titles(item.meeting) == []
    following = table.meeting(days=21)
    lifecycle.fill_agenda(table.board)
    assert titles(following) == ["First"]
    assert not AgendaVersion.objects.exists()


def test_a_published_next_agenda_is_passed_over(table: Table) -> None:
    item = table.running_item("First")
    table.meeting(days=14)
    lifecycle.publish_agenda(queries.upcoming(table.board)[0], actor=table.chair)
    third = table.meeting(days=28)
    assert lifecycle.defer_item(item, actor=table.chair, reason="x").meeting == third


def test_deferring_needs_a_reason(table: Table) -> None:
    with pytest.raises(StepIncomplete) as refusal:
        lifecycle.defer_item(table.item(), actor=table.chair, reason=" ")
    assert refusal.value.missing == ["reason"]


# The order


def test_the_chair_reorders_what_is_open(table: Table) -> None:
    items = [table.running_item(name) for name in ("A", "B", "C", "D")]
    table.decide(items[1], "accepted")
    meeting = Meeting.objects.get(pk=items[0].meeting_id)
    order = [items[3].pk, items[0].pk, items[2].pk]
    assert lifecycle.reorder_agenda(meeting, actor=table.deputy, order=order, seen=meeting.version)
    everything = meeting.items.select_related("change").order_by("position")
    assert [item.change.title for item in everything] == ["D", "B", "A", "C"]


def test_a_run_of_steps_by_one_person_makes_one_version(table: Table, client: Client) -> None:
    def move(person: User, *names: str) -> None:
        keys = {item.change.title: item.pk for item in meeting.items.select_related("change")}
        order = [keys[name] for name in names]
        assert lifecycle.reorder_agenda(meeting, actor=person, order=order)

    def versions() -> list[tuple[User | None, str]]:
        made = AgendaVersion.objects.order_by("number")[1:]
        return [(one.published_by, one.reason) for one in made]

    pending = "Put into another order since; the next version shows it."
    new, chair, deputy = "Put into another order.", table.chair, table.deputy
    start = timezone.now()
    with time_machine.travel(start) as clock:
        meeting = published(table, "A", "B", "C")
        for names in ("BAC", "BCA", "CBA"):
            clock.shift(timedelta(minutes=4))
            move(chair, *names)
            publish_agendas()
        assert versions() == []
        assert pending in text(get(client, table.cast.support, meeting.get_absolute_url()))
        clock.shift(timedelta(minutes=5))
        publish_agendas()
        publish_agendas()
        assert versions() == [(chair, new)]
        assert pending not in text(get(client, table.cast.support, meeting.get_absolute_url()))
        clock.shift(timedelta(minutes=1))
        move(chair, *"ABC")
        clock.shift(timedelta(minutes=1))
        move(deputy, *"BAC")
        assert versions()[1:] == [(chair, new)]
        clock.shift(timedelta(minutes=1))
        item = meeting.items.get(change__title="C")
        lifecycle.defer_item(item, actor=chair, reason="Too early.")
        words = f"{new} Deferred: {item.change.reference}. Too early."
        assert versions()[2:] == [(chair, words)]
        clock.shift(timedelta(minutes=9))
        publish_agendas()
        assert len(versions()) == 3
        clock.shift(timedelta(minutes=1))
        move(chair, *"AB")
        clock.shift(timedelta(minutes=1))
        lifecycle.start_meeting(meeting, actor=deputy)
    assert versions()[3:] == [(deputy, f"{new} As the meeting was opened.")]


def test_an_order_given_just_before_the_close_has_its_version(table: Table) -> None:
    one, two = table.running_item("One"), table.running_item("Two")
    lifecycle.reorder_agenda(one.meeting, actor=table.chair, order=[two.pk, one.pk])
    lifecycle.close_meeting(one.meeting, actor=table.deputy)
    last = AgendaVersion.objects.order_by("-number").first()
    assert (last.reason, last.published_by) == ("Put into another order.", table.chair)
    assert [entry["title"] for entry in last.entries] == ["Two", "One"]


def test_the_same_order_again_changes_nothing(table: Table) -> None:
    one, two = table.item("One"), table.item("Two")
    rows = AgendaItem.history.count()
    assert not lifecycle.reorder_agenda(one.meeting, actor=table.chair, order=[one.pk, two.pk])
    assert AgendaItem.history.count() == rows


def test_an_agenda_that_has_changed_meanwhile_is_not_reordered(table: Table) -> None:
    one, two = table.item("One"), table.item("Two")
    meeting = one.meeting
    seen = meeting.version
    lifecycle.reorder_agenda(meeting, actor=table.chair, order=[two.pk, one.pk], seen=seen)
    with pytest.raises(ChangeStale, match="The agenda has changed"):
        lifecycle.reorder_agenda(meeting, actor=table.deputy, order=[one.pk, two.pk], seen=seen)
    for wrong in ([one.pk], [one.pk, two.pk, 99], [one.pk, one.pk]):
        with pytest.raises(ChangeStale):
            lifecycle.reorder_agenda(meeting, actor=table.chair, order=wrong)
    assert titles(meeting) == ["Two", "One"]


def test_the_meeting_can_still_be_opened_after_a_reorder(table: Table) -> None:
    one, two = table.item("One"), table.item("Two")
    seen = one.meeting.version
    lifecycle.reorder_agenda(one.meeting, actor=table.deputy, order=[two.pk, one.pk])
    assert lifecycle.start_meeting(one.meeting, actor=table.chair, seen=seen).is_running


# The plan


def test_an_item_is_planned(table: Table) -> None:
    item = table.item()
    lifecycle.plan_item(
        item, actor=table.chair, presenter=table.cast.developer, time_box=15, notes="Ask Dan."
    )
    item = fresh(item)
    assert (item.presenter, item.time_box, item.notes) == (table.cast.developer, 15, "Ask Dan.")
    lifecycle.publish_agenda(item.meeting, actor=table.chair)
    entry = AgendaVersion.objects.get().entries[0]
    assert (entry["presenter"], entry["time_box"]) == ("Dan Developer", 15)


def test_only_ones_own_people_present_and_a_time_box_is_sensible(table: Table) -> None:
    item, cast = table.item(), table.cast
    wrong: list[dict[str, Any]] = [
        *({"presenter": one} for one in (cast.requester, cast.approver, cast.nobody)),
        *({"time_box": minutes} for minutes in (0, -5, 481)),
    ]
    for fields in wrong:
        with pytest.raises(StepIncomplete) as refusal:
            lifecycle.plan_item(item, actor=table.chair, **fields)
        assert refusal.value.missing == [*fields], fields


def test_two_who_plan_the_same_item_do_not_overwrite_each_other(table: Table) -> None:
    item = table.item()
    seen = plan_token(item)
    lifecycle.plan_item(item, actor=table.chair, notes="Mine.", seen=seen)
    with pytest.raises(ChangeStale, match="Somebody else has planned"):
        lifecycle.plan_item(item, actor=table.deputy, notes="Yours.", seen=seen)
    assert fresh(item).notes == "Mine."
