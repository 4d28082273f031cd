"""The chair marks who is there, with a press each, and nothing typed is lost meanwhile."""

from typing import Any

import pytest
from playwright.sync_api import expect

from crb import lifecycle
from tests.components.looks import faults, fits, unfold
from tests.crb.conftest import Table
from tests.crb.test_live_in_browser import open_meeting

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_press_marks_and_takes_nothing_typed(
    table: Table, new_page: Any, live_server: Any
) -> None:
    item, member = table.running_item(), table.members[2]
    lifecycle.join_meeting(item.meeting, actor=member)
    how = {"width": 360, "color_scheme": "dark", "listens": True}
    page = open_meeting(new_page, live_server, table.chair, item, **how)
    row = page.locator("#attendance .attendance-row").filter(has_text=str(member))
    row.locator("summary").press("Enter")
    row.get_by_role("button", name="Left").press("Enter")
    expect(row.locator(".badge")).to_contain_text("Left")
    expect(row).to_contain_text("Own mark: here since")
    expect(row.locator("summary")).to_be_focused()

    lifecycle.join_meeting(item.meeting, actor=table.members[4])
    expect(page.locator("#attendance")).to_contain_text("2 of 7 present")
    expect(row.locator("summary")).to_be_focused()

    page.get_by_text("Add a guest or presenter").click()
    name = page.get_by_label("Name of somebody without a seat here")
    name.fill("Gail Guest")
    lifecycle.join_meeting(item.meeting, actor=table.members[3])
    page.wait_for_function("words => JSON.stringify(window.heard).includes(words)", arg="3 of 7 pr")
    expect(name).to_have_value("Gail Guest")
    page.get_by_role("button", name="Is here").click()
    expect(page.locator("#attendance")).to_contain_text("3 of 7 present")
    expect(page.locator(".attendance-guest")).to_have_text("Gail Guest")
    assert page.evaluate("window.stillHere") is True
    unfold(page)
    assert fits(page)
    assert not faults(page)
