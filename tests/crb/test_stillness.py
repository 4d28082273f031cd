"""Pages stand still once they are shown: scripts and news move nothing in them."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from crb import lifecycle
from crb.models import AgendaItem
from tests.components.browsing import sign_in, wait_while_held
from tests.components.looks import places_in_any_font
from tests.crb.conftest import Table
from tests.crb.test_pages_in_browser import UP_TO_DATE
from tests.fonts import NARROW, WIDE, always_draw_in

pytestmark = pytest.mark.django_db(transaction=True)
STYLED = "[...document.querySelectorAll('link[rel=stylesheet]')].every(one => one.sheet)"
LATE_SCRIPTS = re.compile(r"/(?!early)[^/]+\.js(\?|$)")
NEWS = ("**/meetings/*/live/*", "**/preview/")


def overrun(table: Table) -> AgendaItem:
    """An item of a running meeting whose time box was used up two and a half minutes ago.

    An outcome can be recorded, the mail of which its page asks for by itself.
    """
    begun = timezone.now() - timedelta(minutes=12, seconds=30)
    with time_machine.travel(begun, tick=False):
        item = table.running_item("Rooms at night")
        table.item("Alarms for cold stores")
        lifecycle.plan_item(item, actor=table.chair, presenter=None, time_box=10, notes="Short!")
    table.vote(item, *["information_required"] * 4)
    return item


LANDMARKS = {
    "/changes/": ["#results", "footer"],
    "/changes/new/": ["#id_title", "#id_description"],
    "/board/decisions/": ["footer"],
}
LOADED_IN = {1280: WIDE, 360: NARROW}
OF_A_MEETING = [".item-head", ".agenda"]
PRESSED = ["role=button[name='Record the outcome']", "role=button[name='Next item']"]
"""Buttons of a meeting, beside its agenda's grip or head: news must not move them away."""


def test_scripts_move_nothing(table: Table, new_page: Any, live_server: Any) -> None:
    """In both fonts at both widths; each font is once the one in which the scripts begin."""
    moved = {}
    page = new_page(whole=False)
    for address, landmarks in LANDMARKS.items():
        sign_in(page, table.cast.support if "new" in address else table.chair, live_server)
        for width in LOADED_IN:
            with loading_slowly(page, address, width) as go_on:
                before = places(page, landmarks)
                go_on()
                moved[address, width] = differences(before, places(page, landmarks))
    assert not any(moved.values()), moved


def test_scripts_and_news_of_a_meeting_move_nothing(
    table: Table, new_page: Any, live_server: Any
) -> None:
    """First the scripts come, then what they ask for: the stream, and the mail of the outcome."""
    meeting = overrun(table).meeting.get_absolute_url()
    moved, asked_for = {}, list[Any]()
    page = new_page(whole=False)
    sign_in(page, table.chair, live_server)
    for width, landmark, fonts in (
        (1280, "[data-grip]", [WIDE]),
        (360, ".agenda-head", [WIDE, NARROW]),
    ):
        asked_for.clear()
        for late in NEWS:
            page.route(late, lambda route: asked_for.append(route))
        with loading_slowly(page, meeting, width) as go_on:
            before = places(page, OF_A_MEETING)
            go_on()
            wait_while_held(page, lambda: len(asked_for) >= len(NEWS))
            with_scripts = places(page, [*OF_A_MEETING, landmark, *PRESSED])
            for route in asked_for:
                route.continue_()
            for late in NEWS:
                page.unroute(late)
            expect(page.get_by_text(UP_TO_DATE)).to_be_visible()
            expect(page.locator("#outcome-preview pre")).to_be_visible()
            with_news = places(page, [*OF_A_MEETING, landmark, *PRESSED], fonts)
        moved["scripts", width] = differences(before, with_scripts)
        moved["news", width] = differences(with_scripts, with_news)
    assert not any(moved.values()), moved


def places(
    page: Page, landmarks: list[str], fonts: Sequence[str] = (WIDE, NARROW)
) -> dict[str, list[str]]:
    """Return where each stands, in fonts like these."""
    standing = [page.locator(one).first for one in landmarks]
    found = places_in_any_font(standing, list(fonts))
    return {one: found[number :: len(landmarks)] for number, one in enumerate(landmarks)}


def differences(
    before: dict[str, list[str]], after: dict[str, list[str]]
) -> dict[str, list[tuple[str, str]]]:
    """Return what has moved of that which stood somewhere before, in fonts seen after it too."""
    moved = {
        one: [(old, new) for old, new in zip(stood, after[one], strict=False) if old != new]
        for one, stood in before.items()
    }
    return {one: ways for one, ways in moved.items() if ways}


@contextmanager
def loading_slowly(page: Page, where: str, width: int) -> Iterator[Callable[[], None]]:
    """Open a page before its scripts come; what is given lets them come."""
    held: list[Any] = []
    holding = True
    page.set_viewport_size({"width": width, "height": 900})
    page.route(LATE_SCRIPTS, lambda route: held.append(route) if holding else route.continue_())

    def go_on() -> None:
        nonlocal holding
        holding = False  # what a script loads in turn
        for route in held:
            route.continue_()
        page.unroute(LATE_SCRIPTS)
        page.wait_for_load_state("load")
        assert len(held) > 3

    with always_draw_in(page, LOADED_IN[width]):
        page.goto(where, wait_until="commit")
        page.locator("footer").wait_for()
        page.wait_for_function(STYLED)
        yield go_on


def test_a_clock_that_has_run_out_says_so_without_scripts(client: Client, table: Table) -> None:
    client.force_login(table.chair)
    with time_machine.travel(timezone.now(), tick=False):
        page = client.get(overrun(table).meeting.get_absolute_url()).content.decode()
    over = re.search(r"<span[^>]*data-clock-over>.*?over time", page, re.DOTALL)
    assert over and "02:30" in over.group()
    assert re.findall(r"data-clock-over hidden", page) == ["data-clock-over hidden"]
