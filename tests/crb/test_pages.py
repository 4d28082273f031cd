"""The board's pages: who sees what, what a vote or outcome answers, and how many queries."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from changes import lifecycle as change_lifecycle
from changes.models import Change, Service
from crb import lifecycle
from crb.models import AgendaItem, Board, BoardOutcome, Meeting, Vote
from tests.crb.conftest import Table, new_board
from tests.mailing import worded

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}


def get(client: Client, user: User, address: str, **options: Any) -> Any:
    client.force_login(user)
    return client.get(address, **options)


def post(client: Client, user: User, address: str, data: dict[str, Any], **options: Any) -> Any:
    client.force_login(user)
    return client.post(address, data, **options)


def page_of(item: AgendaItem) -> str:
    return f"/board/meetings/{item.meeting_id}/?item={item.pk}"


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


# Who sees the board

OWN = ("chair", "crb_member", "support", "developer", "auditor", "administrator")
OTHERS = ("requester", "colleague", "approver", "stranger_customer", "nobody")


def test_own_people_see_board_and_meeting(client: Client, table: Table) -> None:
    item = table.item()
    for part in OWN:
        user = getattr(table.cast, part)
        for address in ("/board/", page_of(item)):
            assert get(client, user, address).status_code == 200, (part, address)


def test_for_customers_there_is_no_board(client: Client, table: Table) -> None:
    item = table.running_item()
    looked_at = ("/board/", page_of(item), f"/board/meetings/{item.meeting_id}/cancel/")
    data = {"seen": 1, "choice": "accepted", "reason": "x", "outcome": "accepted"}
    meeting_steps = ("start", "join", "close", "cancel")
    addresses = [f"/board/meetings/{item.meeting_id}/{step}/" for step in meeting_steps]
    addresses += [f"/board/items/{item.pk}/{step}/" for step in ("vote", "recuse", "outcome")]
    for part in OTHERS:
        user = getattr(table.cast, part)
        for address in looked_at:
            assert get(client, user, address).status_code == 404, (part, address)
        for address in addresses:
            assert post(client, user, address, data).status_code == 404, (part, address)
    assert not Vote.objects.exists()


def test_visitors_sign_in_and_what_does_not_exist_is_not_found(
    client: Client, table: Table
) -> None:
    answer = client.get(page_of(table.item()))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/")
    for key in (999, 2**63):  # the latter is larger than any key
        assert get(client, table.chair, f"/board/meetings/{key}/").status_code == 404
        vote = post(client, table.chair, f"/board/items/{key}/vote/", {"seen": 1})
        assert vote.status_code == 404
    assert get(client, table.chair, "/board/?board=999").status_code == 404
    assert get(client, table.chair, "/board/?before=2026-99-99").status_code == 200


def test_get_never_acts(client: Client, table: Table) -> None:
    item = table.running_item()
    steps = [f"meetings/{item.meeting_id}/{step}/" for step in ("start", "join", "close")]
    steps += [f"items/{item.pk}/{step}/" for step in ("vote", "recuse", "outcome")]
    for address in steps:
        assert get(client, table.chair, f"/board/{address}").status_code == 405, address
    assert not Vote.objects.exists()


def test_without_a_board_the_page_says_what_to_do(client: Client, table: Table) -> None:
    Board.objects.update(is_active=False)
    assert "There is no board yet" in text(get(client, table.chair, "/board/"))


def test_with_several_boards_ones_own_comes_first(client: Client, table: Table) -> None:
    other = new_board(name="A board of others")
    assert '<h1 class="page-title">Change Request Board</h1>' in text(
        get(client, table.chair, "/board/")
    )
    answer = text(get(client, table.chair, f"/board/?board={other.pk}"))
    assert '<h1 class="page-title">A board of others</h1>' in answer


# The board's page


def test_the_running_meeting_is_prominent(client: Client, table: Table) -> None:
    item = table.running_item()
    answer = text(get(client, table.cast.crb_member, "/board/"))
    assert "The board is meeting now" in answer
    assert "1 left for you to vote on" in answer
    assert f'href="/board/meetings/{item.meeting_id}/"' in answer


def test_the_board_shows_what_waits_questions_and_the_past(client: Client, table: Table) -> None:
    item = table.running_item("Rooms at night")
    questions = [("How many rooms are there?", table.cast.requester)]
    table.decide(item, "information_required", questions=questions)
    lifecycle.close_meeting(item.meeting, actor=table.chair)
    table.change("Something new")
    answer = text(get(client, table.cast.support, "/board/"))
    assert "How many rooms are there?" in answer
    assert "Something new" in answer
    assert "1 information required" in answer


# Votes are secret until one has voted oneself


def test_others_votes_are_hidden_until_one_has_voted_but_from_who_checks(
    client: Client, table: Table
) -> None:
    item = table.running_item()
    lifecycle.cast_vote(item, actor=table.chair, choice="accepted", reason="Long overdue.")
    for user in (table.cast.auditor, table.cast.administrator):
        assert "Long overdue." in text(get(client, user, page_of(item)))
    member = table.cast.crb_member
    before = text(get(client, member, page_of(item)))
    assert "Long overdue." not in before
    assert "Leads:" not in before
    assert "is shown once you have voted yourself" in before
    lifecycle.cast_vote(item, actor=member, choice="abstain")
    after = text(get(client, member, page_of(item)))
    assert "Long overdue." in after
    assert "Leads: accepted, 1 of 1." in after


def test_other_staff_see_the_outcome_but_never_single_votes(client: Client, table: Table) -> None:
    item = table.running_item()
    lifecycle.cast_vote(item, actor=table.members[6], choice="accepted", reason="Long overdue.")
    table.decide(item, "accepted")
    answer = text(get(client, table.cast.support, page_of(item)))
    assert "The board decided" in answer
    assert "Quorum met (5 of 7)." in answer
    assert "Long overdue." not in answer
    assert "Members and their votes" not in answer


def test_the_chair_sees_the_tally_once_there_is_quorum(client: Client, table: Table) -> None:
    item = table.running_item()
    table.vote(item, "", *["accepted"] * 3)
    assert "Leads:" not in text(get(client, table.chair, page_of(item)))
    table.vote(item, "", "", "", "", "accepted")
    assert "Leads: accepted, 4 of 4." in text(get(client, table.chair, page_of(item)))


# The case


def test_the_item_shows_the_whole_case(client: Client, table: Table) -> None:
    first = table.running_item("Rooms at night")
    table.meeting(days=21)
    questions = [("How many rooms are there?", table.cast.requester)]
    change = table.decide(first, "information_required", questions=questions)
    change_lifecycle.answer_question(
        change, actor=table.cast.requester, question=change.questions.get(), answer="Twelve."
    )
    other = table.change("The code behind it")
    change_lifecycle.link(change, actor=table.cast.support, other=other, kind="enabled_by")
    lifecycle.fill_agenda(table.board)
    item = AgendaItem.objects.get(change=change, state="open")
    answer = text(get(client, table.chair, page_of(item)))
    for words in (
        "Please extend the booking hours to 24 hours.",
        "Night staff cannot book rooms.",
        "Space booking restarts once.",
        "Moderate risk",
        "Returning with answers",
        "How many rooms are there?",
        "Twelve.",
        "Before the board earlier",
        "The code behind it",
        "Promises delivery by",
    ):
        assert words in answer


# Voting in the browser


def vote(client: Client, user: User, item: AgendaItem, **fields: Any) -> Any:
    headers = fields.pop("headers", {})
    data = {"seen": item.change.revision, "choice": "accepted", **fields}
    return post(client, user, f"/board/items/{item.pk}/vote/", data, headers=headers)


def test_a_vote_leads_back_to_the_item_and_htmx_gets_the_body_alone(
    client: Client, table: Table
) -> None:
    item = table.running_item()
    answer = vote(client, table.deputy, item, reason="Good.")
    assert answer.status_code == 302
    assert answer["Location"] == f"{page_of(item)}#position"
    assert item.votes.get().reason == "Good."
    answer = vote(client, table.chair, item, headers=HTMX)
    page = text(answer)
    assert answer.status_code == 200
    assert "<html" not in page
    assert "Your vote counts." in page
    assert 'hx-swap-oob="true"' in page
    assert "HX-Request" in answer["Vary"]


def test_a_vote_that_lacks_something_keeps_what_was_typed(client: Client, table: Table) -> None:
    item = table.running_item()
    for choice, sentence in {
        "rejected": "Choose why the change should be",
        "information_required": "Say what the board needs",
        "": "Choose one.",
        "recuse": "is not one of the available choices",
    }.items():
        for headers, status in (({}, 400), (HTMX, 422)):
            said = {"choice": choice, "reason": "Too much."}
            answer = vote(client, table.chair, item, headers=headers, **said)
            assert answer.status_code == status, choice
            assert sentence in text(answer), (choice, status)
            assert "Too much.</textarea>" in text(answer), (choice, status)
            assert not Vote.objects.exists(), (choice, status)


def test_a_vote_on_an_edited_request_is_refused_and_may_be_sent_again(
    client: Client, table: Table
) -> None:
    item = table.running_item()
    change_lifecycle.edit(item.change, actor=table.cast.support, title="Rooms at dawn")
    answer = vote(client, table.chair, item, reason="I like it.")
    assert answer.status_code == 409
    assert "The request was edited since you opened this page." in text(answer)
    assert "I like it.</textarea>" in text(answer)
    assert 'name="seen" value="2"' in text(answer)


def test_a_form_without_its_revision_or_with_nul_is_a_bad_request(
    client: Client, table: Table
) -> None:
    item = table.running_item()
    for wrong in ({}, {"seen": ""}, {"seen": "x"}, {"seen": "1", "reason": "a\x00b"}):
        data = {"choice": "accepted", **wrong}
        answer = post(client, table.chair, f"/board/items/{item.pk}/vote/", data)
        assert answer.status_code == 400, wrong
        assert not Vote.objects.exists(), wrong


def test_recusing(client: Client, table: Table) -> None:
    item = table.running_item()
    address = f"/board/items/{item.pk}/recuse/"
    assert post(client, table.chair, address, {"seen": 1, "reason": ""}).status_code == 400
    data = {"seen": 1, "reason": "My brother's firm."}
    assert post(client, table.chair, address, data).status_code == 302
    answer = text(get(client, table.chair, page_of(item)))
    assert "You are recused" in answer
    assert "My brother&#x27;s firm." in answer


# Outcomes in the browser


def record(client: Client, user: User, item: AgendaItem, **fields: Any) -> Any:
    version = Change.objects.get(pk=item.change_id).version
    data = {"seen": version, "outcome": "accepted", **fields}
    return post(client, user, f"/board/items/{item.pk}/outcome/", data)


def test_without_quorum_the_chair_reads_why_not(client: Client, table: Table) -> None:
    item = table.running_item()
    page = text(get(client, table.chair, page_of(item)))
    assert 'aria-disabled="true" aria-describedby="outcome-why"' in page
    assert "No quorum yet: four more votes are needed (0 of 7)." in page
    answer = record(client, table.chair, item)
    assert answer.status_code == 409
    assert not BoardOutcome.objects.exists()


def test_the_chair_records_what_leads(client: Client, table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["accepted"] * 4)
    assert 'value="accepted" id="outcome_outcome_0" checked' in text(
        get(client, table.chair, page_of(item))
    )
    assert record(client, table.chair, item, reason="It pays.").status_code == 302
    answer = text(get(client, table.cast.support, page_of(item)))
    assert "To be delivered by" in answer
    assert "It pays." in answer


def test_proposed_questions_are_offered_and_asked(client: Client, table: Table) -> None:
    item = table.running_item()
    for member in table.members[:4]:
        question = f"How many rooms has {member}?"
        lifecycle.cast_vote(item, actor=member, choice="information_required", question=question)
    page = text(get(client, table.chair, page_of(item)))
    assert "How many rooms has Cora Chair?</textarea>" in page
    answer = record(
        client,
        table.chair,
        item,
        outcome="information_required",
        question_1="How many rooms?",
        answerer_1=str(table.cast.requester.pk),
        question_2="Which risk?",
        answerer_2=str(table.cast.developer.pk),
        question_3="",
        answerer_3=str(table.cast.requester.pk),
    )
    assert answer.status_code == 302
    asked = [(q.text, q.answerer) for q in item.change.questions.all()]
    assert asked == [
        ("How many rooms?", table.cast.requester),
        ("Which risk?", table.cast.developer),
    ]


def test_questions_cannot_go_to_strangers(client: Client, table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["information_required"] * 4)
    for stranger in (table.cast.stranger_customer, table.cast.colleague):
        answer = record(
            client,
            table.chair,
            item,
            outcome="information_required",
            question_1="Why?",
            answerer_1=str(stranger.pk),
        )
        assert answer.status_code == 400
    assert not item.change.questions.exists()


def test_an_outcome_that_lacks_something_says_so_beside_the_field(
    client: Client, table: Table
) -> None:
    item = table.running_item()
    table.vote(item, *["rejected"] * 4)
    answer = record(
        client, table.chair, item, outcome="rejected", category="addressed_elsewhere", reason="No."
    )
    assert answer.status_code == 400
    assert "Say where the aims are being addressed." in text(answer)
    assert "No.</textarea>" in text(answer)


def test_a_tie_asks_for_the_casting_vote(client: Client, table: Table) -> None:
    item = table.running_item()
    table.vote(item, "accepted", "accepted", "rejected", "rejected")
    assert "I decide by my casting vote" in text(get(client, table.chair, page_of(item)))
    assert record(client, table.chair, item).status_code == 409
    assert record(client, table.chair, item, casting_vote="on").status_code == 302
    for page in (page_of(item), f"/board/meetings/{item.meeting_id}/minutes/"):
        assert "By casting vote" in text(get(client, table.chair, page)), page


def test_members_record_nothing(client: Client, table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["accepted"] * 4)
    assert "Record the outcome" not in text(get(client, table.cast.crb_member, page_of(item)))
    assert record(client, table.cast.crb_member, item).status_code == 403


def test_the_way_down_is_named_by_what_is_there(client: Client, table: Table) -> None:
    item = table.running_item()
    for user, words in (
        (table.cast.crb_member, "Go to the vote<"),
        (table.cast.support, "Go to the tally<"),
        (table.cast.auditor, "Go to the tally<"),
    ):
        assert words in text(get(client, user, page_of(item)))
    table.vote(item, "", "recuse")
    assert "Go to the tally<" in text(get(client, table.cast.crb_member, page_of(item)))
    table.vote(item, "accepted", "", *["accepted"] * 4)
    assert record(client, table.chair, item).status_code == 302
    assert "Go to the outcome<" in text(get(client, table.cast.support, page_of(item)))


# Meetings in the browser


def test_opening_joining_and_closing(client: Client, table: Table) -> None:
    meeting = table.item().meeting
    address = f"/board/meetings/{meeting.pk}/"
    assert "Open the meeting" in text(get(client, table.chair, address))
    assert "Open the meeting" not in text(get(client, table.cast.crb_member, address))
    assert post(client, table.chair, f"{address}start/", {"seen": 1}).status_code == 302
    assert "I am here" in text(get(client, table.cast.crb_member, address))
    assert post(client, table.cast.crb_member, f"{address}join/", {}).status_code == 302
    assert "I am here" not in text(get(client, table.cast.crb_member, address))
    assert post(client, table.cast.crb_member, f"{address}close/", {"seen": 2}).status_code == 403
    assert post(client, table.chair, f"{address}close/", {"seen": 2}).status_code == 302
    assert Meeting.objects.get(pk=meeting.pk).state == "closed"


def test_opening_on_another_day_says_for_which_it_is_planned(client: Client, table: Table) -> None:
    asks = "which is not today. Open it today all the same?"
    for days in (-1, 0, 7):
        meeting = table.meeting(days)
        page = text(get(client, table.chair, meeting.get_absolute_url()))
        planned = f"This meeting is planned for {meeting.date:%A} {meeting.date.day} "
        assert ((planned in page), (asks in page)) == (days != 0, days != 0)
        assert ("Open the meeting of" in page) == (days == 0)


def test_opening_stands_out_from_an_hour_before_the_start(client: Client, table: Table) -> None:
    meeting = table.meeting()
    for before, stands_out in (
        (timedelta(days=6), False),
        (timedelta(minutes=61), False),
        (timedelta(minutes=60), True),
        (-timedelta(minutes=20), True),
    ):
        with time_machine.travel(meeting.starts_at - before, tick=False):
            page = text(get(client, table.chair, meeting.get_absolute_url()))
        found = re.search(r'class="btn( btn-primary)?">(?:(?!<button).)*?Open the meeting<', page)
        assert found and bool(found[1]) == stands_out, before


def test_closing_names_what_could_still_be_recorded(client: Client, table: Table) -> None:
    led, open_ended = table.item("Led <by far>"), table.item("Open-ended")
    lifecycle.start_meeting(led.meeting, actor=table.chair)
    table.vote(open_ended, "accepted")

    def question(user: Any = table.chair) -> str:
        page = text(get(client, user, led.meeting.get_absolute_url()))
        found = re.search(r'data-confirm="(Close the meeting[^"]*)"', page)
        return unescape(found[1]) if found else ""

    assert "not recorded" not in question() and "Items without an outcome go" in question()
    table.vote(led, *["accepted"] * 4)
    assert f"• {led.change.reference} Led <by far>" in question()
    assert "1 item can be decided by its votes" in question()
    assert "Open-ended" not in question()
    assert question(table.cast.crb_member) == ""
    lifecycle.record_outcome(led, actor=table.chair, outcome="accepted")
    assert "not recorded" not in question()


def test_the_clock_names_the_day_unless_it_is_today(client: Client, table: Table) -> None:
    meeting = table.item().meeting
    lifecycle.start_meeting(meeting, actor=table.chair)
    for part in ("", "present/"):
        page = text(get(client, table.chair, meeting.get_absolute_url() + part))
        assert f"Meeting planned until 15:30 on {meeting.date.day} " in page
    with time_machine.travel(meeting.starts_at, tick=False):
        page = text(get(client, table.chair, meeting.get_absolute_url()))
    assert "Meeting until 15:30" in page


def test_a_stale_press_leads_back_to_the_meeting(client: Client, table: Table) -> None:
    meeting = table.meeting()
    lifecycle.start_meeting(meeting, actor=table.deputy)
    answer = post(client, table.chair, f"/board/meetings/{meeting.pk}/start/", {"seen": 1})
    assert answer.status_code == 409
    assert f'href="/board/meetings/{meeting.pk}/"' in text(answer)
    assert "It is now: running." in text(answer)


def test_cancelling_asks_why(client: Client, table: Table) -> None:
    item = table.item()
    address = f"/board/meetings/{item.meeting_id}/cancel/"
    assert "1 item moves to the next meeting" in text(get(client, table.chair, address))
    assert post(client, table.chair, address, {"seen": 1, "reason": " "}).status_code == 400
    assert post(client, table.cast.support, address, {"seen": 1, "reason": "x"}).status_code == 403
    answer = post(client, table.chair, address, {"seen": 1, "reason": "Snow."})
    assert answer.status_code == 302
    page = text(get(client, table.chair, f"/board/meetings/{item.meeting_id}/"))
    assert "Its items wait until the next meeting is planned." in page
    assert "This meeting was cancelled" in page
    assert "Snow." in page


def test_cancelling_an_empty_meeting_speaks_of_no_items(client: Client, table: Table) -> None:
    meeting = table.meeting()
    lifecycle.send_invitations(table.board)
    address = f"/board/meetings/{meeting.pk}/cancel/"
    form = text(get(client, table.chair, address))
    assert "Nothing is on its agenda." in form and "move to the next meeting" not in form
    page = text(client.post(address, {"seen": 1, "reason": "Snow."}, follow=True))
    assert "The meeting is cancelled." in page and "Nothing was on its agenda" in page
    assert "items moved" not in page and "items have moved" not in page
    mail = worded(to=table.deputy.email).latest("pk")
    assert "Snow." in mail.message and "Its items move" not in mail.message


def test_a_cancelled_meetings_link_is_clear(client: Client, table: Table) -> None:
    meeting = table.meeting()
    lifecycle.cancel_meeting(meeting, actor=table.chair, reason="Snow.")
    answer = post(client, table.chair, f"/board/meetings/{meeting.pk}/start/", {"seen": 2})
    assert answer.status_code == 409
    assert "The meeting was cancelled." in text(answer)


# Queries


def test_queries_of_a_meeting(client: Client, table: Table, django_assert_num_queries: Any) -> None:
    costs = {"chair": 14, "crb_member": 14, "support": 15, "auditor": 14}
    items: list[AgendaItem] = []
    for count in (1, 3):
        while len(items) < count:
            items.append(table.running_item(f"Change {len(items)}"))
            table.vote(items[-1], *["accepted"] * 4)
        for part, queries in costs.items():
            client.force_login(getattr(table.cast, part))
            with django_assert_num_queries(queries, info=f"{part}, {count}"):
                assert client.get(page_of(items[0])).status_code == 200


@pytest.mark.parametrize("count", [1, 3])
def test_queries_of_a_case_with_everything(
    client: Client, table: Table, django_assert_num_queries: Any, count: int
) -> None:
    """A change that has been asked about before, whose services others change as well."""
    services = [Service.objects.create(name=name) for name in ("Space", "Assets")]
    for number in range(count):
        table.change(f"Other {number}").services.set(services)
    change = table.change("Rooms at night")
    change.services.set(services)
    table.meeting()
    lifecycle.fill_agenda(table.board)
    item = AgendaItem.objects.get(change=change)
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    table.vote(item, *["information_required"] * 4)
    asked = [(f"How many? {number}", table.cast.developer) for number in range(count)]
    lifecycle.record_outcome(
        item, actor=table.chair, outcome="information_required", questions=asked
    )
    for question in change.questions.all():
        change_lifecycle.answer_question(
            change, actor=table.cast.developer, question=question, answer="Two."
        )
        change = Change.objects.get(pk=change.pk)
    again = lifecycle.add_late(change, item.meeting, actor=table.chair, reason="It is answered.")
    table.vote(again, *["accepted"] * 4)
    client.force_login(table.chair)
    with django_assert_num_queries(17):
        answer = client.get(page_of(again))
    assert "Two." in text(answer)
    assert "Other 0" in text(answer)


def test_queries_of_the_board(client: Client, table: Table, django_assert_num_queries: Any) -> None:
    for number in range(3):
        table.running_item(f"Change {number}")
        table.meeting(days=30 + number)
        if number != 1:  # of one, then of three
            client.force_login(table.chair)
            with django_assert_num_queries(13, info=str(number)):
                assert client.get("/board/").status_code == 200
