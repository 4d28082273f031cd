"""The pages of minutes: who reads what, and what a mistake or a refusal answers."""

from io import BytesIO
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from pypdf import PdfReader

from accounts.models import User
from crb import lifecycle
from crb.minutes import fingerprint
from crb.models import AgendaItem, Meeting, Minutes
from tests.crb.conftest import Table
from tests.remembered import remembered

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}


def get(client: Client, user: User, address: str, **options: Any) -> Any:
    client.force_login(user)
    return client.get(address, **options)


def post(client: Client, user: User, address: str, data: Any = None, **options: Any) -> Any:
    client.force_login(user)
    return client.post(address, data or {}, **options)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def address_of(item: AgendaItem, step: str = "") -> str:
    return f"/board/meetings/{item.meeting_id}/minutes/{step}"


def fresh(item: AgendaItem) -> Meeting:
    return Meeting.objects.get(pk=item.meeting_id)


@pytest.fixture
def item(table: Table) -> AgendaItem:
    """An item decided in a closed meeting, with a recusal."""
    return decided_and_closed(table)


@remembered
def decided_and_closed(table: Table) -> AgendaItem:
    item = table.running_item("Rooms at night")
    table.vote(item, "accepted", "accepted", "accepted", "rejected", "recuse")
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    lifecycle.close_meeting(fresh(item), actor=table.chair)
    return AgendaItem.objects.get(pk=item.pk)


# Who reads what


def test_single_votes_are_for_the_board_and_those_who_check_it(
    client: Client, table: Table, item: AgendaItem
) -> None:
    for published in (False, True):
        if published:
            lifecycle.publish_minutes(fresh(item), actor=table.chair)
        for part in ("crb_member", "auditor", "administrator", "support", "developer"):
            sees_votes, read = part not in ("support", "developer"), (part, published)
            user = getattr(table.cast, part)
            shown = text(get(client, user, address_of(item)))
            assert "Rooms at night" in shown and "Accepted: 3, Rejected: 1" in shown, read
            assert ("Members and their votes" in shown) == sees_votes, read
            assert ("My own project." in shown) == sees_votes, read
            assert "<textarea" not in shown, read
            file = get(client, user, address_of(item, "pdf/"))
            assert file["Content-Type"] == "application/pdf", read
            words = " ".join(page.extract_text() for page in PdfReader(BytesIO(file.content)).pages)
            assert ("My own project." in words) == sees_votes, read


def test_for_customers_there_are_no_minutes(client: Client, table: Table, item: AgendaItem) -> None:
    for part in ("requester", "colleague", "stranger_customer", "nobody"):
        user = getattr(table.cast, part)
        for step in ("", "pdf/"):
            assert get(client, user, address_of(item, step)).status_code == 404, (part, step)
        for step in ("write/", "publish/", "addendum/"):
            data = {"section": "remarks", "remarks-text": "x", "text": "x", "seen": "1"}
            answer = post(client, user, address_of(item, step), data)
            assert answer.status_code == 404, (part, step)
    assert not Minutes.objects.exists()


def test_get_never_acts(client: Client, table: Table, item: AgendaItem) -> None:
    for step in ("write/", "publish/", "addendum/"):
        assert get(client, table.chair, address_of(item, step)).status_code == 405
    get(client, table.chair, address_of(item))
    assert not Minutes.objects.exists()


def test_before_the_meeting_there_are_none(client: Client, table: Table) -> None:
    item = table.item()
    assert "There are no minutes yet" in text(get(client, table.chair, address_of(item)))
    assert get(client, table.chair, address_of(item, "pdf/")).status_code == 404
    data = written("x")
    assert post(client, table.chair, address_of(item, "write/"), data).status_code == 409
    lifecycle.cancel_meeting(item.meeting, actor=table.chair, reason="Snow.")
    assert "This meeting has no minutes" in text(get(client, table.chair, address_of(item)))
    assert get(client, table.chair, "/board/meetings/999/minutes/").status_code == 404


def test_after_closing_the_minutes_are_the_chairs_next_step(
    client: Client, table: Table, item: AgendaItem
) -> None:
    meeting = f"/board/meetings/{item.meeting_id}/"
    assert "Write the minutes" in text(get(client, table.chair, meeting))
    member = text(get(client, table.cast.crb_member, meeting))
    assert "Minutes (draft)" in member and "Write the minutes" not in member
    assert "Minutes (draft)" in text(get(client, table.cast.support, "/board/"))
    lifecycle.publish_minutes(fresh(item), actor=table.chair)
    assert "Write the minutes" not in text(get(client, table.chair, meeting))
    assert "Minutes (draft)" not in text(get(client, table.cast.support, "/board/"))


# Writing


def written(words: str, section: str = "remarks", current: str = "") -> dict[str, str]:
    return {"section": section, **box(words, section, current)}


def box(words: str, section: str = "remarks", current: str = "") -> dict[str, str]:
    """One box of the page, as every button of the page sends it along."""
    return {f"{section}-text": words, f"{section}-seen": fingerprint(current)}


def test_a_section_is_saved_with_and_without_htmx(
    client: Client, table: Table, item: AgendaItem
) -> None:
    answer = post(client, table.chair, address_of(item, "write/"), written("Welcome."))
    assert answer["Location"] == f"{address_of(item)}#section-remarks"
    data = written("It is cheap.", str(item.pk))
    answer = post(client, table.chair, address_of(item, "write/"), data, headers=HTMX)
    shown = text(answer)
    assert answer.status_code == 200 and "<html" not in shown
    assert "It is cheap." in shown and fingerprint("It is cheap.") in shown
    assert 'id="minutes-publish"' in shown and 'name="seen" value="2"' in shown
    assert Minutes.objects.get().remarks == "Welcome."


def test_whoever_comes_second_keeps_their_words(
    client: Client, table: Table, item: AgendaItem
) -> None:
    lifecycle.write_minutes(fresh(item), actor=table.deputy, text="By the deputy.")
    data = written("By the chair.")
    for headers, status in (({}, 409), (HTMX, 422)):
        answer = post(client, table.chair, address_of(item, "write/"), data, headers=headers)
        shown = text(answer)
        assert answer.status_code == status
        assert "In the meantime Dora Deputy has written in this section." in shown, status
        assert "By the chair.</textarea>" in shown, status
        assert "By the deputy.</blockquote>" in shown, status
    again = written("Both.", current="By the deputy.")
    assert post(client, table.chair, address_of(item, "write/"), again).status_code == 302


def test_writing_after_publication_gives_the_words_back(
    client: Client, table: Table, item: AgendaItem
) -> None:
    lifecycle.publish_minutes(fresh(item), actor=table.chair)
    data = written("Too late.", str(item.pk))
    answer = post(client, table.deputy, address_of(item, "write/"), data)
    assert answer.status_code == 409
    assert "Add an addendum instead" in text(answer)
    assert "Too late.</blockquote>" in text(answer)


def test_bad_sections_and_texts(client: Client, table: Table, item: AgendaItem) -> None:
    for section in ("", "x", "999999", "9" * 30, "²"):
        data = written("x", section)
        assert post(client, table.chair, address_of(item, "write/"), data).status_code == 404
    data = written("y" * 20_001)
    answer = post(client, table.chair, address_of(item, "write/"), data)
    assert answer.status_code == 400 and "y" * 20_001 in text(answer)
    assert post(client, table.chair, address_of(item, "publish/")).status_code == 400
    assert not Minutes.objects.exists()


def test_what_people_write_is_shown_as_text(client: Client, table: Table, item: AgendaItem) -> None:
    words = '<script>alert("x")</script>'
    lifecycle.write_minutes(fresh(item), actor=table.chair, text=words, item=item)
    shown = text(get(client, table.cast.support, address_of(item)))
    assert words not in shown and "&lt;script&gt;alert" in shown


# Publishing


def test_publishing_and_amending(client: Client, table: Table, item: AgendaItem) -> None:
    lifecycle.write_minutes(fresh(item), actor=table.deputy, text="Welcome.")
    stale = post(client, table.chair, address_of(item, "publish/"), {"seen": 0})
    assert stale.status_code == 409 and "Please read them again" in text(stale)
    answer = post(client, table.chair, address_of(item, "publish/"), {"seen": 1})
    assert answer["Location"] == address_of(item)
    assert post(client, table.chair, address_of(item, "publish/"), {"seen": 2}).status_code == 409
    empty = post(client, table.chair, address_of(item, "addendum/"), {"text": " "})
    assert empty.status_code == 400 and "Fill this in." in text(empty)
    post(client, table.chair, address_of(item, "addendum/"), {"text": "Bea was there."})
    shown = text(get(client, table.cast.support, address_of(item)))
    assert "Published on " in shown and "Bea was there." in shown and "Welcome." in shown
    assert post(client, table.cast.support, address_of(item, "addendum/"), {"text": "x"})
    assert Minutes.objects.get().addenda.count() == 1


def test_publishing_takes_along_what_nobody_has_saved(
    client: Client, table: Table, item: AgendaItem
) -> None:
    lifecycle.write_minutes(fresh(item), actor=table.deputy, text="Welcome.")
    boxes = box("Welcome.", current="Welcome.") | box("It is\r\ncheap.", str(item.pk))
    post(client, table.chair, address_of(item, "publish/"), {"seen": 1, **boxes})
    content = Minutes.objects.get().content
    assert content["remarks"] == "Welcome."
    assert content["items"][0]["discussion"] == "It is\ncheap."
    shown = text(get(client, table.cast.support, address_of(item)))
    assert "It is<br>cheap." in shown


def test_minutes_that_were_not_published_keep_every_box(
    client: Client, table: Table, item: AgendaItem
) -> None:
    lifecycle.write_minutes(fresh(item), actor=table.deputy, text="By the deputy.")
    boxes = box("By the chair.") | box("It is cheap.", str(item.pk))
    publish = address_of(item, "publish/")
    stale = post(client, table.chair, publish, {"seen": 0, **boxes})
    assert stale.status_code == 409 and "Please read them again" in text(stale)
    for words in ("By the chair.</textarea>", "It is cheap.</textarea>", "By the deputy.</blockq"):
        assert words in text(stale)
    assert not Minutes.objects.get().is_published
    untouched = post(client, table.chair, publish, {"seen": 0, **box("")})
    assert "By the deputy.</textarea>" in text(untouched)
    long = post(client, table.chair, publish, {"seen": 1, **box("y" * 20_001, str(item.pk))})
    assert long.status_code == 400 and "y" * 20_001 in text(long)
    lifecycle.publish_minutes(fresh(item), actor=table.deputy)
    late = post(client, table.chair, publish, {"seen": 1, **boxes})
    assert late.status_code == 409 and "It is cheap.</blockquote>" in text(late)


def test_pages_cost_the_same_however_many_items(
    client: Client, table: Table, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        item = table.running_item(f"Change {number}")
        table.decide(item, "accepted")
        lifecycle.record_action(
            fresh(item),
            actor=table.chair,
            text="Ask",
            owner=table.cast.developer,
            due_on=item.meeting.date,
            item=item,
        )
        if number == 1:
            continue
        with transaction.atomic():  # of one, then of three
            lifecycle.close_meeting(fresh(item), actor=table.chair)
            client.force_login(table.chair)
            with django_assert_num_queries(17, info=str(number)):
                client.get(address_of(item))
            lifecycle.publish_minutes(fresh(item), actor=table.chair)
            client.force_login(table.cast.support)
            with django_assert_num_queries(10, info=str(number)):  # one asks for corrections since
                client.get(address_of(item))
            transaction.set_rollback(True)
