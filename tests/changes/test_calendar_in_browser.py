"""A freeze is made by keyboard on a phone, stands in the calendar, and stops a plan."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from playwright.sync_api import expect

from changes import lifecycle
from changes.models import Window
from tests import stories
from tests.changes.test_windows import booking, window
from tests.components.browsing import choose, sign_in
from tests.components.looks import faults, fits
from tests.people import Cast

OVERRIDES = "/calendar/overrides/"


def test_a_freeze_from_its_form_to_the_calendar(
    transactional_db: None, cast: Cast, new_page: Any, live_server: Any
) -> None:
    change = stories.plan(stories.in_execution(cast), cast)
    stories.deployment_planned(stories.in_deployment(cast), cast)
    now = timezone.now().astimezone(ZoneInfo(cast.release_manager.time_zone))
    long = {"name": "N" * 100, "effect": "override", "override_role": "crb_member"}
    nights = window(cast, kind="maintenance", service=booking(change), **long)
    lifecycle.override_window(change, actor=cast.chair, window=nights, reason="R" * 100)
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
    page.get_by_role("button", name="Make it").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("End of the year")
    expect(page.get_by_role("link", name=change.title).first).to_be_visible()
    assert Window.objects.count() == 2

    for address in (nights.get_absolute_url(), f"{nights.get_absolute_url()}cancel/", OVERRIDES):
        page.goto(address)
        assert fits(page), address

    page.goto("/calendar/")
    expect(page.get_by_role("table")).to_be_hidden()
    expect(page.get_by_role("link", name="End of the year").first).to_be_visible()
    assert fits(page)
    assert not faults(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_label("Executions").check()
    page.get_by_role("button", name="Show").press("Enter")
    expect(page.get_by_role("table").get_by_role("link", name=change.title)).to_be_visible()
    expect(page.get_by_role("table").get_by_text("End of the year")).to_have_count(0)
    assert not faults(page, ["target-size"])
    page.get_by_role("link", name="Next").press("Enter")
    assert "kind=execution" in page.url
    assert not faults(page)
