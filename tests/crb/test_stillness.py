"""Pages stand still once they are shown: their scripts move nothing under a pointer."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from crb import lifecycle
from crb.models import AgendaItem
from tests.components.browsing import sign_in
from tests.components.looks import places_in_any_font
from tests.crb.conftest import Table
from tests.fonts import NARROW, WIDE, always_draw_in

pytestmark = pytest.mark.django_db(transaction=True)
STYLED = "[...document.querySelectorAll('link[rel=stylesheet]')].every(one => one.sheet)"
LATE_SCRIPTS = re.compile(r"/(?!early)[^/]+\.js(\?|$)")


def overrun(table: Table) -> AgendaItem:
    """An item of a running meeting whose time box was used up two and a half minutes ago."""
    begun = timezone.now() - timedelta(minutes=12, seconds=30)
    with time_machine.travel(begun, tick=False):
        item = table.running_item("Rooms at night")
        table.item("Alarms for cold stores")
        lifecycle.plan_item(item, actor=table.chair, presenter=None, time_box=10, notes="Short!")
    return item


LANDMARKS = {
    "/changes/": ["#results", "footer"],
    "/changes/new/": ["#id_title", "#id_description"],
    "/board/decisions/": ["footer"],
    "meeting": [".item-head", ".agenda"],
}
LOADED_IN = {1280: WIDE, 360: NARROW}


def test_scripts_move_nothing(table: Table, new_page: Any, live_server: Any) -> None:
    """In both fonts at both widths; each font is once the one in which the scripts begin."""
    meeting = overrun(table).meeting.get_absolute_url()
    moved = {}
    page = new_page(whole=False)
    for address, landmarks in LANDMARKS.items():
        sign_in(page, table.cast.support if "new" in address else table.chair, live_server)
        where = meeting if address == "meeting" else address
        for width, font in LOADED_IN.items():
            page.set_viewport_size({"width": width, "height": 900})
            with always_draw_in(page, font):
                before, after = without_and_with_scripts(page, where, landmarks)
            if before != after:
                moved[address, width] = [
                    (old, new) for old, new in zip(before, after, strict=True) if old != new
                ]
    assert moved == {}


def without_and_with_scripts(page: Any, where: str, landmarks: list[str]) -> tuple[Any, Any]:
    """Return where things stand before the scripts of a page come, and once they have."""
    held: list[Any] = []
    holding = True
    page.route(LATE_SCRIPTS, lambda route: held.append(route) if holding else route.continue_())
    page.goto(where, wait_until="commit")
    page.locator("footer").wait_for()
    page.wait_for_function(STYLED)
    standing = [page.locator(one) for one in landmarks]
    before = places_in_any_font(standing, [WIDE, NARROW])
    holding = False  # what a script loads in turn
    for route in held:
        route.continue_()
    page.unroute(LATE_SCRIPTS)
    page.wait_for_load_state("load")
    assert len(held) > 3
    return before, places_in_any_font(standing, [WIDE, NARROW])


def test_a_clock_that_has_run_out_says_so_without_scripts(client: Client, table: Table) -> None:
    client.force_login(table.chair)
    with time_machine.travel(timezone.now(), tick=False):
        page = client.get(overrun(table).meeting.get_absolute_url()).content.decode()
    over = re.search(r"<span[^>]*data-clock-over>.*?over time", page, re.DOTALL)
    assert over and "02:30" in over.group()
    assert re.findall(r"data-clock-over hidden", page) == ["data-clock-over hidden"]
