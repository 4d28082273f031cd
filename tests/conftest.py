"""The real parts that tests stand on: mail server, worker, browser.

`tests/environment.py` has started the databases before this file is read. The cast of people
lives in `tests/people.py`.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections

ROOT = Path(__file__).resolve().parent.parent
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

if (ROOT / "tests" / "people.py").exists():
    pytest_plugins = ["tests.people", "tests.dovecot"]


class Mailbox:
    """Every message that the test's SMTP server has taken, in order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.host = "127.0.0.1"
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content)
        message["X-Envelope-To"] = ", ".join(envelope.rcpt_tos)
        self.messages.append(message)
        return "250 OK"

    def wait_for(self, count: int, seconds: float = 20) -> list[Message]:
        """Wait until `count` messages have come in; fails with what did come."""
        deadline = time.monotonic() + seconds
        while len(self.messages) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        subjects = [message["Subject"] for message in self.messages]
        assert len(subjects) >= count, f"{count} messages expected, these came: {subjects}"
        return self.messages


@pytest.fixture
def smtp_server(settings: Any) -> Iterator[Mailbox]:
    """A real SMTP server; the outbox of this process delivers to it while the test runs."""
    from aiosmtpd.controller import Controller
    from post_office.connections import connections

    from expansive_cm.services.valkey import free_port

    mailbox = Mailbox()
    mailbox.port = free_port()
    controller = Controller(mailbox, hostname=mailbox.host, port=mailbox.port, ready_timeout=60)
    controller.start()
    settings.EMAIL_HOST, settings.EMAIL_PORT = mailbox.host, mailbox.port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    backends = {"default": "django.core.mail.backends.smtp.EmailBackend"}
    settings.POST_OFFICE = {**settings.POST_OFFICE, "BACKENDS": backends}
    connections.close()
    yield mailbox
    connections.close()
    controller.stop()


@pytest.fixture
def celery_worker_process(transactional_db: None, tmp_path: Path) -> Iterator[subprocess.Popen]:
    """A real Celery worker on this test's database and queue, ready when the test begins.

    Work that earlier tests left in the queue is thrown away first.
    """
    with running_worker(tmp_path / "worker.log") as worker:
        yield worker


@contextmanager
def running_worker(log: Path, processes: int = 1) -> Iterator[subprocess.Popen]:
    """Start a worker with an empty queue and stop it in the end, if it has not been killed."""
    from expansive_cm.celery import app

    app.conf.broker_url = settings.CELERY_BROKER_URL
    app.control.purge()
    command = [sys.executable, "-m", "celery", "-A", "expansive_cm", "worker", "-c", str(processes)]
    with log.open("w") as output:
        worker = subprocess.Popen(
            [*command, "--without-gossip", "--without-mingle", "-l", "INFO"],
            cwd=ROOT,
            env={**os.environ, **worker_environment()},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 120
        while " ready." not in log.read_text():
            if worker.poll() is not None or time.monotonic() > deadline:
                pytest.fail("The worker did not start.")
            time.sleep(0.1)
        yield worker
    except BaseException:
        print(f"What the worker said:\n{log.read_text()}")  # shown with the failed test
        raise
    finally:
        worker.terminate()
        try:
            worker.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(worker.pid, signal.SIGKILL)  # a child that goes on would hold its locks
            worker.wait()


def wait_until(
    condition: Callable[[], Any],
    seconds: float = 60,
    process: subprocess.Popen | None = None,
    task: Any = None,
) -> None:
    """Wait for something that other processes bring about.

    A task is started at once and every 15 s again, as beat does every minute: what one run of it
    misses, the next makes up for. A process that ends is not waited for.
    """
    begun = time.monotonic()
    starts = 0
    while not (met := condition()) and time.monotonic() < begun + seconds:
        if process and process.poll() is not None:
            pytest.fail(f"It ended early: {process.stdout.read() if process.stdout else ''}")
        if task and time.monotonic() >= begun + 15 * starts:
            task.delay()
            starts += 1
        time.sleep(0.05)
    assert met, f"It did not happen within {seconds} s."  # not asked again: more may have begun


def worker_environment() -> dict[str, str]:
    """What a second process needs to work on the database of this test."""
    parts = connection.get_connection_params()
    host, port = parts.get("host", ""), parts.get("port") or ""
    user = f"{parts.get('user', '')}:{parts.get('password', '')}"
    address = f"postgresql://{user}@/{parts['dbname']}?host={host}"
    return {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"{address}&port={port}" if port else address,
        "EMAIL_URL": f"smtp://{settings.EMAIL_HOST}:{settings.EMAIL_PORT}",
        "DEMO": "false" if "smtp" in settings.POST_OFFICE["BACKENDS"]["default"] else "true",
        "ALLOWED_HOSTS": "testserver",
        "DEFAULT_FROM_EMAIL": settings.DEFAULT_FROM_EMAIL,
    }


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


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Let no listener hold the tests' database when it is dropped."""
    yield
    end_streams()


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
