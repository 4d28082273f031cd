"""The product's own web server, in threads of the test's process."""

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test.utils import modify_settings
from gunicorn.config import Config
from gunicorn.glogging import Logger

from expansive_cm.web.application import Application
from expansive_cm.web.worker import Connection

HOST = "localhost"
SECONDS = 120
"""Ends a hang; a busy machine is slow, not wrong."""


class Worker:
    """What a connection needs to know of its process."""

    def __init__(self, application: Application, loop: asyncio.AbstractEventLoop) -> None:
        self.cfg = Config()
        for name, value in {
            "worker_connections": 4000,
            "keepalive": 65,
            "asgi_disconnect_grace_period": 0,
            "loglevel": "warning",
            "forwarded_allow_ips": "",
        }.items():
            self.cfg.set(name, value)
        self.log = Logger(self.cfg)
        self.asgi = application
        self.loop = loop
        self.state: dict[str, Any] = {}
        self.connections: set[Connection] = set()
        self.nr_conns, self.nr, self.max_requests = 0, 0, sys.maxsize
        self.alive = True


class Server:
    """A web server as production runs it: one event loop, and the threads of its application.

    ``django`` may be another WSGI application, for tests that have no page.
    """

    def __init__(self, django: Callable[..., Any], port: int = 0, **how: Any) -> None:
        self.application = Application(django, **how)
        self.socket = socket.create_server((HOST, port), backlog=1000)
        self.address: tuple[str, int] = self.socket.getsockname()
        self.url = f"http://{HOST}:{self.address[1]}"
        self.loop = asyncio.new_event_loop()
        self.worker = Worker(self.application, self.loop)
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name="web server", daemon=True)
        self._thread.start()
        assert self._begun.wait(SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        serving = self.loop.create_server(lambda: Connection(self.worker), sock=self.socket)
        self.loop.run_until_complete(serving)
        self.loop.call_soon(self._begun.set)
        self.loop.run_forever()
        self.loop.run_until_complete(self._end())
        self.loop.close()

    async def _end(self) -> None:
        for connection in tuple(self.worker.connections):
            connection.transport.abort()
        own = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not own]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def let_requests_end(self, seconds: float = 10) -> None:
        """Wait for what a page had asked for when it was closed: a table in use is not emptied."""
        deadline = time.monotonic() + seconds
        while not self.application.is_idle and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self) -> None:
        """End it, and its threads."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(SECONDS)
        self.socket.close()
        for lane in (self.application.pages, self.application.aside, self.application.exports):
            lane.shut()


@pytest.fixture(scope="session")
def live_server() -> Iterator[Server]:
    """The product, served as in production but for styles and scripts, which lie where they are."""
    server = Server(StaticFilesHandler(WSGIHandler()))
    # pytest-django switches these on and off around each test that uses it.
    server._live_server_modified_settings = modify_settings(  # type: ignore[attr-defined]
        ALLOWED_HOSTS={"append": HOST}
    )
    yield server
    server.stop()
