"""The board over time in a browser: readable for all, and each figure leads on."""

from datetime import date
from typing import Any

import pytest
import time_machine
from django.utils.formats import date_format

from crb import lifecycle
from crb.models import AgendaItem
from tests.components.browsing import sign_in
from tests.components.looks import looks, unfold_content
from tests.crb.conftest import Table
from tests.crb.history import TODAY, half_a_year
from tests.crb.test_calendar_in_browser import busy_board
from tests.crb.test_steps import from_plan_to_minutes

pytestmark = pytest.mark.django_db(transaction=True)
PAGES = ("", "overtime/", "decisions/", "questions/", "attendance/", "decisions/?over=x")


def test_pages_are_accessible_and_fit_and_lead_on(
    table: Table, new_page: Any, live_server: Any
) -> None:
    half_a_year(table)
    with time_machine.travel(TODAY):
        table.change("Gates that open by themselves at night")
        lifecycle.fill_agenda(table.board)
        AgendaItem.objects.filter(state="open").update(time_box=120)
        busy_board(table)
        publish_last(table)
        page = new_page()
        sign_in(page, table.chair, live_server)
        with looks(page) as look:
            for name in PAGES:
                look.over_address(f"/board/{name}", unfold_content)
        lead_on(page)


def publish_last(table: Table) -> None:
    """Publish the minutes of the last meeting, with something to be done."""
    meeting = table.board.meetings.get(date=date(2026, 6, 2))
    fields = {"owner": table.cast.developer, "due_on": table.board.today}
    lifecycle.record_action(meeting, actor=table.chair, text="Ask the vendor", **fields)
    lifecycle.publish_minutes(meeting, actor=table.chair)


def lead_on(page: Any) -> None:
    """From the board to its figures, and from a figure in a chart's table to its list."""
    page.goto("/board/")
    page.get_by_role("link", name="Days to a decision").click()
    page.get_by_text("6 decisions").wait_for()
    page.get_by_role("link", name="Over time").click()
    page.locator("canvas").nth(1).wait_for()
    page.get_by_text("The same as a table").first.click()
    row = page.get_by_role("row", name="2 Jun 2026")
    row.get_by_role("link", name="2", exact=True).click()
    page.get_by_text("2 decisions").wait_for()
    page.get_by_text("Of the meeting of 2 June 2026").wait_for()


def test_an_auditor_goes_from_a_meeting_to_its_record(
    table: Table, new_page: Any, live_server: Any
) -> None:
    item = from_plan_to_minutes(table)
    page = new_page()
    sign_in(page, table.cast.auditor, live_server)
    page.goto(item.meeting.get_absolute_url())
    page.get_by_role("link", name="Record").click()
    page.get_by_text("9 steps").wait_for()
    page.get_by_text(f"In the meeting of {date_format(item.meeting.date, 'j F Y')}").wait_for()
    with looks(page) as look:
        look.over_address(page.url)
