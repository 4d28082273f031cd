"""A release is planned by keyboard on a phone, gets a change, slips and is frozen."""

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from changes.models import Change, Release
from tests import stories
from tests.components.browsing import linked, sign_in
from tests.components.looks import faults, fits
from tests.people import Cast


def test_a_release_from_its_plan_to_its_freeze(
    transactional_db: None, cast: Cast, new_page: Any, live_server: Any, client: Client
) -> None:
    change = stories.in_testing(cast)
    days = [(timezone.localdate() + timedelta(days=number)).isoformat() for number in (20, 30)]
    page = new_page(width=360, height=740)
    sign_in(page, cast.release_manager, live_server)
    page.goto(linked(client, cast.release_manager, "/releases/", "Plan a release"))
    page.get_by_label("Name").fill("4.13")
    page.get_by_label("Planned for").fill(days[1])
    page.get_by_label("Code complete").fill(days[0])
    assert fits(page)
    page.get_by_label("Code complete").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Release 4.13")

    page.goto(f"{change.get_absolute_url()}assign_release/")
    page.locator("#id_release").select_option(index=1)
    page.get_by_role("button", name="Choose the release").press("Enter")
    page.get_by_role("link", name="4.13").press("Enter")
    expect(page.get_by_text("records missing before deployment")).to_be_visible()
    assert fits(page) and not faults(page)

    page.get_by_role("link", name="Freeze").press("Enter")
    page.get_by_role("button", name="Freeze").press("Enter")
    expect(page.get_by_text("Release 4.13 is frozen.")).to_be_visible()
    release = Release.objects.get()
    assert (release.state, Change.objects.get().release) == (Release.State.FROZEN, release)
