"""Minutes in a browser: the chair writes and publishes, a member reads on a phone."""

from typing import Any

import pytest
from playwright.sync_api import expect

from crb import lifecycle
from crb.models import Action, AgendaItem, Meeting, Minutes
from tests.components.browsing import sign_in
from tests.components.looks import looks, unfold
from tests.crb.conftest import Table
from tests.crb.test_pages_in_browser import open_page

pytestmark = pytest.mark.django_db(transaction=True)

KEPT = """(words) => Object.entries(sessionStorage).some(
    ([key, text]) => key.startsWith("draft:") && text.includes(words))"""
"""What is typed is kept in the tab a moment later."""
DRAFTS = "Object.keys(sessionStorage).filter((name) => name.startsWith('draft'))"


def running(table: Table) -> AgendaItem:
    item = table.running_item("Open the loading bay calendar to night porters")
    table.vote(item, "accepted", "accepted", "accepted", "rejected", "recuse")
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted", reason="Long overdue.")
    return AgendaItem.objects.get(pk=item.pk)


def close(table: Table, item: AgendaItem) -> Meeting:
    lifecycle.close_meeting(Meeting.objects.get(pk=item.meeting_id), actor=table.chair)
    return Meeting.objects.get(pk=item.meeting_id)


def test_the_chair_writes_and_publishes_and_a_member_reads_on_a_phone(
    table: Table, new_page: Any, live_server: Any
) -> None:
    item = running(table)
    meeting = close(table, item)
    page = open_page(new_page, live_server, table.chair, meeting.get_absolute_url())
    page.get_by_role("link", name="Write the minutes").click()
    page.get_by_role("textbox", name="Remarks").wait_for()
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.evaluate("window.stillHere = true")
    page.get_by_role("textbox", name="Remarks").fill("Half-typed remarks.")
    page.get_by_label("Discussion").fill("Max asked what it costs.")
    section = page.locator(f"#section-{item.pk}")
    section.get_by_role("button", name="Save").click()
    section.get_by_text("Saved").wait_for()
    expect(page.get_by_role("textbox", name="Remarks")).to_have_value("Half-typed remarks.")
    page.locator("#section-remarks").get_by_role("button", name="Save").click()
    page.locator("#section-remarks").get_by_text("Saved").wait_for()
    assert page.evaluate("window.stillHere") is True

    # What nobody saved is published too, and then not kept in the tab.
    page.get_by_role("textbox", name="Remarks").fill("Remarks, typed to the end.")
    page.get_by_label("Discussion").fill("Max asked what it costs, and when.")
    page.get_by_role("button", name="Publish the minutes").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish the minutes").click()
    page.get_by_text("The minutes are published and on their way by mail.").wait_for()
    page.get_by_text("Published on").wait_for()
    assert asked == []
    for words in ("Remarks, typed to the end.", "Max asked what it costs, and when."):
        page.get_by_text(words).wait_for()
    page.wait_for_function(f"({DRAFTS}).length === 0")
    expect(page.get_by_label("Discussion")).to_have_count(0)
    phone = open_page(
        new_page, live_server, table.cast.crb_member, page.url, width=360, color_scheme="dark"
    )
    phone.get_by_text("Max asked what it costs, and when.").wait_for()
    phone.get_by_text("Members and their votes").click()
    phone.get_by_role("cell", name="Reject").wait_for()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    assert Minutes.objects.get().remarks == "Remarks, typed to the end."


def test_whoever_is_second_sees_both_texts_and_is_offered_what_was_not_saved(
    table: Table, new_page: Any, live_server: Any
) -> None:
    item = running(table)
    meeting = close(table, item)
    address = f"{meeting.get_absolute_url()}minutes/"
    page = open_page(new_page, live_server, table.chair, address)
    page.get_by_label("Discussion").fill("By the chair.")
    lifecycle.write_minutes(meeting, actor=table.deputy, text="By the deputy.", item=item)
    section = page.locator(f"#section-{item.pk}")
    section.get_by_role("button", name="Save").click()
    section.get_by_text("That was not saved").wait_for()
    section.locator("blockquote", has_text="By the deputy.").wait_for()
    expect(page.get_by_label("Discussion")).to_have_value("By the chair.")
    section.get_by_role("button", name="Save").click()
    section.get_by_text("Saved", exact=True).wait_for()
    assert AgendaItem.objects.get(pk=item.pk).discussion == "By the chair."
    page.get_by_role("textbox", name="Remarks").fill("Saved words. ")
    page.locator("#section-remarks").get_by_role("button", name="Save").click()
    page.locator("#section-remarks").get_by_text("Saved", exact=True).wait_for()
    page.goto(address)
    expect(page.locator("[data-draft-restore]")).to_have_count(0)
    expect(page.get_by_role("textbox", name="Remarks")).to_have_value("Saved words. ")

    # The print leaves out what only a screen needs.
    page.emulate_media(media="print")
    page.locator(".minutes-print", has_text="Saved words.").wait_for()
    for hidden in ("textarea", ".minutes-publish", ".app-header", ".breadcrumb"):
        expect(page.locator(hidden).first).to_be_hidden()
    page.emulate_media(media="screen")
    nothing_is_published_over_what_is_offered(page)

    # An addendum that has arrived is not offered again.
    page.get_by_role("textbox", name="Addendum").fill("Bea was there.")
    page.get_by_role("button", name="Add to the minutes").click()
    page.get_by_role("dialog").get_by_role("button", name="Add to the minutes").click()
    page.get_by_text("The addendum is added and on its way by mail.").wait_for()
    expect(page.locator("[data-draft-restore]")).to_have_count(0)
    page.goto(address)
    expect(page.locator("[data-draft-restore]")).to_have_count(0)


def nothing_is_published_over_what_is_offered(page: Any) -> None:
    """What was typed and not sent is offered; it is put back or discarded before one publishes."""
    page.get_by_role("textbox", name="Remarks").fill("Typed and not saved.")
    page.wait_for_function(KEPT, arg="Typed and not saved.")
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.get_by_text("You had typed something here that was not sent.").wait_for()
    page.get_by_role("button", name="Publish the minutes").click()
    expect(page.get_by_text("Put it back or discard it first")).to_be_visible()
    expect(page.get_by_role("button", name="Put it back")).to_be_focused()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert not Minutes.objects.filter(published_at__isnull=False).exists()
    page.get_by_role("button", name="Put it back").click()
    page.get_by_role("button", name="Publish the minutes").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish the minutes").click()
    page.get_by_text("The minutes are published and on their way by mail.").wait_for()
    assert Minutes.objects.get().remarks == "Typed and not saved."


def test_an_action_is_recorded_during_the_meeting(
    table: Table, new_page: Any, live_server: Any
) -> None:
    item = running(table)
    page = open_page(new_page, live_server, table.chair, item.get_absolute_url())
    page.evaluate("window.stillHere = true")
    page.get_by_text("Record an action").click()
    box = page.locator("#actions")
    box.get_by_role("button", name="Record the action").click()
    box.get_by_text("Fill this in.").first.wait_for()
    box.get_by_label("What is to be done?").fill("Ask the vendor")
    box.get_by_label("Owner").select_option(label="Dan Developer")
    box.get_by_label("About").select_option(index=1)
    box.get_by_role("button", name="Record the action").click()
    box.get_by_text("Ask the vendor").first.wait_for()
    assert page.evaluate("window.stillHere") is True
    found = Action.objects.get()
    assert (found.owner, found.item) == (table.cast.developer, item)


def test_without_scripts_what_stands_in_the_boxes_is_published(
    table: Table, new_page: Any, live_server: Any
) -> None:
    meeting = close(table, running(table))
    address = f"{meeting.get_absolute_url()}minutes/"
    page = open_page(new_page, live_server, table.chair, address, java_script_enabled=False)
    page.get_by_role("textbox", name="Remarks").fill("Welcome.")
    page.locator("#section-remarks").get_by_role("button", name="Save").click()
    expect(page.get_by_role("textbox", name="Remarks")).to_have_value("Welcome.")
    assert Minutes.objects.get().remarks == "Welcome."
    page.get_by_role("textbox", name="Remarks").fill("Nobody saved this.")
    page.get_by_label("Discussion").fill("Nor this.")
    page.get_by_role("button", name="Publish the minutes").click()
    page.get_by_text("The minutes are published and on their way by mail.").wait_for()
    page.get_by_text("Published on").wait_for()
    for words in ("Nobody saved this.", "Nor this."):
        page.get_by_text(words).wait_for()


def test_pages_are_accessible_and_fit(table: Table, new_page: Any, live_server: Any) -> None:
    item = running(table)
    fields = {"owner": table.cast.developer, "due_on": item.meeting.date}
    for text in ("Ask the vendor", "W" * 120):
        lifecycle.record_action(item.meeting, actor=table.chair, text=text, item=item, **fields)
    meeting = close(table, item)
    lifecycle.write_minutes(meeting, actor=table.chair, text="Welcome.\n\n" + "W" * 120)
    minutes = f"{meeting.get_absolute_url()}minutes/"
    page = new_page()
    sign_in(page, table.chair, live_server)
    with looks(page) as look:
        look.over_address(minutes, unfold)
        look.over_address(meeting.get_absolute_url(), unfold)
        look.over_address("/board/actions/", unfold)
        look.over_address(f"/board/actions/{Action.objects.first().pk}/edit/", unfold)
        lifecycle.publish_minutes(Meeting.objects.get(pk=meeting.pk), actor=table.chair)
        look.over_address(minutes, unfold)
