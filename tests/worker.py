"""A real Celery worker on a test's database and queue, and waiting for what it does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from tests.environment import ROOT


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
