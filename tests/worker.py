"""Real Celery workers on a test's database, and waiting for what they do.

One is kept for the whole run: it has a queue of its own, so that it rests while tests run that
do not ask for it. A test may kill it, and start it again.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from django.conf import settings
from django.db import connection

from expansive_cm.celery import app
from tests.lending import lend
from tests.smtp import Mailbox

KEPT = "kept"
PATIENCE_SECONDS = 120
"""Ends a hang; a busy machine is slow, not wrong."""


class Worker:
    """A worker that takes what is in its queue."""

    def __init__(self, log: Path, queue: str, processes: int = 1) -> None:
        self.log = log
        self.queue = queue
        self.processes = processes
        self.process: psutil.Process | None = None
        self.log.touch()
        self.begins = 0
        """Where in its log that begins which it says in the test that runs."""

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.is_running()

    def start(self) -> None:
        """Start it with an empty queue, on the database and mail server of the test that runs."""
        redis.Redis.from_url(app.conf.broker_url).delete(self.queue)
        options = ["-c", str(self.processes), "-n", f"{self.queue}@tests", "-l", "INFO"]
        begins = self.log.stat().st_size
        self.process = lend(
            ["-A", "expansive_cm", "worker", *options, "--without-gossip", "--without-mingle"],
            {**os.environ, **worker_environment()},
            broker=app.conf.broker_url,
            queue=self.queue,
            log=self.log,
        )
        wait_until(lambda: " ready." in self.said(begins), PATIENCE_SECONDS, process=self)

    def said(self, begins: int | None = None) -> str:
        """Return what it has said since a place in its log, or in the test that runs."""
        with self.log.open("rb") as lines:
            lines.seek(self.begins if begins is None else begins)
            return lines.read().decode(errors="replace")

    def poll(self) -> int | None:
        """Return None while it lives."""
        return None if self.is_alive else 1

    def kill(self) -> None:
        """Let it and its children die as a machine without memory does it."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Let it end what it is at, and go; nothing happens to one that has gone."""
        if not self.is_alive:
            return
        assert self.process is not None
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_SECONDS)
        except psutil.TimeoutExpired:
            self.kill()  # a child that goes on would hold its locks

    def is_idle(self) -> bool:
        """Whether nothing waits for it, and it has answered twice that it is at nothing.

        Between two answers it has read what had left the queue before the first.
        """
        with redis.Redis.from_url(app.conf.broker_url) as queues:
            return not queues.llen(self.queue) and not self._at_work() and not self._at_work()

    def _at_work(self) -> bool:
        ask = app.control.inspect([f"{self.queue}@tests"], timeout=PATIENCE_SECONDS, limit=1)
        answers = [*(ask.active() or {"": ["?"]}).values(), *(ask.reserved() or {}).values()]
        return any(answers)


@pytest.fixture(scope="session")
def kept_worker(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    """The worker of this process, started by the first test that asks for it."""
    worker = Worker(tmp_path_factory.mktemp("worker") / "kept.log", KEPT)
    yield worker
    worker.stop()


@pytest.fixture
def celery_worker_process(
    request: pytest.FixtureRequest,
    transactional_db: None,
    smtp_server: Mailbox,
    kept_worker: Worker,
) -> Iterator[Worker]:
    """A worker that is ready when the test begins and at nothing when its tables are emptied."""
    kept_worker.begins = kept_worker.log.stat().st_size
    usual = app.conf.task_default_queue
    if not kept_worker.is_alive:
        kept_worker.start()
    app.conf.task_default_queue = kept_worker.queue
    yield kept_worker
    app.conf.task_default_queue = usual
    if getattr(request.node, "failed", False):
        print(f"What the worker said:\n{kept_worker.said()}")
        kept_worker.kill()
    if kept_worker.is_alive:
        smtp_server.release()
        wait_until(kept_worker.is_idle, process=kept_worker)


@contextmanager
def running_worker(log: Path, processes: int = 1) -> Iterator[Worker]:
    """Start a worker of this test's own, with an empty queue, and stop it in the end."""
    worker = Worker(log, app.conf.task_default_queue, processes)
    try:
        worker.start()
        yield worker
    except BaseException:
        print(f"What the worker said:\n{worker.said()}")  # shown with the failed test
        raise
    finally:
        worker.stop()


def wait_until(
    condition: Callable[[], Any],
    seconds: float = PATIENCE_SECONDS,
    process: "subprocess.Popen[Any] | Worker | None" = None,
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
            output = getattr(process, "stdout", None)
            pytest.fail(f"It ended early: {output.read() if output else ''}")
        if task and time.monotonic() >= begun + 15 * starts:
            task.delay()
            starts += 1
        time.sleep(0.02)
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
