"""A freeze is made by keyboard on a phone, stands in the calendar, and stops a plan."""

import os
from datetime import timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import expect

from changes.models import Window
from tests import stories
from tests.changes.test_windows import booking, window
from tests.components.browsing import choose, sign_in
from tests.components.looks import faults, fits
from tests.people import Cast

PICTURES = os.environ.get("PICTURES")


def shot(page: Any, name: str) -> None:
    if PICTURES:
        for width, height in ((1280, 900), (360, 740)):
            for scheme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": height})
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=f"{PICTURES}/{name}-{width}-{scheme}.png", full_page=True)
        page.set_viewport_size({"width": 360, "height": 740})
        page.emulate_media(color_scheme="light")


def test_a_freeze_from_its_form_to_the_calendar(
    transactional_db: None, cast: Cast, new_page: Any, live_server: Any
) -> None:
    change = stories.plan(stories.in_execution(cast), cast)
    stories.deployment_planned(stories.in_deployment(cast), cast)
    now = timezone.now()
    window(cast, kind="maintenance", effect="warns", name="Nights", service=booking(change))
    page = new_page(width=360, height=740)
    sign_in(page, cast.release_manager, live_server)
    page.goto("/calendar/windows/new/")
    choose(page.get_by_label("Change freeze"))
    page.get_by_label("Name").fill("End of the year")
    expect(page.get_by_label("Until the day")).to_be_hidden()
    page.locator("#id_starts_at").fill(f"{now:%Y-%m-%dT%H:%M}")
    page.locator("#id_ends_at").fill(f"{now + timedelta(days=3):%Y-%m-%dT%H:%M}")
    choose(page.get_by_label("Asks for an override"))
    page.locator("#id_override_role").select_option(label="CRB member")
    assert fits(page)
    shot(page, "form")
    page.get_by_role("button", name="Make it").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("End of the year")
    expect(page.get_by_role("link", name=change.title).first).to_be_visible()
    shot(page, "freeze")
    assert Window.objects.count() == 2

    page.goto("/calendar/")
    expect(page.get_by_role("table")).to_be_hidden()
    expect(page.get_by_role("link", name="End of the year").first).to_be_visible()
    assert fits(page)
    assert not faults(page)
    shot(page, "calendar")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_label("Executions").check()
    page.get_by_role("button", name="Show").press("Enter")
    expect(page.get_by_role("table").get_by_role("link", name=change.reference)).to_be_visible()
    expect(page.get_by_role("table").get_by_text("End of the year")).to_have_count(0)
    page.get_by_role("link", name="Next").press("Enter")
    assert "kind=execution" in page.url
    assert not faults(page)
    page.goto("/calendar/?view=list")
    shot(page, "list")
    for address, name in (
        (change.get_absolute_url(), "change"),
        ("/calendar/windows/", "windows"),
        (f"/calendar/?day={now:%Y-%m-%d}", "day"),
    ):
        if PICTURES:
            page.goto(address)
            shot(page, name)
