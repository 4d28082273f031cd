"""What the scripts add, in a real browser, under the real Content-Security-Policy."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from accounts.models import User
from tests.components.browsing import person, sign_in
from tests.components.looks import faults

pytestmark = pytest.mark.urls("tests.components.gallery")
__all__ = ["person"]
KEPT = """written => Object.entries(sessionStorage).some(
    ([key, text]) => key.startsWith("draft:") && text.includes(written))"""
"""Whether a draft that is kept in this tab contains a text."""


@pytest.fixture
def gallery(page: Any, live_server: Any, person: User) -> Any:
    """The gallery, opened by somebody."""
    sign_in(page, person, live_server)
    page.goto("/gallery/")
    return page


DRAWN = """parts => [...document.querySelectorAll(".icon, .badge[class*=' i-']")].map(one => {
    const style = getComputedStyle(one, one.matches(".icon") ? "" : "::before")
    const words = getComputedStyle(one.closest("a, button, .badge") || document.body).color
    return [style.maskImage.startsWith('url("data:image/svg+xml,'), style.backgroundColor === words,
            style.printColorAdjust || style.webkitPrintColorAdjust].join(" ")
})"""
"""Whether each icon has its shape and the colour of the words beside it, on paper too."""
SELECTED = """names => names.map(name =>
    getComputedStyle(document.querySelector(name), "::selection").backgroundColor)"""
"""The ground of selected text within the first element of each name."""


def test_icons_keys_a_matrix_a_preview_and_a_form_on_one_page(gallery: Any) -> None:
    # Icons are seen in forced colours and on paper.
    gallery.emulate_media(forced_colors="active")
    found = gallery.evaluate(DRAWN)
    assert len(found) > 20 and set(found) == {"true true exact"}
    gallery.emulate_media(forced_colors="none")

    # Selected text has the root's ground wherever it is.
    root, *others = gallery.evaluate(SELECTED, ["html", "body", "main", "main p", "main a"])
    assert set(others) == {root} != {"rgba(0, 0, 0, 0)"}

    # Whoever has no mouse reaches the content first.
    gallery.keyboard.press("Tab")
    expect(gallery.locator(".skip-link")).to_be_focused()
    gallery.keyboard.press("Enter")
    expect(gallery.locator("#content")).to_be_focused()

    # A step that is not open says why.
    button = gallery.locator("button:has-text('Start execution')")
    expect(button).to_have_attribute("aria-disabled", "true")
    reason = gallery.locator(f"#{button.get_attribute('aria-describedby')}")
    expect(reason).to_be_visible()
    expect(reason).to_contain_text("somebody else must execute it")

    # The matrix follows the fields, and the fields the pointer.
    box = gallery.locator("[data-risk-matrix]")
    expect(box.locator("[data-risk-verdict]")).to_have_text("High risk (12 of 25)")
    gallery.select_option("#id_likelihood", "5")
    expect(box.locator("[data-risk-verdict]")).to_have_text("Critical risk (20 of 25)")
    expect(box.locator(".risk-cell.is-selected")).to_contain_text("20")
    box.locator(".risk-cell[data-likelihood='1'][data-impact='2']").click()
    expect(gallery.locator("#id_likelihood")).to_have_value("1")
    expect(gallery.locator("#id_impact")).to_have_value("2")
    expect(box.locator("[data-risk-verdict]")).to_have_text("Low risk (2 of 25)")

    # Markdown is drawn by the server; a request that fails in the background is said.
    gallery.fill("#id_description", "**hello**")
    with gallery.expect_request("**/changes/preview/") as sent:
        gallery.click("button[role=tab]:has-text('Preview')")
    assert "description=**hello**" in (sent.value.post_data or "").replace("%2A", "*")
    assert sent.value.headers["x-csrftoken"]
    expect(gallery.locator("#id_description-preview strong")).to_have_text("hello")
    expect(gallery.locator("#id_description-write")).to_be_hidden()
    gallery.keyboard.press("ArrowLeft")
    expect(gallery.locator("#id_description-write")).to_be_visible()
    gallery.route(
        "**/changes/preview/",
        lambda route: route.fulfill(
            status=409, content_type="text/plain", body="Somebody was faster."
        ),
    )
    gallery.click("button[role=tab]:has-text('Preview')")
    expect(gallery.locator("#messages")).to_contain_text("Somebody was faster.")
    gallery.unroute_all()
    gallery.click("button[role=tab]:has-text('Write')")

    # A form is sent once, and its mistakes are listed, focused and linked.
    sent: list[str] = []
    gallery.on("request", lambda request: sent.append(request.method))
    gallery.fill("#id_description", "Typed with care")
    gallery.evaluate(
        """() => {
            const form = document.getElementById("form");
            form.addEventListener("submit", (event) => setTimeout(() => form.requestSubmit()));
            const button = form.querySelector("button.btn-primary");
            form.requestSubmit(button);
            form.requestSubmit(button);
        }"""
    )
    summary = gallery.locator("[data-error-summary]")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("problems: nothing was saved yet.")
    expect(gallery.locator("#id_title")).to_have_attribute("aria-invalid", "true")
    expect(gallery.locator("#id_title")).to_have_attribute(
        "aria-describedby", "id_title_helptext id_title_error"
    )
    expect(gallery.locator("#id_description")).to_have_value("Typed with care")
    gallery.click("[data-error-summary] a:has-text('Type')")
    expect(gallery.locator("#id_kind_0")).to_be_focused()
    assert faults(gallery) == ""
    assert sent.count("POST") == 1


def test_what_was_typed_the_theme_and_a_final_step_until_signing_out(gallery: Any) -> None:
    # Whoever leaves is asked, and stays.
    gallery.fill("#id_title", "Night porters")

    def stay(dialog: Any) -> None:
        dialog.dismiss()

    gallery.on("dialog", stay)
    with gallery.expect_event("dialog") as asked:
        gallery.evaluate("setTimeout(() => { location.href = '/account/profile/' })")
    assert asked.value.type == "beforeunload"
    assert gallery.url.endswith("/gallery/")
    gallery.remove_listener("dialog", stay)

    # Whoever leaves all the same finds it again; the theme is there before the first paint.
    gallery.on("dialog", lambda dialog: dialog.accept())
    gallery.check("text=Configuration change >> nth=-1")
    gallery.check("#id_services_1")
    for written in ("Night porters", '["kind","configuration"]', '["services",'):
        gallery.wait_for_function(KEPT, arg=written)
    gallery.click(".app-user")
    gallery.click("button[data-theme-choice=dark]")
    expect(gallery.locator("html")).to_have_attribute("data-bs-theme", "dark")
    gallery.reload(wait_until="commit")
    gallery.wait_for_function("document.body")
    assert gallery.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    expect(gallery.locator("#id_title")).to_have_value("")
    gallery.get_by_role("button", name="Put it back").click()
    expect(gallery.locator("#id_title")).to_have_value("Night porters")
    expect(gallery.locator("#id_kind_0")).to_be_checked()
    expect(gallery.locator("#id_services_1")).to_be_checked()
    expect(gallery.locator("#id_services_0")).not_to_be_checked()

    gallery.click(".app-user")
    expect(gallery.locator("button[data-theme-choice=dark]")).to_have_attribute(
        "aria-pressed", "true"
    )
    gallery.click("button[data-theme-choice=auto]")
    expect(gallery.locator("html")).to_have_attribute("data-bs-theme", "light")
    gallery.keyboard.press("Escape")

    # Discarding means it.
    gallery.wait_for_function(KEPT, arg="Night porters")
    gallery.reload()
    gallery.get_by_role("button", name="Discard it").click()
    assert not gallery.evaluate(KEPT, "Night porters"), "the next load would offer it again"

    # A final step asks, and Escape means no.
    sent: list[str] = []
    gallery.on("request", lambda request: sent.append(request.method))
    gallery.click("button:has-text('Withdraw')")
    dialog = gallery.locator("#confirm-dialog")
    expect(dialog).to_contain_text("Withdrawing ends the change for good.")
    expect(dialog.locator("text=Cancel")).to_be_focused()
    gallery.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert "POST" not in sent
    gallery.click("button:has-text('Withdraw')")
    with gallery.expect_navigation():
        dialog.locator("button", has_text="Withdraw").click()
    assert sent.count("POST") == 1

    # Signing out leaves no draft behind.
    gallery.fill("#id_title", "Night porters")
    gallery.wait_for_function(KEPT, arg="Night porters")
    gallery.click(".app-user")
    gallery.click("button:has-text('Sign out')")
    gallery.wait_for_url(re.compile("/account/login/"))
    left = gallery.evaluate("Object.keys(sessionStorage)")
    assert not [key for key in left if key.startswith("draft")]
