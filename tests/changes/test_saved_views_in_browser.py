"""A view is saved, changed and opened, by keyboard. Costs 3 s."""

import re
from typing import Any

from playwright.sync_api import expect

from accounts.roles import Role
from changes import lifecycle
from tests.components.browsing import hurried, sign_in
from tests.people import Cast
from tests.stories import in_requirements, submitted

ROWS = ".change-rows > tr"


def test_a_view_is_kept_changed_and_opened(
    new_page: Any, live_server: Any, transactional_db: None, cast: Cast
) -> None:
    submitted(cast, title="Inspect the boiler")
    in_requirements(cast)
    lifecycle.save_view(
        None, actor=cast.chair, name="Ballots", shared=f"role:{Role.CRB_MEMBER}", filters={}
    )
    page = new_page()
    sign_in(page, cast.crb_member, live_server)
    page.goto("/changes/?sort=-reference")
    page.locator(".list-menu > summary", has_text=re.compile(r"^\s*State\s*$")).click()
    page.get_by_label("Submitted", exact=True).check()
    expect(page.locator(ROWS)).to_have_count(1)
    # What stands above the list goes on from its filters too.
    export = page.get_by_role("link", name="Export as CSV")
    expect(export).to_have_attribute("href", "/changes/export/?state=submitted")
    tab = page.get_by_role("link", name="Open", exact=True)
    expect(tab).to_have_attribute("href", "?view=open&state=submitted")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Save this view").click()  # came with the rows
    expect(page.get_by_text("State: Submitted")).to_be_visible()
    page.get_by_label("Name").fill("New ones")
    page.get_by_label("Who sees it").select_option(label="Everybody with the role CRB member")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_url(re.compile(r"/changes/\?saved=\d+$"))
    here = page.url

    # A change against it is offered to be kept, and the address says both.
    with hurried(page):
        page.locator("#list-q").fill("boil")
        expect(page).to_have_url(re.compile(r"/changes/\?saved=\d+&q=boil&state=submitted$"))
    expect(page.get_by_role("link", name="Save as")).to_be_visible()
    page.get_by_role("button", name="Update").click()
    expect(page).to_have_url(here)
    expect(page.locator("#list-q")).to_have_value("boil")
    expect(page.get_by_role("button", name="Update")).to_have_count(0)

    # By keyboard: from one view to the other, which all of the list follows.
    page.locator(".list-saved > summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".list-saved [aria-current=page]")).to_have_text("New ones")
    page.get_by_role("link", name="Ballots").focus()
    page.keyboard.press("Enter")
    expect(page.locator(ROWS)).to_have_count(2)
    expect(page.locator(".list-saved > summary")).to_contain_text("Ballots")
    page.go_back()
    expect(page.locator(ROWS)).to_have_count(1)

    # The way back from a change keeps the view.
    page.get_by_role("link", name="Inspect the boiler").click()
    page.go_back()
    expect(page).to_have_url(here)

    # Columns, by keyboard: what was pressed is there to be pressed again, filters go on from it.
    page.get_by_role("link", name="Columns", exact=True).press("Enter")
    page.get_by_role("link", name="Leave out Type").press("Enter")
    expect(page.locator(":focus")).to_have_text(re.compile("Show Type"))
    expect(page.locator("thead th")).to_have_count(8)
    page.get_by_role("link", name="Move Due to the right").press("Enter")
    expect(page.locator("thead th").nth(2)).to_have_text("Due")
    expect(page.locator(":focus")).to_have_attribute("id", "right-due")
    with hurried(page):
        page.locator("#list-q").fill("rooms")
        expect(page.locator(ROWS)).to_have_count(0)
        page.locator("#list-q").fill("boiler")
        expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator("thead th").nth(2)).to_have_text("Due")
    page.get_by_role("button", name="Always show me these").click()
    expect(page.get_by_text("Changes shows you these columns")).to_be_visible()
    expect(page.locator("thead th").nth(2)).to_have_text("Due")
