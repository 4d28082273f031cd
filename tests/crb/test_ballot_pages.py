"""The pages of a ballot: opening, voting, extending, ending, and what the board's page shows."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import User
from changes import lifecycle as change_lifecycle
from crb import lifecycle
from crb.models import Meeting
from tests.components.browsing import sign_in
from tests.components.looks import looks
from tests.crb.conftest import Table

pytestmark = pytest.mark.django_db
WHY = "The fix cannot wait."


def ballot_of(table: Table, number: int = 1, days: int = 3) -> Meeting:
    return lifecycle.open_ballot(
        table.board,
        actor=table.chair,
        changes=[table.change(f"Change {count}") for count in range(number)],
        deadline=timezone.now() + timedelta(days=days, minutes=1),
        reason=WHY,
    )


def get(client: Client, user: User, address: str) -> str:
    client.force_login(user)
    return " ".join(client.get(address).content.decode().split())


def test_time_boxes_are_not_compared_with_the_length_of_a_ballot(
    client: Client, table: Table
) -> None:
    ballot = ballot_of(table)
    lifecycle.plan_item(ballot.items.get(), actor=table.chair, time_box=60)
    page = get(client, table.chair, ballot.get_absolute_url())
    assert "minutes planned" not in page
    assert "longer than the meeting" not in page


def test_an_earlier_decision_by_ballot_is_dated_when_it_was_opened(
    client: Client, table: Table
) -> None:
    ballot = ballot_of(table, days=40)
    item = ballot.items.get()
    asked = [("How many?", table.cast.requester)]
    change = table.decide(item, "information_required", reason="?", questions=asked)
    change_lifecycle.answer_question(
        change, actor=table.cast.requester, question=change.questions.get(), answer="Ten."
    )
    again = table.meeting(days=7)
    lifecycle.fill_agenda(table.board)
    page = get(client, table.chair, again.get_absolute_url())
    assert f">{table.board.today:%-d %B %Y}</a>" in page
    assert f"{ballot.date:%-d %B %Y}</a>" not in page


def test_the_chair_opens_a_ballot_from_the_boards_page(client: Client, table: Table) -> None:
    item, other = table.item("Rooms at night"), table.change("Alarms")
    address = f"/board/boards/{table.board.pk}/ballot/"
    assert f'href="{address}"' in get(client, table.chair, "/board/")
    assert f'href="{address}"' not in get(client, table.cast.crb_member, "/board/")
    assert client.get(address).status_code == 403
    page = get(client, table.chair, address)
    assert f"{item.change.reference} Rooms at night (on the agenda of" in page
    assert f"{other.reference} Alarms" in page
    deadline = timezone.localtime(timezone.now() + timedelta(days=2))
    data = {
        "changes": [item.change_id, other.pk],
        "deadline": f"{deadline:%Y-%m-%dT%H:%M}",
        "reason": WHY,
    }
    assert client.post(address, {**data, "changes": []}).status_code == 400
    late = client.post(address, {**data, "deadline": "2020-01-01T10:00"})
    assert late.status_code == 400
    assert "The deadline has passed already." in late.content.decode()
    assert f"{WHY}</textarea>" in late.content.decode()
    answer = client.post(address, data)
    ballot = Meeting.objects.get(kind="ballot")
    assert (answer.status_code, answer["Location"]) == (302, ballot.get_absolute_url())
    assert ballot.items.count() == 2
    page = get(client, table.chair, address)
    assert "Nothing waits for a ballot" in page
    answer = client.post(address, data)
    assert answer.status_code in (400, 409)
    assert Meeting.objects.filter(kind="ballot").count() == 1


def test_what_is_on_the_agenda_of_a_running_meeting_is_not_offered(
    client: Client, table: Table
) -> None:
    item, waiting = table.running_item("Rooms at night"), table.change("Alarms")
    address = f"/board/boards/{table.board.pk}/ballot/"
    page = get(client, table.chair, address)
    assert "Alarms" in page and "Rooms at night" not in page
    deadline = timezone.localtime(timezone.now() + timedelta(days=2))
    data = {"deadline": f"{deadline:%Y-%m-%dT%H:%M}", "reason": WHY}
    for changes, words in (
        ([], "Tick at least one change for the members to vote on."),
        ([item.change_id, waiting.pk], "is being voted on already. Tick what is to be voted on"),
    ):
        answer = client.post(address, {**data, "changes": changes})
        assert answer.status_code == 400
        assert list(answer.context["form"].errors) == ["changes"]
        page = " ".join(answer.content.decode().split())
        assert words in page and f"{WHY}</textarea>" in page
    without = client.post(address, {"changes": [waiting.pk], "reason": WHY})
    assert "Say until which day and time votes count." in without.content.decode()


def test_a_ballot_stands_among_past_meetings_by_when_it_ended(client: Client, table: Table) -> None:
    meeting = table.item().meeting
    lifecycle.start_meeting(meeting, actor=table.chair)
    lifecycle.close_meeting(meeting, actor=table.chair)
    ballot = ballot_of(table, days=2)
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        lifecycle.end_ballot(ballot, actor=table.chair, reason="It was fixed otherwise.")
        again = table.meeting(days=0)
        lifecycle.start_meeting(again, actor=table.chair)
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        lifecycle.close_meeting(again, actor=table.chair)
        client.force_login(table.cast.support)
        past = client.get("/board/").context["past"]
        page = get(client, table.cast.support, f"/board/?before={past[1].ended_on}")
        assert client.get(f"/board/?before={past[0].ended_on}").context["past"][0] == ballot
    assert past == [again, ballot, meeting]
    assert f">{ballot.date.day} {ballot.date:%B}" not in page
    assert past[1].ended_on == ballot.date - timedelta(days=1)


def test_its_page_is_dressed_as_a_ballot(client: Client, table: Table) -> None:
    ballot = ballot_of(table)
    page = get(client, table.cast.crb_member, ballot.get_absolute_url())
    assert "Ballot without a meeting" in page
    assert WHY in page
    assert "Votes count until" in page and "days left." in page
    for words in ("I am here", "Open the meeting", "Close the meeting", "Give more time"):
        assert words not in page
    page = get(client, table.chair, ballot.get_absolute_url())
    assert "Give more time" in page and "End the ballot" in page
    with time_machine.travel(timezone.now() + timedelta(days=4)):
        page = get(client, table.chair, ballot.get_absolute_url())
        assert "Voting is over" in page
        assert "outcomes can still be recorded" in page


def test_more_time_and_the_end(client: Client, table: Table) -> None:
    ballot = ballot_of(table)
    extend, end = (f"{ballot.get_absolute_url()}{step}/" for step in ("extend", "end"))
    for address in (extend, end):
        client.force_login(table.cast.crb_member)
        assert client.get(address).status_code == 403
    client.force_login(table.chair)
    later = timezone.localtime(timezone.now() + timedelta(days=6))
    data = {"seen": ballot.version, "deadline": f"{later:%Y-%m-%dT%H:%M}", "reason": "Ill."}
    assert client.post(extend, {**data, "reason": ""}).status_code == 400
    assert client.post(extend, data).status_code == 302
    assert "Ill." in get(client, table.chair, ballot.get_absolute_url())
    stale = client.post(end, {"seen": ballot.version, "reason": "We meet."})
    assert stale.status_code == 409
    assert "We meet.</textarea>" in stale.content.decode()
    fresh = Meeting.objects.get(pk=ballot.pk)
    assert client.post(end, {"seen": fresh.version, "reason": "We meet."}).status_code == 302
    assert client.get(end).status_code == 409


def test_open_ballots_stand_beside_the_running_meeting(client: Client, table: Table) -> None:
    table.running_item("On the agenda")
    ballot = ballot_of(table)
    page = get(client, table.cast.crb_member, "/board/")
    assert "The board is meeting now" in page and "A ballot is open" in page
    assert f'href="{ballot.get_absolute_url()}"' in page
    assert "in the ballot until" in page
    card = page.partition("A ballot is open")[2].partition("</section>")[0]
    assert "1 left for you to vote on" in card
    table.vote(ballot.items.get(), "", "accepted")
    card = get(client, table.cast.crb_member, "/board/").partition("A ballot is open")[2]
    assert "left for you to vote on" not in card.partition("</section>")[0]
    card = get(client, table.cast.support, "/board/").partition("A ballot is open")[2]
    assert "left for you to vote on" not in card.partition("</section>")[0]


def test_for_customers_there_is_no_ballot(client: Client, table: Table) -> None:
    ballot = ballot_of(table)
    client.force_login(table.cast.requester)
    addresses = ("", "extend/", "end/")
    for address in [f"{ballot.get_absolute_url()}{one}" for one in addresses]:
        assert client.get(address).status_code == 404
    assert client.get(f"/board/boards/{table.board.pk}/ballot/").status_code == 404
    client.force_login(table.chair)
    assert client.get("/board/boards/999/ballot/").status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_queries(client: Client, table: Table, django_assert_num_queries: Any, count: int) -> None:
    ballots = [ballot_of(table, count) for _number in range(count)]
    client.force_login(table.cast.crb_member)
    with django_assert_num_queries(13):
        assert client.get("/board/").status_code == 200
    with django_assert_num_queries(12):
        assert client.get(ballots[0].get_absolute_url()).status_code == 200
    client.force_login(table.chair)
    with django_assert_num_queries(6):
        assert client.get(f"/board/boards/{table.board.pk}/ballot/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_pages_are_accessible_and_fit(table: Table, new_page: Any, live_server: Any) -> None:
    """The page of the board with a ballot is looked over in test_pages_in_browser."""
    table.item("Round the clock alarms for cold stores")
    ballot = ballot_of(table, 2)
    item = ballot.items.first()
    table.vote(item, *["information_required"] * 4)
    base = f"{ballot.get_absolute_url()}"
    addresses = [
        (table.chair, f"{base}?item={item.pk}"),
        (table.chair, f"/board/boards/{table.board.pk}/ballot/"),
        (table.chair, f"{base}extend/"),
        (table.chair, f"{base}end/"),
    ]
    page = new_page()
    with looks(page) as look:
        for user, address in addresses:
            sign_in(page, user, live_server)
            look.over_address(address, wait_for_preview if "?item" in address else None)


def wait_for_preview(page: Any) -> None:
    """Wait for the mail that the page asks for by itself, or for the words in its place."""
    page.locator("#outcome-preview pre").or_(
        page.get_by_text("is shown here when the form is complete")
    ).first.wait_for()
