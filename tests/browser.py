"""A real browser on the running product; its fixtures, and what a failed test leaves behind."""

import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from tests.environment import ROOT

SCREENSHOTS = ROOT / ".data" / "screenshots"
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
]
NO_BROWSER = (
    "The browser tests need Chromium: install it (on Debian: apt-get install chromium), or name "
    "one in CHROMIUM. With ALLOW_NO_BROWSER=1 these tests are left out."
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for the whole run."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    if not chromium:
        if os.environ.get("ALLOW_NO_BROWSER") == "1":
            pytest.skip(NO_BROWSER)
        pytest.fail(NO_BROWSER, pytrace=False)
    from playwright.sync_api import expect, sync_playwright

    # As patient as the pages themselves: a busy machine is slow, not wrong.
    expect.set_options(timeout=20_000)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*CHROMIUM_ARGUMENTS, *sandbox]
        )
        yield browser
        # Playwright's loop counts as running: Django has kept a connection of its own for that.
        connections.close_all()
        browser.close()


@pytest.fixture
def new_page(request: pytest.FixtureRequest, live_server: Any, browser: Any) -> Iterator[Any]:
    """Open pages of people who share nothing: `new_page(width=360)`.

    With ``whole=False`` a test looks at a page whose scripts are still on their way.
    A page whose browser reports an error in its console fails the test, a refused style or
    script included; each page of a failed test leaves a picture in `.data/screenshots`.
    """
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_page(
        width: int = 1280, height: int = 900, *, whole: bool = True, **options: Any
    ) -> Any:
        viewport = {"width": width, "height": height}
        defaults = {"base_url": live_server.url, "locale": "en-GB", "timezone_id": "Europe/London"}
        context = browser.new_context(viewport=viewport, **{**defaults, **options})
        contexts.append(context)
        context.set_default_timeout(20_000)
        set_clock(context)
        page = context.new_page()
        if whole and options.get("java_script_enabled", True):
            act_on_whole_pages(page)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: note_policy_violation(message, complaints))
        return page

    yield open_page
    if getattr(request.node, "failed", False):
        save_screenshots(contexts, request.node.name)
    for context in contexts:
        context.close()
    end_streams()
    let_requests_end()
    end_streams()  # one that was only being opened
    assert not complaints, f"The browser complained: {complaints}"


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


def let_requests_end(seconds: float = 10) -> None:
    """Wait for what a page had asked for when it was closed: a table in use is not emptied."""
    deadline = time.monotonic() + seconds
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(max(0.0, deadline - time.monotonic()))


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


def note_policy_violation(message: Any, complaints: list[str]) -> None:
    """Remember what the Content-Security-Policy made the browser refuse."""
    if message.type == "error" and "Content Security Policy" in message.text:
        complaints.append(message.text)


def save_screenshots(contexts: list[Any], name: str) -> None:
    """Keep what each page looked like when the test failed."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for number, open_page in enumerate(page for context in contexts for page in context.pages):
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name)
        open_page.screenshot(path=SCREENSHOTS / f"{plain}-{number}.png", full_page=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    """Tell the fixtures of a test, while they tidy up, whether it failed."""
    report = yield
    if report.when == "call":
        item.failed = report.failed
    return report
