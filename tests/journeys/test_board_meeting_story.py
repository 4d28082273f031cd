"""One meeting of the board, with two browsers in it at the same time.

Read it as documentation: every line is something a member does or sees. Nobody reloads a page
while it meets: what others do appears by itself.
"""

from collections.abc import Callable

from django.test import Client

from accounts.models import User
from accounts.roles import Role
from changes.lifecycle import answer_question
from changes.models import Change
from crb import lifecycle
from crb.models import AgendaItem, Meeting
from crb.tasks import fill_agendas
from tests.crb.conftest import Table, new_board, seat
from tests.journeys.conftest import Visitor
from tests.mailing import worded
from tests.people import Cast, person

TITLES = ("Let night porters book rooms", "Show which doors are open")


def at_the_table(cast: Cast) -> Table:
    """A board of three whose quorum is two, and two meetings to come."""
    board = new_board(quorum_count=2, quorum_share=50)
    ben = person("Ben Board", Role.CRB_MEMBER)
    members = [cast.chair, cast.crb_member, ben]
    for member in members:
        seat(board, member, is_chair=member == cast.chair)
    table = Table(board, cast, members)
    table.meeting(days=1)
    table.meeting(days=15)
    return table


def item_named(title: str) -> AgendaItem:
    return AgendaItem.objects.select_related("meeting").get(change__title=title, state="open")


def page_of(item: AgendaItem) -> str:
    return f"{item.meeting.get_absolute_url()}?item={item.pk}"


def expect_text(visitor: Visitor, selector: str, words: str) -> None:
    from playwright.sync_api import expect

    expect(visitor.page.locator(selector)).to_contain_text(words)


def expect_value(visitor: Visitor, selector: str, value: str) -> None:
    from playwright.sync_api import expect

    expect(visitor.page.locator(selector)).to_have_value(value)


def test_a_meeting_of_the_board_in_two_browsers(
    cast: Cast, visitor: Callable[..., Visitor], client: Client
) -> None:
    table = at_the_table(cast)
    for title in TITLES:
        table.change(title)
    fill_agendas()
    rooms, doors = [item_named(title) for title in TITLES]
    meeting = rooms.meeting
    ben = table.members[-1]  # He votes from elsewhere.
    chair, max_ = [visitor(member) for member in table.members[:2]]

    # The chair opens the meeting. Max follows; his page is never loaded again.
    max_.opens(meeting.get_absolute_url())
    chair.opens(meeting.get_absolute_url()).presses("Open the meeting").agrees()
    max_.presses("I am here").sees("You are recorded as present.")
    max_.page.evaluate("window.neverReloaded = true")
    expect_text(chair, "#attendance", "Max Member")
    expect_text(max_, "#meeting-now", TITLES[0])

    # Max has a conflict of interest; Ben and the chair vote, and all see the tally grow.
    max_.unfolds(".recuse > summary")
    max_.writes(".recuse textarea", "My brother works for the supplier.")
    max_.presses("Recuse myself").means_it().sees("You are recused")
    lifecycle.cast_vote(rooms, actor=ben, choice="accepted")
    expect_text(chair, "#tally", "No quorum yet")
    expect_text(chair, "#tally", "1 recused")
    chair.fills(choice="accepted").presses("Vote").sees("Your vote counts.")
    expect_text(chair, "#tally", "Quorum met (2 of 2, 1 recused). Leads: accepted, 2 of 2.")
    expect_text(chair, "#ballots", "Recused")
    chair.fills(outcome="accepted").writes("#outcome-box [name=reason]", "From the spring on.")
    chair.presses("Record the outcome")
    for one in (chair, max_):
        expect_text(one, "#settled", "The board decided")

    # The chair moves on and Max follows. Information is required, from the requester.
    chair.presses("Next item")
    expect_text(max_, "#item-title", TITLES[1])
    question = "Which doors does the control room watch?"
    for one in (ben, cast.chair):
        lifecycle.cast_vote(doors, actor=one, choice="information_required", question=question)
    expect_text(max_, "#tally", "Quorum met (2 of 3).")
    max_.writes("#vote_reason", "I would wait for the new readers.")
    asks = {"outcome": "information_required", "questions": [(question, cast.requester)]}
    lifecycle.record_outcome(doors, actor=cast.chair, **asks)
    for one in (chair, max_):
        expect_text(one, "#settled", "The board decided")
    expect_text(max_, "#vote-box", "what you wrote is kept here")
    expect_value(max_, "#vote_reason", "I would wait for the new readers.")

    # All is decided: the chair closes the meeting, and Max's page says so.
    assert max_.page.evaluate("window.neverReloaded") is True
    chair.presses("Close the meeting").agrees()
    expect_text(max_, "#meeting-lead", "Closed")

    # Grace answers, and the change returns by itself.
    change = Change.objects.get(pk=doors.change_id)
    answers = {"question": change.questions.get(), "answer": "All on the ground floor."}
    answer_question(change, actor=cast.requester, **answers)
    fill_agendas()
    returned = item_named(TITLES[1])
    assert (returned.kind, returned.meeting) == ("returning", following(meeting))
    page = page_for(client, cast.crb_member, page_of(returned))
    assert "Returning with answers" in page and "All on the ground floor." in page
    told = worded(to=cast.crb_member.email).filter(subject__contains=TITLES[1])
    assert told.exists()

    # The minutes have written themselves; the chair adds a sentence and publishes them.
    minutes = f"{meeting.get_absolute_url()}minutes/"
    page = page_for(client, cast.chair, minutes)
    assert "My brother works for the supplier." in page and question in page
    meeting = Meeting.objects.get(pk=meeting.pk)
    thanks = "The board thanked Max for his candour."
    lifecycle.write_minutes(meeting, actor=cast.chair, text=thanks)
    lifecycle.publish_minutes(meeting, actor=cast.chair)
    page = page_for(client, cast.support, minutes)
    assert thanks in page and TITLES[0] in page
    assert "My brother" not in page


def page_for(client: Client, user: User, address: str) -> str:
    """Return a page as somebody reads it."""
    client.force_login(user)
    return client.get(address).content.decode()


def following(meeting: Meeting) -> Meeting:
    return meeting.board.meetings.filter(starts_at__gt=meeting.starts_at).earliest("starts_at")
