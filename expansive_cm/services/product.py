"""The product's own processes: their environment, their commands, their address."""

import errno
import os
import secrets
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from expansive_cm.services import preloaded
from expansive_cm.services.databases import DATABASE, Databases
from expansive_cm.services.processes import Child, StartError, clean_environment

ROOT = Path(__file__).resolve().parent.parent.parent
FIRST_PORT = 8000
PORTS_TRIED = 100
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104
NOT_TAKEN_FROM_SHELL = (
    "DEBUG SECRET_KEY SECRET_KEY_FALLBACKS DATABASE_URL REDIS_URL EMAIL_URL MEDIA_ROOT STATIC_ROOT "
    "STATEMENT_TIMEOUT_SECONDS HSTS_SECONDS DJANGO_SETTINGS_MODULE"
).split()


def product_environment(databases: Databases, address: str) -> dict[str, str]:
    """The settings of demo mode; what the caller's shell says for other purposes is dropped."""
    environment = clean_environment()
    for name in NOT_TAKEN_FROM_SHELL:
        environment.pop(name, None)
        environment.pop(f"{name}_FILE", None)
    own = {urlsplit(address).hostname or "", socket.gethostname().split(".")[0]}
    hosts = {"localhost", "127.0.0.1", "[::1]", *(bracketed(name) for name in own)}
    if os.environ.get("BIND") in EVERYWHERE:
        hosts |= own_addresses()
    hosts |= {name.strip() for name in environment.get("ALLOWED_HOSTS", "").split(",")}
    no_queue = "redis://127.0.0.1:1/0"
    return {
        **environment,
        "ALLOWED_HOSTS": ",".join(sorted(hosts - {""})),
        "DEMO": "true",
        "PYTHONUNBUFFERED": "1",
        # Who starts the demo as root knows it; nothing in it is given to others.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
        "BASE_URL": address,
        "SECRET_KEY": secret_key(databases.base),
        "DATABASE_URL": databases.postgres.url(DATABASE),
        "REDIS_URL": databases.valkey.url() if databases.valkey.port else no_queue,
        "MEDIA_ROOT": str(databases.base / "media"),
        "STATIC_ROOT": str(databases.base / "static"),
    }


def own_addresses() -> set[str]:
    """The addresses of this machine in its networks, as a browser names them."""
    found = [one for card in psutil.net_if_addrs().values() for one in card]
    return {
        bracketed(one.address.partition("%")[0])
        for one in found
        if one.family in (socket.AF_INET, socket.AF_INET6)
    }


def bracketed(host: str) -> str:
    """A host as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def secret_key(data: Path) -> str:
    """The key of this copy, made on the first start, so that people stay signed in."""
    path = data / "secret-key"
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(60))
        draft.replace(path)
    return path.read_text()


def listen_on_free_port() -> socket.socket:
    """Take the first free port; it stays ours even while the web server starts again.

    Raises: StartError for a PORT that is no number, a BIND that is not ours, or no free port.
    """
    bind = os.environ.get("BIND") or "127.0.0.1"
    port = os.environ.get("PORT") or str(FIRST_PORT)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise StartError(f"PORT is malformed: {port!r} is not a number from 1 to 65535.")
    first = int(port)
    last = min(first + PORTS_TRIED - 1, 65535)
    for number in range(first, last + 1):
        listener = socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((bind, number))
            listener.listen(1024)
            return listener
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise StartError(f"BIND cannot be used: {bind!r}: {error.strerror}.") from error
    raise StartError(f"None of the ports from {first} to {last} is free: choose another PORT.")


def address_of(listener: socket.socket) -> tuple[str, str]:
    """The address for people, which BASE_URL may name, and the one on this machine."""
    host, port = listener.getsockname()[:2]
    host = "127.0.0.1" if host in EVERYWHERE else host
    local = f"http://{bracketed(host)}:{port}"
    return os.environ.get("BASE_URL") or local, local


def product(
    environment: dict[str, str],
    listener: socket.socket,
    go_on: Callable[[], None] = lambda: None,
) -> list[Child]:
    """Web, worker and beat, as docker-compose.yml starts them too.

    Here they share the memory of what they have loaded, where the system can do that. `go_on` is
    called while it is loaded, and raises when somebody wants to stop.
    """
    python = sys.executable
    descriptor = listener.fileno()
    gunicorn = ["gunicorn", "expansive_cm.asgi", "--config", "expansive_cm/services/gunicorn.py"]
    celery = [python, "-m", "celery", "-q", "-A"]
    quiet = ["--without-gossip", "--without-mingle"]
    commands = {
        "web": [python, "-m", *gunicorn, "--bind", f"fd://{descriptor}"],
        "worker": [*celery, "expansive_cm", "worker", "--concurrency=2", *quiet],
        "beat": [*celery, "expansive_cm.celery:beat", "beat", "--pidfile="],
    }
    kind: Callable[..., Child] = Child
    if preloaded.is_possible():
        command = [python, "-m", preloaded.__name__]
        first = preloaded.Preloaded(
            "loaded", command, environment, ROOT, pass_fds=(descriptor,), go_on=go_on
        )
        kind = partial(preloaded.ForkedChild, preloaded=first)
    return [
        kind(
            name=name,
            command=command,
            env=environment,
            cwd=ROOT,
            stop_signal=signal.SIGTERM,
            grace=20,
            pass_fds=(descriptor,) if name == "web" else (),
        )
        for name, command in commands.items()
    ]


def wait_until_ready(web: Child, local: str, go_on: Callable[[], None]) -> None:
    """Wait until the web process says that it can serve people; calls `go_on` meanwhile.

    Raises: StartError when it ends or takes over a minute.
    """
    # A proxy of the caller's shell has no business between us and ourselves.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 60
    reason = "no answer"
    while time.monotonic() < deadline:
        go_on()
        if web.ended() is not None:
            raise StartError("The web server ended while it started: the lines above say why.")
        try:
            opener.open(f"{local}/readyz", timeout=5).close()
            return
        except urllib.error.HTTPError as error:
            reason = error.read().decode(errors="replace").strip()
        except OSError as error:
            reason = str(error)
        time.sleep(0.1)
    raise StartError(f"The product did not become ready within a minute: {reason}")
