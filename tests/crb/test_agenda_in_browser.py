"""The agenda in a browser: reordered by pointer and keys, consent recorded."""

from typing import Any

import pytest
from playwright.sync_api import expect

from crb import lifecycle
from crb.models import AgendaVersion, BoardOutcome, Meeting
from tests.components.browsing import HURRY, sign_in
from tests.crb.conftest import Table
from tests.crb.test_consent import agreed
from tests.crb.test_pages_in_browser import open_page, page_of
from tests.crb.test_publish_agenda import titles

pytestmark = pytest.mark.django_db(transaction=True)


def expect_rows(page: Any, *expected: str) -> None:
    expect(page.locator("[data-order] .agenda-title")).to_have_text(expected)


def test_the_agenda_is_reordered_by_keys_and_by_dragging(
    table: Table, new_page: Any, live_server: Any
) -> None:
    """Keys keep the focus."""
    items = [table.item(name) for name in ("One", "Two", "Three")]
    page = open_page(new_page, live_server, table.chair, page_of(items[0]))
    page.evaluate("window.stillHere = true")
    page.locator(".agenda-link").nth(0).focus()
    page.keyboard.press("Alt+ArrowDown")
    page.get_by_text("Moved to place 2 of 3 open items.").wait_for()
    expect_rows(page, "Two", "One", "Three")
    page.wait_for_function(
        "document.activeElement.closest('[data-item]')?.innerText.includes('One')"
    )
    page.keyboard.press("Alt+ArrowDown")
    page.get_by_text("Moved to place 3 of 3 open items.").wait_for()
    assert page.evaluate("window.stillHere") is True
    assert titles(items[0].meeting) == ["Two", "Three", "One"]

    # What a script has styled is replaced: its style is not copied as an attribute.
    expect_rows(page, "Two", "Three", "One")
    style = "for (const one of document.querySelectorAll('main [id]')) one.style.order = '1'"
    page.evaluate(style)
    drag(page, 2, 0)
    page.get_by_text("Moved to place 1 of 3 open items.").wait_for()
    expect_rows(page, "One", "Two", "Three")
    assert titles(items[0].meeting) == ["One", "Two", "Three"]


def test_a_row_goes_back_where_somebody_else_was_quicker(
    table: Table, new_page: Any, live_server: Any
) -> None:
    items = [table.item(name) for name in ("One", "Two", "Three")]
    page = new_page()
    page.route(
        "**/meetings/*/live/*", lambda route: route.abort()
    )  # or the page had heard of it by itself
    page.add_init_script(f"({HURRY})()")
    sign_in(page, table.chair, live_server)
    page.goto(page_of(items[0]))
    meeting = Meeting.objects.get(pk=items[0].meeting_id)
    keys = [items[1].pk, items[2].pk, items[0].pk]
    lifecycle.reorder_agenda(meeting, actor=table.deputy, order=keys)
    page.get_by_text("Reconnecting…").wait_for()
    drag(page, 0, 1)
    page.get_by_text("The agenda has changed since you opened this page.").wait_for()
    expect_rows(page, "One", "Two", "Three")
    assert titles(meeting) == ["Two", "Three", "One"]


def drag(page: Any, start: int, end: int) -> None:
    grip = page.locator("[data-grip]").nth(start).bounding_box()
    goal = page.locator("[data-order] .agenda-row").nth(end).bounding_box()
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    edge = goal["height"] - 2 if end > start else 2
    page.mouse.move(grip["x"], goal["y"] + edge, steps=8)
    page.mouse.up()


def test_arrows_and_the_batch_work_without_scripts(
    table: Table, new_page: Any, live_server: Any
) -> None:
    batch = [agreed(table, name) for name in ("Agreed", "Also agreed")]
    one = table.item("One")
    two = table.item("Two")
    meeting = lifecycle.start_meeting(one.meeting, actor=table.chair)
    page = open_page(new_page, live_server, table.chair, page_of(one), java_script_enabled=False)
    page.get_by_role("button", name="Move down: One").click()
    assert titles(meeting)[:2] == ["Two", "One"]
    page.get_by_text("Put into another order since").wait_for()
    assert AgendaVersion.objects.count() == 1
    page.get_by_role("link", name="By consent: 2 items").click()
    page.get_by_text("Take out to discuss").first.click()
    page.get_by_label("What is to be discussed?").first.fill("What does it cost?")
    page.get_by_role("button", name="Take out").first.click()
    page.get_by_text("took it out of the consent items").wait_for()
    assert AgendaVersion.objects.get(number=2).reason.startswith("Put into another order. Taken")
    page.get_by_role("link", name="By consent: 1 item").click()
    page.get_by_role("button", name="Record 1 outcome by consent").click()
    page.get_by_text("1 outcome is recorded by consent.").wait_for()
    assert [outcome.item for outcome in BoardOutcome.objects.all()] == [batch[1]]
    assert two.is_open
