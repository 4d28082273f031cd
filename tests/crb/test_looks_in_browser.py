"""What people see of the board's pages where no words say it: edges, colours, what is in sight."""

from typing import Any

import pytest
from playwright.sync_api import expect

from crb import lifecycle
from tests.components.browsing import sign_in
from tests.components.looks import SHOW
from tests.crb.conftest import Table

pytestmark = pytest.mark.django_db(transaction=True)
CONTRAST = """mark => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const behind = [];
  for (let one = mark; one; one = one.parentElement) {
    behind.unshift(getComputedStyle(one).backgroundColor);
  }
  const light = (colours) => {
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
    const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [ground, ink] = [light(behind), light([...behind, getComputedStyle(mark).color])];
  return (Math.max(ground, ink) + 0.05) / (Math.min(ground, ink) + 0.05);
}"""


def test_a_row_of_tabs_shows_at_which_edge_there_is_more(
    table: Table, new_page: Any, live_server: Any
) -> None:
    page = new_page(width=360)
    sign_in(page, table.chair, live_server)
    page.goto("/board/overtime/")
    row = page.locator(".app-tabs .nav-tabs")

    def edge(at: str) -> bytes:
        box = row.bounding_box()
        left = box["x"] if at == "left" else box["x"] + box["width"] - 4
        return page.screenshot(clip={"x": left, "y": box["y"] + 1, "width": 4, "height": 2})

    for scheme in ("light", "dark"):
        page.set_viewport_size({"width": 360, "height": 900})
        page.evaluate(SHOW, [scheme, ""])
        row.evaluate("one => one.scrollTo({left: 0, behavior: 'instant'})")
        plain, more = edge("left"), edge("right")
        assert more != plain, scheme
        row.evaluate("one => one.scrollTo({left: one.scrollWidth, behavior: 'instant'})")
        assert edge("right") == plain, scheme
        assert edge("left") != plain, scheme
        page.set_viewport_size({"width": 1280, "height": 900})
        assert row.evaluate("one => one.scrollWidth <= one.clientWidth"), scheme
        assert edge("left") == edge("right") == plain, scheme


def test_the_mark_of_an_error_stands_out(table: Table, new_page: Any, live_server: Any) -> None:
    page = new_page()
    sign_in(page, table.chair, live_server)
    page.goto(f"/board/{table.board.pk}/meetings/call/")
    page.get_by_role("button", name="Call the meeting").click()
    mark = page.locator(".alert-danger .alert-mark")
    mark.wait_for()
    for scheme in ("light", "dark"):
        page.evaluate(SHOW, [scheme, ""])
        assert mark.evaluate(CONTRAST) >= 4.5, scheme


def test_agenda_item_and_tally_stand_in_their_columns(
    table: Table, new_page: Any, live_server: Any
) -> None:
    """Agenda and item side by side, before the meeting and in it; the tally's figures in one."""
    item = table.item()
    page = new_page(width=1280)
    sign_in(page, table.chair, live_server)
    for running in (False, True):
        page.goto(item.get_absolute_url())
        agenda, shown, seats = page.evaluate(
            """() => [".agenda", ".meeting > .item", "#attendance"].map(
                (name) => document.querySelector(name).getBoundingClientRect().toJSON())"""
        )
        assert agenda["top"] == shown["top"], running
        assert 0 < seats["top"] - agenda["bottom"] < 20
        if not running:
            lifecycle.start_meeting(item.meeting, actor=table.chair)
            table.vote(item, "accepted", "accepted", "rejected", "abstain")
    figures = page.locator("#tally .side-votes")
    expect(figures).to_have_count(5)
    edges = figures.evaluate_all("all => all.map((one) => one.getBoundingClientRect().right)")
    assert len({round(edge) for edge in edges}) == 1
