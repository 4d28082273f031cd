"""Gives every test run its environment, before Django's settings are read.

Loaded by pyproject.toml as an early plugin. Databases come from DATABASE_URL and REDIS_URL
where these are set; otherwise a PostgreSQL and a Valkey of the tests' own are started under
`.data/test` and stopped at the end. They are never those of `make run`.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DEFAULTS = {
    "DJANGO_SETTINGS_MODULE": "tests.settings",
    "DEMO": "true",
    "SECRET_KEY": "a-key-that-only-tests-use-" + "0123456789" * 3,
    "BASE_URL": "http://testserver",
    # Playwright runs an event loop in the thread in which browser tests use the database.
    "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
}
SETTINGS_READ = (
    "DEBUG SECRET_KEY_FALLBACKS ALLOWED_HOSTS TRUSTED_PROXIES STATEMENT_TIMEOUT_SECONDS EMAIL_URL "
    "DEFAULT_FROM_EMAIL STATIC_ROOT HSTS_SECONDS LOG_LEVEL ATTACHMENT_MAX_BYTES "
    "CHANGE_FILES_MAX_BYTES LINK_FILES_MAX_BYTES "
    "MAILBOXES MAILBOX_CA MAIL_LARGEST REMINDER_DAYS CONFIRMATION_LINK_DAYS ACCESS_LINK_DAYS "
    "PROMISE_WARN_DAYS REPLY_ADDRESS MAIL_BURST_SECONDS OUTCOME_UNDO_SECONDS "
    "WEB_PROCESSES WEB_THREADS WEB_QUEUE WEB_STREAMS WEB_STREAMS_PERSON"
).split()
_folders: list[str] = []
"""What this process has made; a run within a test has folders of other runs in its environment."""


def prepare_environment() -> None:
    """Set what the tests rely on and drop what the caller's shell would change."""
    for name in SETTINGS_READ:
        os.environ.pop(name, None)
    os.environ.update(DEFAULTS)
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        # A test that lists the stored files must not find those of another worker's test.
        own = Path(os.environ["MEDIA_ROOT"]) / worker
        own.mkdir(exist_ok=True)
        os.environ["MEDIA_ROOT"] = str(own)
    else:
        # Inherited by parallel workers and by the Celery worker, which read the same files.
        for name in ("MEDIA_ROOT", "TEST_BEGINNINGS"):
            os.environ[name] = tempfile.mkdtemp(prefix=f"expansive-cm-{name.lower()}-")
            _folders.append(os.environ[name])
    if not {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys():
        from expansive_cm.services.for_tests import start_test_services

        os.environ.update(start_test_services(ROOT / ".data"))


prepare_environment()
# What is loaded stays: looking through all of it for garbage, again and again, finds none.
gc.disable()


def pytest_configure(config: pytest.Config) -> None:
    """Collect the files of a folder one after the other, in whatever order they are named.

    pytest 9.1 that comes back to a folder has forgotten the fixtures of its conftest.py.
    """
    config.args.sort()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for garbage from here on, also in the process that starts parallel workers."""
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep what is loaded by now out of the search for garbage, as the running product does.

    With every module and test loaded, searching through all of it takes a twentieth of a run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this process started and drop its files; parallel workers own nothing."""
    if not hasattr(config, "workerinput"):
        from expansive_cm.services.for_tests import stop_test_services

        stop_test_services()
        while _folders:
            shutil.rmtree(_folders.pop(), ignore_errors=True)
