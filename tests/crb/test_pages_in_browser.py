"""The board in a browser: voting without a reload and without a script, readable for all."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from crb import lifecycle, queries
from crb.models import AgendaItem
from tests.components.browsing import sign_in, wait_while_held
from tests.components.looks import looks, unfold
from tests.crb.conftest import Table
from tests.crb.test_consent import agreed

pytestmark = pytest.mark.django_db(transaction=True)
UP_TO_DATE = "Live: what happens appears here by itself"


def open_page(new_page: Any, live_server: Any, user: Any, address: str, **options: Any) -> Any:
    page = new_page(**options)
    sign_in(page, user, live_server)
    page.goto(address)
    return page


def page_of(item: AgendaItem) -> str:
    return f"/board/meetings/{item.meeting_id}/?item={item.pk}"


def test_pages_are_accessible_and_fit(table: Table, new_page: Any, live_server: Any) -> None:
    """The meeting over its time, as each sees it: planned, with late and consent items."""
    item, second = full_meeting(table)
    base = f"/board/meetings/{item.meeting_id}/"
    later = table.meeting(days=21).get_absolute_url()
    table.meeting(days=35)
    lifecycle.fill_agenda(table.board)
    by_ballot = [table.change(f"Change {number}") for number in range(2)]
    deadline = timezone.now() + timedelta(days=3, minutes=1)
    ballot = lifecycle.open_ballot(
        table.board, actor=table.chair, changes=by_ballot, deadline=deadline, reason="It is urgent."
    )
    table.vote(ballot.items.first(), *["information_required"] * 4)
    looked_over = (
        (table.cast.crb_member, unfold, ("/board/", page_of(item))),
        (table.cast.support, unfold, (page_of(item),)),
        (table.chair, wait_for_clock, (page_of(second), f"{base}present/")),
        (table.chair, unfold, (base, f"{base}?show=consent", f"{base}agenda/2/", f"{base}late/")),
        (table.chair, unfold, (later, f"{later}cancel/")),
    )
    page = new_page()
    with looks(page) as look:
        for user, prepare, addresses in looked_over:
            sign_in(page, user, live_server)
            for address in addresses:
                look.over_address(address, prepare)


def full_meeting(table: Table) -> tuple[AgendaItem, AgendaItem]:
    """Open a meeting with everything; return the item that it is at, and the one after it.

    The first has used up more time than it was given, and a vote of every kind.
    """
    consent = agreed(table, "Open the loading bay calendar to night porters")
    item = table.item("Round the clock alarms for cold stores")
    second = table.item("Alarms")
    lifecycle.plan_item(
        item, actor=table.chair, presenter=table.cast.developer, time_box=95, notes="Porters!"
    )
    lifecycle.publish_agenda(consent.meeting, actor=table.chair)
    late = table.change("Late")
    lifecycle.add_late(late, consent.meeting, actor=table.chair, reason="The law changes.")
    table.change("Even later")
    lifecycle.start_meeting(consent.meeting, actor=table.chair)
    AgendaItem.objects.filter(pk=item.pk).update(seconds_spent=7200)
    table.vote(item, "", "", "accepted", "rejected", "information_required", "abstain", "recuse")
    lifecycle.cast_vote(item, actor=table.chair, choice="accepted", reason="Long overdue.")
    return item, second


def wait_for_clock(page: Any) -> None:
    """Wait until the page is live and says that the time is over."""
    expect(page.get_by_text(UP_TO_DATE)).to_be_visible()
    expect(page.locator(".clock.is-over").get_by_text("over time")).to_be_visible()


def test_voting_does_not_reload_the_page_and_is_told_when_it_is_late(
    table: Table, new_page: Any, live_server: Any
) -> None:
    item = table.running_item("Rooms at night")
    lifecycle.cast_vote(item, actor=table.chair, choice="accepted", reason="Long overdue.")
    page = open_page(new_page, live_server, table.cast.crb_member, page_of(item))
    page.evaluate("window.stillHere = true")
    expect(page.get_by_text("Long overdue.")).to_have_count(0)
    page.get_by_text("Reject", exact=True).click()
    page.get_by_label("Reason", exact=True).fill("We leave this market.")
    page.get_by_role("button", name="Vote", exact=True).click()
    page.get_by_text("Choose why the change should be rejected.").first.wait_for()
    expect(page.get_by_label("Reason", exact=True)).to_have_value("We leave this market.")
    page.get_by_label("Why should it be rejected?").select_option("not_strategic")
    page.get_by_role("button", name="Vote", exact=True).click()
    page.get_by_text("Long overdue.").wait_for()
    assert page.evaluate("window.stillHere") is True
    assert item.votes.get(member=table.cast.crb_member).reason == "We leave this market."

    # What comes after the meeting is closed is told, and stays readable.
    page.get_by_text("Change your vote").click()
    page.locator("#vote_choice").get_by_text("Accept", exact=True).click()
    page.get_by_label("Reason", exact=True).fill("Please, this winter.")
    expect(page.get_by_text(UP_TO_DATE)).to_be_visible()
    lifecycle.close_meeting(item.meeting, actor=table.chair)
    expect(page.locator("#vote-box")).to_contain_text("what you wrote is kept here")
    page.get_by_role("button", name="Vote again").click()
    page.get_by_text("That was not recorded").wait_for()
    page.get_by_text("The meeting is closed.").wait_for()
    page.get_by_text("Please, this winter.").wait_for()
    assert item.votes.get(member=table.cast.crb_member).choice == "rejected"


def test_the_agenda_leads_to_items_and_the_chair_asks_what_is_typed(
    table: Table, new_page: Any, live_server: Any
) -> None:
    """The mail follows what is typed, which neither another question nor news take away."""
    first = table.running_item("Rooms at night")
    second = table.running_item("Alarms for cold stores")
    table.vote(first, *["information_required"] * 4)
    page = open_page(new_page, live_server, table.chair, page_of(first))
    page.get_by_role("link", name="Next", exact=True).click()
    page.get_by_role("heading", name="Alarms for cold stores").wait_for()
    page.wait_for_url(f"**/?item={second.pk}")
    page.wait_for_function("document.activeElement.id === 'item-title'")
    page.go_back()
    page.get_by_role("heading", name="Rooms at night").wait_for()
    page.locator("header.app-header").wait_for()
    box, in_all = page.locator(".record-outcome"), "How many rooms are there in all?"
    expect(box.get_by_label("Question 1")).to_have_value("How many rooms?")
    box.get_by_label("Question 1").fill(in_all)
    box.get_by_label("Reason, for the requester").fill("Then we can say what it costs.")
    mail = box.locator("#outcome-preview pre")
    expect(mail).to_contain_text("Then we can say what it costs.")
    expect(mail).to_contain_text(f"> {in_all}")

    box.get_by_role("button", name="One more question").click()
    expect(box.get_by_label("Question 4")).to_be_visible()
    page.wait_for_function("document.activeElement.name === 'question_4'")
    expect(box.get_by_label("Question 1")).to_have_value(in_all)
    page.locator("#item-title").click()
    expect(page.get_by_text(UP_TO_DATE)).to_be_visible()
    lifecycle.cast_vote(
        first, actor=table.members[5], choice="information_required", question="Who pays?"
    )
    expect(page.locator("#tally")).to_contain_text("(5 of 7)")
    page.locator("#item-title").click()
    expect(box.get_by_label("Question 1")).to_have_value(in_all)

    answerer = box.get_by_label("To be answered by").first
    expect(answerer).to_have_value(str(table.cast.requester.pk))  # whom nobody needs to choose
    answerer.select_option(label="Dan Developer")
    box.get_by_role("button", name="Record the outcome").click()
    page.get_by_role("heading", name="The board decided").wait_for()
    asked = first.change.questions.get()
    assert (asked.answerer, asked.text) == (table.cast.developer, in_all)


def test_what_ends_a_change_and_a_recusal_ask_first(
    table: Table, new_page: Any, live_server: Any
) -> None:
    """Costs 4 s. Another outcome is recorded at once, as other tests show."""
    item = table.running_item("Rooms at night")
    table.vote(item, *["rejected"] * 4)
    page = open_page(new_page, live_server, table.chair, page_of(item))
    question, box = page.locator("#confirm-dialog"), page.locator(".record-outcome")
    page.locator(".recuse > summary").click()
    page.locator(".recuse textarea").fill("My brother works there.")
    page.get_by_role("button", name="Recuse myself").click()
    expect(question).to_contain_text(f"Recuse yourself from {item.change.reference}?")
    question.get_by_role("button", name="Cancel").click()
    expect(page.locator(".recuse textarea")).to_have_value("My brother works there.")

    reason = box.get_by_label("Reason, for the requester")
    reason.fill("Nobody else needs it.")
    box.get_by_role("button", name="Record the outcome").click()
    expect(question).to_contain_text("This ends the change, and the requester is told why.")
    question.get_by_role("button", name="Cancel").click()
    expect(reason).to_have_value("Nobody else needs it.")
    assert AgendaItem.objects.get(pk=item.pk).state == "open"
    assert not item.votes.filter(choice="recuse").exists()

    box.get_by_role("button", name="Record the outcome").click()
    question.get_by_role("button", name="Record the outcome").click()
    expect(page.locator("#settled")).to_contain_text("Rejected")


def test_an_outcome_on_its_way_is_not_previewed_any_more(
    table: Table, new_page: Any, live_server: Any
) -> None:
    """What a preview says about it could be taken for the answer: that the votes are tied.

    What is missing is said in time and in sight, before the outcome waits for the chair.
    """
    item = table.running_item("Rooms at night")
    table.vote(item, "accepted", "accepted", "rejected", "rejected")
    page = open_page(new_page, live_server, table.chair, page_of(item), height=720)
    box = page.locator(".record-outcome")
    expect(box).to_contain_text("The mail is shown here when an outcome is chosen.")
    expect(box.get_by_text("This field is required")).to_have_count(0)
    on_its_way: list[Any] = []
    for address in ("**/outcome/preview/", "**/outcome/"):
        page.route(address, lambda route: on_its_way.append(route))
    with page.expect_request("**/outcome/preview/"):
        box.get_by_text("Accepted", exact=True).click()
    with page.expect_event("requestfailed", lambda it: it.url.endswith("/outcome/preview/")):
        box.get_by_role("button", name="Record the outcome").click()
    box.get_by_label("Reason, for the requester").fill("It pays.")
    wait_while_held(page, lambda: len(on_its_way) >= 2)
    on_its_way[-1].continue_()
    page.unroute_all()
    refusal = page.locator("#position > [data-error-summary]")
    expect(refusal).to_contain_text("Confirm that you decide it by your casting vote.")
    page.wait_for_function("document.activeElement.matches('[role=alert]')")
    expect(refusal).to_be_in_viewport(ratio=1)
    box.get_by_label("The votes are tied: I decide by my casting vote").check()
    box.get_by_role("button", name="Record the outcome").click()
    expect(page.locator("#settled")).to_contain_text("By casting vote")


def test_without_scripts_everything_works(table: Table, new_page: Any, live_server: Any) -> None:
    """The chair votes, and records the outcome in two steps."""
    item = table.running_item("Rooms at night")
    table.vote(item, "", "accepted", "accepted", "accepted")
    page = open_page(new_page, live_server, table.chair, page_of(item), java_script_enabled=False)
    page.get_by_text("Accept", exact=True).click()
    page.get_by_role("button", name="Vote", exact=True).click()
    page.get_by_text("Your vote counts.").first.wait_for()
    assert queries.tally_of(AgendaItem.objects.get(pk=item.pk)).voted == 4
    box = page.locator("#outcome-box")
    box.get_by_label("Reason, for the requester").fill("It pays for itself.")
    box.get_by_role("button", name="Preview the mail").last.click()
    expect(box.locator("#outcome-preview pre")).to_contain_text("It pays for itself.")
    box.get_by_role("button", name="Record the outcome").click()
    page.get_by_role("heading", name="The board decided").wait_for()
