"""The product's web server on the database of a benchmark, asked over real HTTP."""

import os
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client

from accounts.models import User

SECONDS = 60


@contextmanager
def web_server() -> Iterator[tuple[tuple[str, int], int]]:
    """Start the product's web server on the database of the benchmark.

    Yields its address and the number of its first process.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    number = listener.fileno()
    config = "expansive_cm/services/gunicorn.py"
    command = [sys.executable, "-m", "gunicorn", "expansive_cm.asgi", "--config", config]
    process = subprocess.Popen(
        [*command, "--bind", f"fd://{number}"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url(), "ALLOWED_HOSTS": "localhost"},
        pass_fds=(number,),
    )
    try:
        address: tuple[str, int] = listener.getsockname()
        wait_until_ready(process, address)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(SECONDS)
        listener.close()


def processor_seconds(pid: int) -> float:
    """Return what a process and its children have used of the processors."""
    first = psutil.Process(pid)
    times = [one.cpu_times() for one in (first, *first.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def database_url() -> str:
    """Where a second process finds the database that this one uses now."""
    parts = connection.get_connection_params()
    who = f"{parts.get('user', '')}:{urllib.parse.quote(parts.get('password', ''))}"
    place = urllib.parse.urlencode(
        {name: parts[name] for name in ("host", "port") if parts.get(name)}
    )
    return f"postgresql://{who}@/{parts['dbname']}?{place}"


def wait_until_ready(process: subprocess.Popen[bytes], address: tuple[str, int]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            opener.open(f"http://{address[0]}:{address[1]}/healthz", timeout=SECONDS).close()
            return
        except OSError:
            time.sleep(0.2)
    raise CommandError("The web server did not start.")


def cookie_of(user: User) -> str:
    """Sign somebody in; returns the cookies of their browser."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    token = f"{user.pk:032d}"
    return f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={token}"
