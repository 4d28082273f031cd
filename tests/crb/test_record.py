"""The record of a board: who took which step, for those who read all of history. About 4 s."""

from typing import Any

import pytest
from django.test import Client

from accounts.roles import Role
from crb import lifecycle
from crb.models import AgendaItem, Meeting
from tests.crb.conftest import Table, new_board
from tests.crb.test_steps import from_plan_to_minutes
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(table: Table) -> AgendaItem:
    return from_plan_to_minutes(table)


def page(client: Client, user: Any, query: str = "") -> Any:
    client.force_login(user)
    return client.get(f"/board/record/{query}")


def test_who_reads_the_record(client: Client, table: Table, story: AgendaItem) -> None:
    cast = table.cast
    answers = {
        who: page(client, getattr(cast, who)).status_code
        for who in ("auditor", "administrator", "chair", "crb_member", "support", "requester")
    }
    assert answers == {
        **dict.fromkeys(("auditor", "administrator"), 200),
        **dict.fromkeys(("chair", "crb_member", "support"), 403),
        "requester": 404,
    }
    link = f"/board/record/?board={table.board.pk}&amp;meeting={story.meeting_id}"
    for who, shown in ((cast.auditor, True), (table.chair, False)):
        client.force_login(who)
        meeting = client.get(story.meeting.get_absolute_url()).content.decode()
        board = client.get("/board/").content.decode()
        assert (link in meeting) is shown
        assert ("/board/record/" in board) is shown


def test_the_record_says_who_did_what_in_a_meeting(
    client: Client, table: Table, story: AgendaItem
) -> None:
    table.meeting(days=14)
    asked = f"?board={table.board.pk}&meeting={story.meeting_id}"
    answer = page(client, table.cast.auditor, asked)
    text = " ".join(answer.content.decode().split())
    assert [row.verb for row in answer.context["rows"]][:2] == ["write_minutes", "close_meeting"]
    assert "closed the meeting <span" in text and "→ Closed" in text and "It helps." in text
    assert story.change.reference in text and "otter" not in text and "heron" not in text
    other = Meeting.objects.exclude(pk=story.meeting_id).latest("pk")
    asked = f"?board={table.board.pk}&meeting={other.pk}"
    assert page(client, table.cast.auditor, asked).context["rows"] == []
    asked = f"?board={table.board.pk}&person={table.members[1].pk}"
    assert [row.verb for row in page(client, table.cast.auditor, asked).context["rows"]] == [
        "cast_vote"
    ]
    lifecycle.make_feed(actor=table.chair)
    feeds = page(client, table.cast.auditor, "?about=addresses").context["rows"]
    assert [row.verb for row in feeds] == ["make_feed"]


def test_a_board_that_no_longer_meets_keeps_its_record(
    client: Client, table: Table, story: AgendaItem
) -> None:
    table.board.is_active = False
    table.board.save()
    answer = page(client, table.cast.auditor, f"?board={table.board.pk}")
    assert [tab.label for tab in answer.context["sections"]] == ["Record"]
    assert len(answer.context["rows"]) > 5


def test_everybody_who_took_a_step_can_be_asked_for(client: Client, table: Table) -> None:
    """Who owns an action needs no seat, nor does who has a calendar."""
    meeting, owner = table.meeting(days=0), person("Otto", Role.CRB_MEMBER)
    lifecycle.start_meeting(meeting, actor=table.chair)
    action = lifecycle.record_action(
        meeting, actor=table.chair, text="Ask.", owner=owner, due_on=meeting.date
    )
    lifecycle.complete_action(action, actor=owner)
    lifecycle.make_feed(actor=owner)
    for about, verb in (("", "complete_action"), ("addresses", "make_feed")):
        asked = f"?board={table.board.pk}&about={about}&person={owner.pk}"
        answer = page(client, table.cast.auditor, asked)
        assert [row.verb for row in answer.context["rows"]] == [verb]
    # The meeting from whose page one came stays in the form, and calendars are of no meeting.
    answer = page(client, table.cast.auditor, f"{asked}&meeting={meeting.pk}")
    assert [row.verb for row in answer.context["rows"]] == ["make_feed"]
    assert "In the meeting of" not in answer.content.decode()
    offered = answer.context["form"].fields["person"].queryset
    assert set(offered) == {table.chair, owner}


def test_a_board_that_meets_is_shown_before_one_that_does_not(client: Client, table: Table) -> None:
    """To an auditor, who sits on none, and whose address names none."""
    new_board(name="A board of old", is_active=False)
    answer = page(client, table.cast.auditor)
    assert answer.context["board"] == table.board
    assert len(answer.context["sections"]) > 1
    assert {tab.label for tab in answer.context["boards"]} >= {"A board of old"}


def test_queries_of_the_record(
    client: Client, table: Table, django_assert_num_queries: Any
) -> None:
    for count in range(1, 4):
        lifecycle.plan_item(table.item(f"Item {count}"), actor=table.chair, time_box=5)
        client.force_login(table.cast.auditor)
        with django_assert_num_queries(6, info=str(count)):
            answer = client.get("/board/record/")
        assert len(answer.context["rows"]) == count
