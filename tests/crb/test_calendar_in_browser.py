"""The calendar in a browser: readable for all, and an address that is made, copied and revoked."""

from datetime import time, timedelta
from typing import Any

import pytest

from accounts.roles import Role
from crb import lifecycle
from crb.models import CalendarFeed
from crb.schedule import holiday_on
from tests.components.browsing import sign_in
from tests.components.looks import faults, looks, unfold
from tests.crb.conftest import Table
from tests.crb.test_pages_in_browser import open_page
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


def busy_board(table: Table) -> None:
    """Meetings of every kind, and two absences, one of them with an alternate."""
    day = table.board.today
    moved = table.meeting(days=15, nominal_on=day + timedelta(days=15))
    cancelled = table.meeting(days=28)
    time_of = {"start": time(10), "length_minutes": 60, "on_day_off": True}
    lifecycle.move_meeting(
        moved,
        actor=table.chair,
        date=day + timedelta(days=16),
        reason="The room is taken by the auditors for the whole day.",
        **time_of,
    )
    lifecycle.call_meeting(
        table.board,
        actor=table.chair,
        date=day + timedelta(days=9),
        purpose="The fault at Harbour Hospitals cannot wait.",
        **time_of,
    )
    lifecycle.cancel_meeting(cancelled, actor=table.chair, reason="Nobody is here.")
    alternate = person("Ann Alternate", Role.CRB_MEMBER)
    for member, stand_in in ((table.cast.crb_member, alternate), (table.members[3], None)):
        lifecycle.record_absence(
            table.board.memberships.get(user=member),
            actor=table.chair,
            starts_on=day,
            ends_on=day + timedelta(days=20),
            alternate=stand_in,
        )


def test_pages_are_accessible_and_fit(table: Table, new_page: Any, live_server: Any) -> None:
    """The page of the board with all of them is looked over in test_overtime_in_browser."""
    busy_board(table)
    board, meeting = table.board.pk, table.board.meetings.filter(state="scheduled").first()
    page = new_page()
    sign_in(page, table.chair, live_server)
    with looks(page) as look:
        for address in (
            f"/board/meetings/{meeting.pk}/move/",
            f"/board/{board}/meetings/call/",
            f"/board/{board}/absences/record/",
            f"/board/{board}/meetings/",
            f"/board/{board}/meetings/?show=past",
            "/board/calendar/",
        ):
            look.over_address(address, unfold)


def test_an_address_is_made_copied_and_revoked(
    table: Table, new_page: Any, live_server: Any
) -> None:
    page = open_page(
        new_page,
        live_server,
        table.chair,
        "/board/calendar/",
        permissions=["clipboard-read", "clipboard-write"],
    )
    page.get_by_role("button", name="Make my calendar address").click()
    address = page.get_by_role("textbox", name="Your calendar address").input_value()
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("status").get_by_text("Copied").wait_for(state="attached")
    assert page.evaluate("navigator.clipboard.readText()") == address
    assert faults(page) == ""
    page.get_by_role("button", name="Revoke").click()
    page.locator("#confirm-dialog").get_by_role("button", name="Revoke").click()
    page.get_by_text("The calendar address no longer works.").wait_for()
    assert CalendarFeed.objects.get().revoked_at is not None


def test_the_chair_moves_a_meeting_without_scripts(
    table: Table, new_page: Any, live_server: Any
) -> None:
    meeting = table.meeting()
    page = open_page(
        new_page,
        live_server,
        table.chair,
        meeting.get_absolute_url(),
        java_script_enabled=False,
    )
    page.get_by_role("link", name="Move", exact=True).click()
    days = (meeting.date + timedelta(days=number) for number in range(1, 15))
    region = meeting.board.holiday_region
    new_day = next(day for day in days if day.weekday() < 5 and not holiday_on(day, region))
    page.get_by_label("Date").fill(f"{new_day:%Y-%m-%d}")
    page.get_by_label("Start").fill("09:30")
    page.get_by_label("Why is the meeting moved?").fill("The room is taken.")
    page.get_by_role("button", name="Move the meeting").click()
    page.get_by_text("The meeting is moved. Everybody invited is told.").wait_for()
    meeting = type(meeting).objects.get(pk=meeting.pk)
    assert (meeting.date, meeting.start, meeting.sequence) == (new_day, time(9, 30), 1)
