"""A real browser on the running product; its fixtures, and what a failed test leaves behind."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from expansive_cm.services.bootstrap import CHROMIUM
from tests.contexts import Contexts, Kind
from tests.failed_pages import TRACED, Evidence
from tests.fonts import always_draw_in, only_these
from tests.programs import program

EVIDENCE = pytest.StashKey[Evidence]()
PATIENCE_MS = 60_000
"""How long something awaited may take. It only ends a hang: a busy machine is slow, not wrong."""
FEATURES_LEFT_OUT = (
    # Two more pages with every window, for an address bar that nobody sees: twice the time.
    "WebUIOmniboxPopup WebUIOmniboxAimPopup WebUIOmniboxFullPopup "
    # What Playwright leaves out as well: only the last list on a command line counts.
    "AvoidUnnecessaryBeforeUnloadCheckSync DestroyProfileOnBrowserClose HttpsUpgrades "
    "HttpsFirstBalancedModeAutoEnable LensOverlay MediaRouter PaintHolding "
    "ThirdPartyStoragePartitioning AvoidCorsURLLoaderRestartOnRedirect OptimizationHints "
    "NetworkTimeServiceQuerying AimEnabled PreconnectToSearch"
).split()
CHROMIUM_ARGUMENTS = [
    f"--disable-features={','.join(FEATURES_LEFT_OUT)}",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page of a test lives for a second or two: code is never run often enough to repay that.
    "--js-flags=--no-turbofan,--no-maglev",
]
MEDIA = ("color_scheme", "forced_colors", "reduced_motion")
"""What a page can be told later as well as when its context begins."""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One Chromium for the whole run, with the tests' own fonts."""
    chromium = program(CHROMIUM)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    fonts = only_these(tmp_path_factory.mktemp("fonts"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[*CHROMIUM_ARGUMENTS, *sandbox],
            env={**os.environ, **fonts},
        )
        yield browser
        # Playwright's loop counts as running: Django has kept a connection of its own for that.
        connections.close_all()
        browser.close()


@pytest.fixture(scope="session")
def contexts(live_server: Any, browser: Any) -> Iterator[Contexts]:
    """The contexts that tests lend, each with a page of somebody who has signed in nowhere."""

    def open_one(kind: Kind) -> Any:
        context = open_context(browser, live_server, java_script_enabled=kind.scripts)
        page = context.new_page()
        if kind.scripts and kind.whole:
            act_on_whole_pages(page)
        return context

    contexts = Contexts(open_one)
    yield contexts
    contexts.close()


def open_context(browser: Any, live_server: Any, **options: Any) -> Any:
    """Open a context of its own, as somebody in London has it."""
    defaults = {"base_url": live_server.url, "locale": "en-GB", "timezone_id": "Europe/London"}
    context = browser.new_context(**{**defaults, **options})
    context.set_default_timeout(PATIENCE_MS)
    set_clock(context)
    return context


@pytest.fixture
def new_page(
    request: pytest.FixtureRequest, live_server: Any, browser: Any, contexts: Contexts
) -> Iterator[Any]:
    """Open pages of people who share nothing: `new_page(width=360)`.

    With ``whole=False`` a test looks at a page whose scripts are still on their way; ``font``
    draws it in another one than the wide. A page whose browser reports an error in its console
    fails the test, a refused style or script included. What the pages of a failed test looked
    like and said is kept in `.data/failed`; with TRACE=1 their traces too.
    """
    evidence = request.node.stash[EVIDENCE] = Evidence(request.node.nodeid)

    def open_page(
        width: int = 1280, height: int = 900, *, whole: bool = True, font: str = "", **options: Any
    ) -> Any:
        media = {name: options.pop(name) for name in MEDIA if name in options}
        kind = Kind(options.get("java_script_enabled", True), whole)
        if not options.keys() - {"java_script_enabled"} and not TRACED:
            page = contexts.lend(width, height, evidence.follow, kind).pages[0]
        else:
            viewport = {"width": width, "height": height}
            context = open_context(browser, live_server, viewport=viewport, **options)
            evidence.follow(context)
            alone.append(context)
            page = context.new_page()
            if kind.scripts and kind.whole:
                act_on_whole_pages(page)
        if media:
            page.emulate_media(**media)
        if font:
            always_draw_in(page, font)
        return page

    alone: list[Any] = []
    yield open_page
    kept = evidence.keep() if evidence.complaints else ""
    evidence.leave()
    for context in evidence.contexts:
        context.close() if context in alone else contexts.take_back(context)
    end_streams()
    live_server.let_requests_end()
    end_streams()  # one that was only being opened
    assert not evidence.complaints, f"The browser complained: {evidence.complaints}\n{kept}"


def set_clock(context: Any) -> None:
    """Let pages have the date that `make test-days` has given to everything else."""
    if ahead := os.environ.get("CLOCK_AHEAD"):
        context.add_init_script(
            f"""const ahead = {int(ahead)} * 1000;
            globalThis.Date = new Proxy(Date, {{
              construct: (real, given) => new real(...(given.length ? given : [Date.now()])),
              apply: (real) => new real(Date.now()).toString(),
              get: (real, name) => (name === "now" ? () => real.now() + ahead : real[name]),
            }});"""
        )


def end_streams() -> None:
    """Let go of the meetings that pages followed, before their tables are emptied."""
    from crb.live import hub

    hub.stop()


def act_on_whole_pages(page: Any) -> None:
    """Let nobody press or look before the scripts of a page are there, after a link as well.

    Until then a page behaves as it does without scripts, which has tests of its own.
    """
    page.add_init_script(
        "addEventListener('load', () => document.documentElement.setAttribute('data-whole', ''))"
    )
    page.add_locator_handler(page.locator("html:not([data-whole])"), lambda: None)


@pytest.fixture
def page(new_page: Any) -> Any:
    """One page of one person, on the running product."""
    return new_page()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    """Keep what the pages of a failed test show, before its fixtures tidy up, and say where."""
    report = yield
    evidence = item.stash.get(EVIDENCE, None)
    if evidence and report.failed and report.when == "call" and (kept := evidence.keep()):
        report.sections.append(("The browser's pages", kept))
    return report
