"""The chair before a tie, in a browser: what is missing is said in time and in sight."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.components.browsing import sign_in
from tests.crb.conftest import Table

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_tie_waits_for_the_chair_and_a_refusal_is_in_sight(
    table: Table, new_page: Any, live_server: Any
) -> None:
    item = table.running_item()
    table.vote(item, "accepted", "accepted", "information_required", "information_required")
    page = new_page(width=1280, height=720)
    sign_in(page, table.chair, live_server)
    page.goto(item.get_absolute_url())
    box = page.locator("#outcome-box")
    box.get_by_text("The mail is shown here when an outcome is chosen.").wait_for()
    expect(box.get_by_text("This field is required")).to_have_count(0)
    box.locator("label", has=page.locator("[value=accepted]")).click()
    box.get_by_role("button", name="Record the outcome").click()
    alert = page.get_by_role("alert").filter(has_text="Confirm that you decide it")
    alert.wait_for()
    page.wait_for_function("document.activeElement.matches('[role=alert]')")
    expect(alert).to_be_in_viewport(ratio=1)
