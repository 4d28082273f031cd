"""From a template to a request by keyboard, on a phone, and the pages of templates."""

from typing import Any

from playwright.sync_api import expect

from changes import lifecycle
from changes.models import Change
from changes.states import State
from tests.components.browsing import sign_in
from tests.components.looks import faults, fits
from tests.people import Cast


def test_a_request_begins_with_a_template_and_loses_nothing(
    transactional_db: None, cast: Cast, new_page: Any, live_server: Any
) -> None:
    for number, name in enumerate(("Access", "Badge", "Door", "Flag", "Variable")):
        lifecycle.save_template(
            None,
            actor=cast.success,
            name=name,
            purpose=f"Changes of kind {number}.",
            title=f"{name} for …",
            description=f"Which {name}?",
        )
    page = new_page(width=360, height=740)
    sign_in(page, cast.support, live_server)
    page.goto("/changes/new/")
    keys = page.keyboard
    expect(page.locator("#id_requester")).to_be_focused()
    keys.type("gra", delay=30)
    expect(page.get_by_role("option", name="Grace Requester")).to_be_visible()
    keys.press("Enter")
    page.locator(".begin-with > summary").press("Enter")
    page.locator("#find-template").focus()
    keys.type("vari", delay=30)
    expect(page.get_by_role("option", name="Variable")).to_have_attribute("aria-selected", "true")
    assert fits(page)
    keys.press("Enter")
    expect(page.locator(".begin-with-chosen")).to_contain_text("Variable")
    expect(page.locator("#id_title")).to_have_value("Variable for …")
    expect(page.locator("#id_requester")).to_have_value(f"Grace Requester <{cast.requester.email}>")
    assert fits(page) and not faults(page)
    expect(page.locator("[data-draft-restore]")).to_have_count(0)
    page.locator("details.begin-with > summary").press("Enter")
    page.get_by_role("button", name="Flag").press("Enter")
    expect(page.locator("#id_title")).to_have_value("Flag for …")
    expect(page.locator("#id_description")).to_have_value("Which Flag?")
    page.locator("#id_title").press("Control+Enter")
    page.wait_for_url("**/changes/CR-*/")
    assert fits(page) and not faults(page)
    change = Change.objects.get(state=State.SUBMITTED)
    assert change.template is not None
    assert (change.template.name, change.requester) == ("Flag", cast.requester)

    sign_in(page, cast.success, live_server)
    for address in ("/templates/", f"/templates/{change.template_id}/"):
        page.goto(address)
        assert fits(page) and not faults(page)
