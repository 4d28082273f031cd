"""Shortcuts by single keys: they lead where they say, and never fire while somebody types."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.components.browsing import leads_to, sign_in
from tests.people import Cast
from tests.stories import submitted


def test_single_keys_lead_through_the_day_until_they_are_switched_off(
    new_page: Any, live_server: Any, transactional_db: None, cast: Cast
) -> None:
    first, second = submitted(cast, title="First"), submitted(cast, title="Second")
    page = new_page()
    sign_in(page, cast.success, live_server)
    page.goto("/changes/")
    help_ = page.locator("#keys-dialog")
    page.keyboard.press("?")
    expect(help_).to_be_visible()
    page.keyboard.press("n")  # not behind the list of keys
    page.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Second")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"{second.reference}/$"))
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile(rf"{first.reference}/$"))
    with leads_to(page, second.get_absolute_url()):
        page.keyboard.press("k")
    page.keyboard.press("c")
    comment = page.locator("#comment-form textarea")
    expect(comment).to_be_focused()
    page.keyboard.type("njkmc/?")
    expect(comment).to_have_value("njkmc/?")
    expect(help_).to_be_hidden()
    comment.fill("")
    comment.blur()
    page.keyboard.press("m")
    expect(page).to_have_url(re.compile(r"/assess/$"))
    page.locator("#id_type_0").check(force=True)
    for name in ("need", "service_impact", "customer_impact"):
        page.fill(f"#id_{name}", "Some words.")
    for name in ("likelihood", "impact"):
        page.select_option(f"#id_{name}", "1")
    page.locator(".step-form .btn-primary").click()
    expect(page.locator("[data-onward]")).to_contain_text("Next for you")
    with leads_to(page, f"{second.get_absolute_url()}assess/"):
        page.keyboard.press("o")
    page.keyboard.press("/")
    expect(page.locator("#app-search")).to_be_focused()
    page.locator("#app-search").blur()
    with leads_to(page, "/changes/new/"):
        page.keyboard.press("n")

    # They are switched off in one's menu, and stay so.
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Use shortcuts in this browser").uncheck()
    page.get_by_role("button", name="Close").click()
    page.goto("/account/profile/")
    page.keyboard.press("n")
    page.keyboard.press("?")
    expect(page.get_by_label("Use shortcuts in this browser")).not_to_be_checked()
    expect(page).to_have_url(re.compile(r"/account/profile/$"))
