"""Look over every page of the demonstration, in every look, with whatever is folded open.

    make looks

It is no test and belongs to no run: it takes some minutes. Tests look over one page of a kind;
this one walks through all addresses, as the first of the cast who gets there, in two widths, light
and dark, then opens what opens over a page, then goes to the forms of the steps that wait nowhere
in the demonstration, and prints what is wrong and where nobody got.
"""

import io
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import Resolver404, resolve, reverse

from accounts.demo import demo_cast
from accounts.models import User
from changes.models import Change
from changes.views.steps import VIEWS
from tests import marks
from tests.components.browsing import sign_in
from tests.components.looks import HEIGHT, Looks
from tests.people import Cast
from tests.turns import everywhere

NO_PAGES = {"changes:menu", "crb:live"}
"""Parts of a page, and what never ends."""


def open_search(page: Any) -> None:
    page.locator("#app-search").press_sequentially("rooms")
    page.locator("#app-found a").first.wait_for()


def open_palette(page: Any) -> None:
    page.keyboard.press("Control+k")
    page.locator("#palette-q").fill("rooms")
    page.locator("#palette-found a").first.wait_for()


def open_each(selector: str) -> Callable[[Any], None]:
    """Return what opens each menu that this names: one press, or the others close again."""
    opens = "all => all.forEach((one) => { one.open = true; })"
    return lambda page: page.locator(selector).evaluate_all(opens)


OPENED: tuple[tuple[str, Callable[[Any], None]], ...] = (
    ("/", open_search),
    ("/", open_palette),
    ("/", lambda page: page.keyboard.press("?")),
    ("/", lambda page: page.get_by_role("button", name="Your menu").click()),
    ("/", open_each(".app-more > details")),
    ("/changes/", open_each(".list-saved")),
    ("/changes/", open_each(".list-menu:nth-of-type(2)")),
    ("/changes/", lambda page: page.locator("[data-many-all]").check()),
    ("/changes/?choose=columns", lambda page: None),
)
"""What opens over a page."""
OVER = "opened"


def unfold(page: Any) -> None:
    """Open whatever is folded but menus, which lie over what is to be looked at."""
    open_each("main details:not(.list-menu)")(page)


def reached(viewer: User) -> Iterator[tuple[str, str]]:
    """Yield the name and the address of every whole page that somebody gets to."""
    changes = marks.samples(viewer)
    return shown(viewer, [*marks.addresses(changes), *steps(changes)])


def steps(changes: Iterable[Change]) -> Iterator[str]:
    """Yield the address of each step of each of these, whether it waits or not."""
    return (reverse(f"changes:{verb}", args=[one.pk]) for verb in VIEWS for one in changes)


def shown(viewer: User, addresses: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield those that show a whole page of a name that was not seen before, with the name."""
    client = Client()
    client.force_login(viewer)
    for address in addresses:
        try:
            name = resolve(address.partition("?")[0]).view_name
        except Resolver404:
            continue
        if name not in SEEN | NO_PAGES and is_page(client.get(address)):
            SEEN.add(name)
            yield name, address


def is_page(answer: Any) -> bool:
    return (
        answer.status_code == 200
        and answer.headers["Content-Type"].startswith("text/html")
        and answer.content[:15].lower().startswith(b"<!doctype html>")
    )


SEEN: set[str] = set()


def test_every_page(
    transactional_db: None,
    new_page: Any,
    live_server: Any,
    settings: Any,
    capsys: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(marks, "SAMPLES", 9)  # what can be done depends on which it is
    settings.OUTCOME_UNDO_SECONDS = 300
    settings.DEMO = True
    call_command("load_demo", stdout=io.StringIO())
    page = new_page()
    over, only = Looks(page), os.environ.get("ONLY", "")
    with capsys.disabled():
        cast = sorted(demo_cast(), key=lambda one: bool(one.organisation))
        people = [User.objects.get(email=one.email) for one in cast]
        for viewer in people if only != OVER else []:
            sign_in(page, viewer, live_server)
            for name, address in reached(viewer):
                if only in name:
                    told(over, f"{name} as {viewer}", partial(over.over_address, address, unfold))
        sign_in(page, people[0], live_server)
        for number, (address, opens) in enumerate(OPENED if only in OVER else []):
            told(over, f"{OVER} {number} on {address}", partial(open_over, over, address, opens))
    assert not over.found


def test_every_step(
    transactional_db: None, cast: Cast, new_page: Any, live_server: Any, capsys: Any
) -> None:
    changes, page = everywhere(cast).values(), new_page()
    over, only = Looks(page), os.environ.get("ONLY", "")
    with capsys.disabled():
        for viewer in cast.people.values():
            sign_in(page, viewer, live_server)
            for name, address in shown(viewer, steps(changes)):
                if only in name:
                    told(over, f"{name} as {viewer}", partial(over.over_address, address, unfold))
        every = {name for _route, name, _pattern in marks.patterns()}
        if not only:
            print("Nobody came to:", *sorted(every - SEEN), sep="\n  ")
    assert not over.found


def open_over(over: Looks, address: str, opens: Callable[[Any], None]) -> None:
    """Open what lies over a page, and look."""
    over.page.set_viewport_size({"width": 1280, "height": HEIGHT})
    over.page.goto(address)
    opens(over.page)
    over.over_page(OVER)


def told(over: Looks, what: str, look: Callable[[], None]) -> None:
    """Look, and say at once what is wrong."""
    before = len(over.found)
    try:
        look()
    except Exception as error:  # whatever breaks one page is told, and the others are looked at
        over.found.append(f"{what}: {error}")
    wrong = over.found[before:]
    print("wrong" if wrong else "ok", what, *wrong, sep="\n    " if wrong else " ")
