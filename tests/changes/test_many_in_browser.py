"""Rows of the list are ticked and acted on at once, by keyboard and on a phone.

Costs 4 s.
"""

from typing import Any
from urllib.parse import urlsplit

from django.test import Client
from playwright.sync_api import expect

from changes import lifecycle, tasks
from changes.models import ManyRun
from tests import stories
from tests.components.browsing import linked, sign_in
from tests.components.looks import looks
from tests.people import Cast

IS_IN_SIGHT = """() => {
  const here = document.activeElement, { x, y, width, height } = here.getBoundingClientRect();
  return here.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""


def is_never_covered(page: Any, rows: int) -> None:
    """Go down by keys to where the bar lies over a row: it moves out from below it."""
    for _each in range(rows):
        page.keyboard.press("ArrowUp")
    page.set_viewport_size({"width": 1280, "height": 600})
    page.evaluate("window.scrollTo({ top: 0, behavior: 'instant' })")
    page.keyboard.press("ArrowDown")
    page.wait_for_function(IS_IN_SIGHT)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_many_are_reviewed_at_once(
    transactional_db: None, cast: Cast, new_page: Any, live_server: Any, client: Client
) -> None:
    changes = [stories.in_review(cast) for _each in range(3)]
    stories.submitted(cast, title="Not to be reviewed yet")
    page = new_page()
    sign_in(page, cast.success, live_server)
    with looks(page) as look:
        page.goto("/changes/?state=review&state=submitted&sort=reference")
        bar = page.get_by_role("group", name="Act on the ticked changes")
        expect(bar).to_be_hidden()
        page.keyboard.press("j")
        page.keyboard.press("x")
        expect(bar.get_by_role("status")).to_have_text("Chosen: 1")
        for _each in range(3):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Shift+Space")
        expect(bar.get_by_role("status")).to_have_text("Chosen: 4")
        is_never_covered(page, rows=3)
        bar.get_by_role("button", name="None", exact=True).click()
        expect(bar).to_be_hidden()
        page.get_by_role("checkbox", name="All on this page").check()
        page.get_by_role("checkbox", name=changes[0].reference).click()
        page.get_by_role("checkbox", name=changes[2].reference).click(modifiers=["Shift"])
        expect(bar.get_by_role("status")).to_have_text("Chosen: 1")
        bar.get_by_role("button", name="All", exact=True).click()
        expect(bar.get_by_role("status")).to_have_text("Chosen: 4")
        look.over_page("list")
        bar.get_by_role("button", name="Review").click()
        page.get_by_role("heading", name="1 of these is left out").wait_for()
        look.over_page("form")
        page.get_by_text("Endorsed").click()
        page.get_by_label("Findings").fill("Looked at all of them.")
        lifecycle.assign(changes[1], actor=cast.support, owner=cast.support)
        page.get_by_role("button", name="Record the review (3)").click()
        page.get_by_text("Waiting for the worker").wait_for()
        look.over_page("progress")
        tasks.carry_on_acts()
        page.get_by_role("heading", name="Not done, and why").wait_for()
        expect(page.get_by_role("main")).to_contain_text("2 changes done. 2 refused.")
        look.over_page("result")
    again = linked(client, cast.success, urlsplit(page.url).path, "Choose these again")
    assert "Looked at all of them.</textarea>" in client.get(again).content.decode()
    back = linked(client, cast.success, again, "Back to the list")
    assert client.get(back).content.decode().count('<th scope="row">') == 2
    assert all(part in back for part in ("state=submitted", "state=review", "sort=reference"))
    assert ManyRun.objects.count() == 1
