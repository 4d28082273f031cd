"""One meeting of the board, with three browsers in it at the same time.

Read it as documentation: every line is something a member does or sees. Nobody reloads a page
unless it says so: what others do appears by itself.
"""

import re
from collections.abc import Callable

from accounts.roles import Role
from changes.models import Change
from crb.models import AgendaItem, Meeting
from crb.tasks import fill_agendas
from tests.crb.conftest import Table, new_board, seat
from tests.journeys.conftest import Visitor
from tests.mailing import worded
from tests.people import Cast, person

TITLES = (
    "Let night porters book rooms",
    "Alarms for cold stores",
    "Show which doors are open",
    "Longer names for sites",
)
ANSWER_LINK = re.compile(r"https?://[^/\s]+(/r/\S+)")


def at_the_table(cast: Cast) -> Table:
    """A board of three whose quorum is two, and two meetings to come."""
    board = new_board(quorum_count=2, quorum_share=50, consent_count=2)
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


def test_a_meeting_of_the_board_in_three_browsers(
    cast: Cast, visitor: Callable[..., Visitor]
) -> None:
    table = at_the_table(cast)
    for title in TITLES:
        table.change(title)
    fill_agendas()
    rooms, alarms, doors, names = [item_named(title) for title in TITLES]
    chair, max_, ben = [visitor(member) for member in table.members]

    # Before the meeting all agree on the longer names: it becomes a consent item, listed last.
    for one in (chair, max_, ben):
        one.opens(page_of(names)).fills(choice="accepted").presses("Vote")
        one.sees("Your vote counts.")
    chair.opens(rooms.meeting.get_absolute_url()).sees("By consent: 1 item")

    # The chair opens the meeting. The others follow; the pages are never loaded again.
    for one in (max_, ben):
        one.opens(rooms.meeting.get_absolute_url())
    chair.presses("Open the meeting").agrees()
    for one in (max_, ben):
        one.presses("I am here").sees("You are recorded as present.")
        one.page.evaluate("window.neverReloaded = true")
    expect_text(chair, "#attendance", "Max Member")
    expect_text(max_, "#meeting-now", "Let night porters book rooms")

    # Ben has a conflict of interest; Max and the chair vote, and each sees the tally grow.
    ben.page.locator(".recuse > summary").click()
    ben.page.locator(".recuse textarea").fill("My brother works for the supplier.")
    ben.presses("Recuse myself").means_it().sees("You are recused")
    max_.fills(choice="accepted").presses("Vote").sees("Your vote counts.")
    expect_text(max_, "#tally", "No quorum yet")
    expect_text(max_, "#tally", "1 recused")
    chair.fills(choice="accepted").presses("Vote").sees("Your vote counts.")
    expect_text(max_, "#tally", "Quorum met (2 of 2, 1 recused). Leads: accepted, 2 of 2.")
    expect_text(max_, "#ballots", "Recused")
    chair.page.locator("#outcome-box [name=reason]").fill("From the spring on.")
    chair.fills(outcome="accepted").presses("Record the outcome")
    for one in (chair, max_, ben):
        expect_text(one, "#settled", "The board decided")

    # The chair moves on and the others follow. A tie: only the casting vote can break it.
    chair.presses("Next item")
    for one in (max_, ben):
        expect_text(one, "#item-title", "Alarms for cold stores")
    max_.fills(choice="rejected", category="not_strategic").presses("Vote")
    max_.sees("Your vote counts.")
    ben.fills(choice="abstain").presses("Vote").sees("Your vote counts.")
    chair.fills(choice="accepted").presses("Vote").sees("Your vote counts.")
    for one in (ben, chair):
        expect_text(one, "#tally", "Tied: accepted and rejected, 1 each.")
    chair.fills(outcome="accepted").presses("Record the outcome")
    refusal = "#position > [data-error-summary]"  # the mail's preview may have said it before
    expect_text(chair, refusal, "The votes are tied. Confirm that you decide it")
    chair.page.get_by_label("The votes are tied: I decide by my casting vote").check()
    chair.presses("Record the outcome")
    expect_text(max_, "#settled", "By casting vote")

    # Information is required, from the requester. Max is writing while it is decided.
    chair.presses("Next item")
    for one in (max_, ben):
        expect_text(one, "#item-title", "Show which doors are open")
    question = "Which doors does the control room watch?"
    for one in (ben, chair):
        one.fills(choice="information_required", question=question).presses("Vote")
        one.sees("Your vote counts.")
    max_.page.locator("#vote_reason").fill("I would wait for the new readers.")
    chair.fills(
        outcome="information_required", question_1=question, answerer_1=cast.requester.pk
    ).presses("Record the outcome")
    expect_text(ben, "#settled", "The board decided")
    expect_text(max_, "#vote-box", "what you wrote is kept here")
    expect_value(max_, "#vote_reason", "I would wait for the new readers.")

    # What all agreed on is recorded as one batch, each item with an outcome of its own.
    chair.opens(f"{rooms.meeting.get_absolute_url()}?show=consent")
    chair.presses("Record 1 outcome by consent").agrees()
    chair.sees("1 outcome is recorded by consent.")
    assert Change.objects.get(title=names.change.title).state == "requirements"
    for one in (max_, ben):
        assert one.page.evaluate("window.neverReloaded") is True
    chair.presses("Close the meeting").agrees()
    expect_text(ben, "#meeting-lead", "Closed")

    # Grace answers from her mail, without an account; the change returns by itself.
    phone = visitor(None, width=360, height=740)
    phone.opens(answer_address(cast)).sees(question)
    phone.page.locator("main textarea[name=answer]").fill("All on the ground floor.")
    phone.sends().sees("Thank you")
    fill_agendas()
    returned = item_named("Show which doors are open")
    assert (returned.kind, returned.meeting) == ("returning", following(rooms.meeting))
    max_.opens(page_of(returned)).sees("Returning with answers", "All on the ground floor.")
    told = worded(to=cast.crb_member.email).filter(subject__contains="Show which doors")
    assert told.exists()

    # The minutes have written themselves; the chair adds a sentence and publishes them.
    chair.opens(f"{rooms.meeting.get_absolute_url()}minutes/")
    chair.sees("By casting vote", "My brother works for the supplier.", question)
    write_remarks(chair, "The board thanked Ben for his candour.")
    chair.presses("Publish the minutes").agrees()
    chair.sees("Published")
    reader = visitor(cast.support, after=phone)
    reader.opens(f"{rooms.meeting.get_absolute_url()}minutes/")
    reader.sees("The board thanked Ben for his candour.", "Longer names for sites")
    assert "My brother" not in reader.page.locator("main").inner_text()


def answer_address(cast: Cast) -> str:
    """Return the path of the link by which the requester answers the board."""
    for email in worded(to=cast.requester.email).order_by("-pk"):
        match = ANSWER_LINK.search(email.message)
        if match and "has a question for you" in email.subject:
            return match.group(1)
    raise AssertionError("The requester has no mail with a link")


def following(meeting: Meeting) -> Meeting:
    return meeting.board.meetings.filter(starts_at__gt=meeting.starts_at).earliest("starts_at")


def write_remarks(chair: Visitor, words: str) -> None:
    """Write into the minutes' first section."""
    section = chair.page.locator("section[aria-labelledby=remarks-title]")
    section.locator("textarea").fill(words)
    section.get_by_role("button", name="Save").click()
    section.get_by_text("Saved").wait_for()
