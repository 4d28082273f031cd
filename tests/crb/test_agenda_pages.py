"""The agenda's pages: who sees what, what each step answers, and the whole case of an item."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from changes import lifecycle as change_lifecycle
from changes.models import Change, Service
from crb import lifecycle, tasks
from crb.lifecycle.arranging import plan_token
from crb.models import AgendaItem, BoardOutcome, Meeting
from tests.crb.conftest import Table
from tests.crb.test_consent import agreed, fresh, two_agreed
from tests.crb.test_pages import HTMX, get, page_of, post, text
from tests.crb.test_publish_agenda import titles
from tests.stories import in_development, in_execution, plan

pytestmark = pytest.mark.django_db


def address(meeting: Meeting, step: str = "") -> str:
    return f"/board/meetings/{meeting.pk}/{step}"


# For whom


def test_for_customers_none_of_it_exists(client: Client, table: Table) -> None:
    item = agreed(table, "Agreed")
    lifecycle.publish_agenda(item.meeting, actor=table.chair)
    data = {"seen": 1, "order": str(item.pk), "reason": "x"}
    steps = [address(item.meeting, step) for step in ("publish/", "order/", "late/", "consent/")]
    steps += [f"/board/items/{item.pk}/{step}/" for step in ("plan", "defer", "pull")]
    for part in ("requester", "approver", "nobody"):
        user = getattr(table.cast, part)
        for step in steps:
            assert post(client, user, step, data).status_code == 404
        assert get(client, user, address(item.meeting, "agenda/1/")).status_code == 404


def test_get_never_acts(client: Client, table: Table) -> None:
    item = agreed(table, "Agreed")
    for step in ("publish/", "order/", "consent/"):
        assert get(client, table.chair, address(item.meeting, step)).status_code == 405
    for step in ("plan", "defer", "pull"):
        assert get(client, table.chair, f"/board/items/{item.pk}/{step}/").status_code == 405


def test_notes_are_for_the_board_and_attachments_listed(client: Client, table: Table) -> None:
    item = table.item()
    file = ContentFile(b"A plan.", name="plan.txt")
    change_lifecycle.attach(
        item.change, actor=table.cast.support, file=file, content_type="text/plain", internal=True
    )
    lifecycle.plan_item(item, actor=table.chair, time_box=20, notes="Mind the porters.")
    for part, sees in (("crb_member", True), ("auditor", True), ("administrator", True)):
        page = text(get(client, getattr(table.cast, part), page_of(item)))
        assert ("Mind the porters." in page) == sees, part
        assert "plan.txt" in page, part
    page = text(get(client, table.cast.support, page_of(item)))
    assert "Mind the porters." not in page
    assert "20 minutes" in page


# The card


def test_the_card_says_when_the_agenda_is_published(client: Client, table: Table) -> None:
    item = table.item()
    lifecycle.plan_item(item, actor=table.chair, time_box=100)
    page = text(get(client, table.chair, page_of(item)))
    assert "Published by itself" in page
    assert "100 of 90 minutes planned" in page
    assert "That is longer than the meeting." in page
    answer = post(client, table.chair, address(item.meeting, "publish/"), {})
    assert answer.status_code == 302
    page = text(get(client, table.chair, page_of(item)))
    assert "Agenda, version 1" in page
    assert "Add a late arrival" in page
    assert "Add a late arrival" not in text(get(client, table.cast.crb_member, page_of(item)))
    again = post(client, table.chair, address(item.meeting, "publish/"), {})
    assert again.status_code == 409
    assert "The agenda was published on" in text(again)


def test_arrows_move_an_item_without_a_script(client: Client, table: Table) -> None:
    one, two = table.item("One"), table.item("Two")
    data = {"seen": one.meeting.version, "item": one.pk, "down": one.pk}
    answer = post(client, table.chair, address(one.meeting, "order/"), data)
    assert answer["Location"] == page_of(one)
    assert titles(one.meeting) == ["Two", "One"]
    stale = post(client, table.chair, address(one.meeting, "order/"), {**data, "up": two.pk})
    assert stale.status_code == 409
    assert "The agenda has changed since you opened this page." in text(stale)
    assert titles(one.meeting) == ["Two", "One"]
    for wrong in ({"order": "x"}, {"up": "x"}, {}):
        data = {"seen": 1, **wrong}
        assert post(client, table.chair, address(one.meeting, "order/"), data).status_code == 400


def test_a_dragged_order_answers_with_the_agenda_as_it_is(client: Client, table: Table) -> None:
    one, two = table.item("One"), table.item("Two")
    data = {"seen": one.meeting.version, "order": f"{two.pk},{one.pk}", "moved": two.pk}
    answer = post(client, table.deputy, address(one.meeting, "order/"), data, headers=HTMX)
    page = text(answer)
    assert answer.status_code == 200
    assert "Moved to place 1 of 2 open items." in page
    assert page.index(">Two<") < page.index(">One<")
    stale = post(client, table.chair, address(one.meeting, "order/"), data, headers=HTMX)
    assert (stale.status_code, stale["Content-Type"][:10]) == (409, "text/plain")


# Late arrivals


def test_the_chair_adds_a_late_arrival(client: Client, table: Table) -> None:
    item = table.item("First")
    lifecycle.publish_agenda(item.meeting, actor=table.chair)
    change = table.change("Late")
    page = text(get(client, table.chair, address(item.meeting, "late/")))
    assert f"{change.reference} Late" in page
    assert "First" not in page
    path = address(item.meeting, "late/")
    answer = post(client, table.chair, path, {"change": change.pk, "reason": " "})
    assert answer.status_code == 400
    assert "Fill this in." in text(answer)
    answer = post(client, table.chair, path, {"change": change.pk, "reason": "It burns."})
    late = AgendaItem.objects.get(change=change)
    assert answer["Location"] == page_of(late)
    assert "It burns." in text(get(client, table.cast.support, page_of(late)))
    answer = post(client, table.chair, path, {"change": change.pk, "reason": "Twice."})
    assert answer.status_code == 400
    assert "can no longer be added" in text(answer)


def test_what_moves_along_with_a_late_arrival_is_said_as_it_is(
    client: Client, table: Table
) -> None:
    item = table.running_item("First")
    table.meeting(days=21)
    table.vote(item, "accepted", "accepted")
    carried = lifecycle.defer_item(item, actor=table.chair, reason="Its requester is away.")
    path = address(item.meeting, "late/")
    page = text(get(client, table.chair, path))
    assert "moves here; nobody has voted on it there yet" in page
    table.vote(carried, "accepted", "rejected")
    table.vote(carried, "rejected")
    assert "moves here with the votes of 2 members" in text(get(client, table.chair, path))
    lifecycle.add_late(item.change, item.meeting, actor=table.chair, reason="She is here.")
    answer = get(client, table.chair, address(item.meeting))
    assert [row.item for row in answer.context["rows"]] == [fresh(carried)]
    assert "2 of 7 voted" in text(answer)


def test_where_nothing_is_late_or_waits_the_page_says_so(client: Client, table: Table) -> None:
    item = table.item()
    answer = get(client, table.chair, address(item.meeting, "late/"))
    assert answer.status_code == 409
    assert "not published yet" in text(answer)
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    page = text(get(client, table.chair, address(item.meeting, "late/")))
    assert "Nothing else waits for the board" in page
    assert get(client, table.cast.support, address(item.meeting, "late/")).status_code == 403


# Planning and deferring


def test_an_item_is_planned_on_its_page(client: Client, table: Table) -> None:
    item = table.item()
    data = {"seen": plan_token(item), "presenter": table.cast.developer.pk, "time_box": "15"}
    path = f"/board/items/{item.pk}/plan/"
    assert post(client, table.chair, path, {**data, "notes": "x"}).status_code == 302
    page = text(get(client, table.cast.support, page_of(item)))
    assert "Presented by Dan Developer, 15 minutes" in page
    answer = post(client, table.deputy, path, {**data, "notes": "My long notes."})
    assert answer.status_code == 409
    assert "Somebody else has planned this item" in text(answer)
    assert "My long notes." in text(answer)
    data["seen"] = plan_token(fresh(item))
    answer = post(client, table.chair, path, {**data, "time_box": "9999", "notes": "Kept."})
    assert answer.status_code == 400
    assert "Kept." in text(answer)


def test_an_item_is_deferred_on_its_page(client: Client, table: Table) -> None:
    item = table.running_item()
    table.meeting(days=21)
    path = f"/board/items/{item.pk}/defer/"
    assert post(client, table.chair, path, {"reason": ""}).status_code == 400
    answer = client.post(path, {"reason": "Its requester is away."}, follow=True)
    assert "Deferred: it is on the agenda of" in text(answer)
    assert "Its requester is away." in text(answer)
    carried = AgendaItem.objects.get(change=item.change, state="open")
    assert "Its requester is away." in text(get(client, table.chair, page_of(carried)))


# Versions


def test_a_version_shows_what_changed(client: Client, table: Table) -> None:
    one, two = table.item("One"), table.item("Two")
    meeting = one.meeting
    lifecycle.publish_agenda(meeting, actor=table.chair)
    first = text(get(client, table.cast.support, address(meeting, "agenda/1/")))
    assert "Added" not in first
    assert "Moved" not in first
    lifecycle.add_late(table.change("Late"), meeting, actor=table.chair, reason="It burns.")
    second = text(get(client, table.cast.support, address(meeting, "agenda/2/")))
    assert "Added late: It burns." in second
    order = list(meeting.items.order_by("-position").values_list("pk", flat=True))
    lifecycle.reorder_agenda(meeting, actor=table.chair, order=order)
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        tasks.publish_agendas()
    assert "Moved, was" in text(get(client, table.cast.support, address(meeting, "agenda/3/")))
    lifecycle.defer_item(two, actor=table.chair, reason="Too early.")
    fourth = text(get(client, table.cast.support, address(meeting, "agenda/4/")))
    assert "<del>Two</del>" in fourth
    assert "Too early." in fourth
    assert get(client, table.chair, address(meeting, "agenda/5/")).status_code == 404


# Consent


def test_the_batch_is_recorded_from_its_page(client: Client, table: Table) -> None:
    one, two = agreed(table, "One"), agreed(table, "Two", "accepted_as_priority")
    meeting = lifecycle.start_meeting(one.meeting, actor=table.chair)
    page = text(get(client, table.chair, address(meeting, "?show=consent")))
    assert "Record 2 outcomes by consent" in page
    assert "Accepted as a priority" in page
    assert "Promises delivery by" in page
    table.vote(two, "", "", "", "", "rejected")
    page = text(get(client, table.chair, address(meeting, "?show=consent")))
    assert "No longer agreed" in page
    data = {"shown": [one.pk, two.pk]}
    answer = client.post(address(meeting, "consent/"), data, follow=True)
    page = text(answer)
    assert "1 outcome is recorded by consent." in page
    assert f"Left out: {two.change.reference} Two. The members no longer agree on it." in page
    assert BoardOutcome.objects.get().item == one
    assert client.post(address(meeting, "consent/"), data).status_code == 409


def test_the_batch_is_shown_anew_if_it_changed_before_it_was_recorded(
    client: Client, table: Table
) -> None:
    one, two = two_agreed(table)
    meeting = one.meeting
    lifecycle.pull_from_consent(two, actor=table.cast.crb_member, reason="Costs?")
    answer = post(client, table.chair, address(meeting, "consent/"), {"shown": [one.pk, two.pk]})
    page = text(answer)
    assert answer.status_code == 409
    assert "The consent items have changed since you opened this page" in page
    assert f"Max Member has taken {two.change.reference} out." in page
    assert "Record 1 outcome by consent" in page
    assert f'name="shown" value="{one.pk}:accepted"' in answer.content.decode()
    assert [line.item for line in answer.context["batch"].lines] == [one]
    assert not BoardOutcome.objects.exists()
    again = client.post(address(meeting, "consent/"), {"shown": [one.pk]}, follow=True)
    assert "1 outcome is recorded by consent." in text(again)


def test_a_member_takes_an_item_out_of_the_batch(client: Client, table: Table) -> None:
    item = agreed(table, "One")
    meeting = lifecycle.start_meeting(item.meeting, actor=table.chair)
    path, member = f"/board/items/{item.pk}/pull/", table.cast.crb_member
    assert "Record" not in text(get(client, member, address(meeting, "?show=consent")))
    assert post(client, member, path, {"reason": " "}).status_code == 400
    answer = client.post(path, {"reason": "What does it cost?"}, follow=True)
    assert "Max Member took it out of the consent items:" in text(answer)
    again = client.post(path, {"reason": "Once more, please."})
    assert again.status_code == 409
    assert "Once more, please." in text(again)


def test_before_the_meeting_the_batch_tells_no_votes(client: Client, table: Table) -> None:
    item = agreed(table, "One")
    page = text(get(client, table.members[5], address(item.meeting, "?show=consent")))
    assert "Take out to discuss" in page
    assert "Leads:" not in page
    page = text(get(client, table.cast.support, address(item.meeting, "?show=consent")))
    assert "Leads:" not in page
    assert "Take out to discuss" not in page


# The case


def returned(table: Table) -> AgendaItem:
    first = table.running_item("Rooms at night")
    questions = [("How many rooms?", table.cast.requester)]
    change = table.decide(first, "information_required", questions=questions)
    change_lifecycle.answer_question(
        change, actor=table.cast.requester, question=change.questions.get(), answer="Twelve."
    )
    table.meeting(days=21)
    lifecycle.fill_agenda(table.board)
    return AgendaItem.objects.get(change=change, state="open")


def test_new_answers_are_marked_until_the_board_has_seen_them(client: Client, table: Table) -> None:
    item = returned(table)
    page = text(get(client, table.chair, page_of(item)))
    assert "1 new answer" in page
    assert "recorded by Cora Chair" in page
    lifecycle.close_meeting(Meeting.objects.get(state="running"), actor=table.chair)
    table.meeting(days=35)
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    carried = lifecycle.defer_item(fresh(item), actor=table.chair, reason="No time.")
    page = text(get(client, table.chair, page_of(carried)))
    assert "Twelve." in page
    assert "1 new answer" not in page
    assert "No time." in page


def test_conflicts_are_named_with_state_and_window(client: Client, table: Table) -> None:
    booking = Service.objects.create(name="Space booking")
    other = Service.objects.create(name="Lifts")
    item = table.item("Rooms at night")
    item.change.services.add(booking)
    planned = plan(in_execution(table.cast), table.cast)
    planned.services.add(booking, other)
    unrelated = table.change("Something else")
    unrelated.services.add(other)
    page = text(get(client, table.chair, page_of(item)))
    assert "Other open changes on the same services" in page
    section = page.partition("Other open changes on the same services")[2].partition("</section>")
    assert planned.reference in section[0]
    assert "Execution" in section[0]
    assert "calendar-time" in section[0]
    assert unrelated.reference not in section[0]
    change_lifecycle.add_dependency(booking, actor=table.cast.administrator, needs=other)
    page = text(get(client, table.chair, page_of(item)))
    section = page.partition("Other open changes on the same services")[2].partition("</section>")
    assert unrelated.reference in section[0]
    assert section[0].count("affects what this needs") == 1  # the other one is on the same service
    manager, day = table.cast.release_manager, timezone.localdate()
    to_come, gone = (
        change_lifecycle.plan_release(actor=manager, name=name, planned_on=day)
        for name in ("7.1", "7.2")
    )
    for release in (to_come, gone):
        built = in_development(table.cast)
        built.services.add(booking)
        change_lifecycle.assign_release(built, actor=manager, release=release)
    change_lifecycle.cancel_release(gone, actor=manager, reason="No time.")
    page = text(get(client, table.chair, page_of(item)))
    assert f"Release {to_come.name}" in page
    assert f"Release {gone.name}" not in page
    for number in range(6):
        table.change(f"More {number}").services.add(booking)
    page = text(get(client, table.chair, page_of(item)))
    assert f"/changes/?view=open&amp;service={booking.pk}" in page


# Queries


def test_queries_of_the_whole_case(
    client: Client, table: Table, django_assert_num_queries: Any
) -> None:
    service = Service.objects.create(name="Space booking")
    item = table.item("Rooms at night")
    item.change.services.add(service)
    for number in range(3):
        other = table.change(f"Change {number}")
        other.services.add(service)
        change = Change.objects.get(pk=item.change_id)
        change_lifecycle.link(change, actor=table.cast.support, other=other, kind="enabled_by")
        file = ContentFile(b"A plan.", name=f"plan {number}.txt")
        change_lifecycle.attach(
            change, actor=table.cast.support, file=file, content_type="text/plain"
        )
        if number != 1:  # of one, then of three
            with taken_back():
                lifecycle.fill_agenda(table.board)
                lifecycle.publish_agenda(fresh_meeting(item), actor=table.chair)
                sign_in(client, table.cast.crb_member)
                with django_assert_num_queries(12, info=str(number)):
                    assert client.get(page_of(item)).status_code == 200


def test_queries_of_the_batch(client: Client, table: Table, django_assert_num_queries: Any) -> None:
    for number in range(3):
        item = agreed(table, f"Change {number}")
        if number != 1:  # of one, then of three
            with taken_back():
                meeting = lifecycle.start_meeting(fresh_meeting(item), actor=table.chair)
                sign_in(client, table.chair)
                with django_assert_num_queries(13, info=str(number)):
                    assert client.get(address(meeting, "?show=consent")).status_code == 200


def fresh_meeting(item: AgendaItem) -> Meeting:
    return Meeting.objects.get(pk=item.meeting_id)


@contextmanager
def taken_back() -> Iterator[None]:
    """What is done within has not happened afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_queries_of_a_version_and_of_late_arrivals(
    client: Client, table: Table, django_assert_num_queries: Any
) -> None:
    item = table.item()
    lifecycle.publish_agenda(item.meeting, actor=table.chair)
    for number in range(3):
        change = table.change(f"Late {number}")
        lifecycle.add_late(change, item.meeting, actor=table.chair, reason="It burns.")
        table.change(f"Waiting {number}")
        if number != 1:  # of one, then of three
            sign_in(client, table.chair)
            with django_assert_num_queries(5, info=str(number)):
                assert client.get(address(item.meeting, "agenda/2/")).status_code == 200
            with django_assert_num_queries(7, info=str(number)):
                assert client.get(address(item.meeting, "late/")).status_code == 200


def sign_in(client: Client, user: User) -> None:
    client.force_login(user)
