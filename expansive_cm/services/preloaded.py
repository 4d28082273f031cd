"""A process that has loaded the product and forks web server, worker and beat.

What it has loaded they share until they write to it, and none of them loads it for itself. It does
nothing else and has one thread. The supervisor is told what becomes of each; should this process
die, what it has forked lives on, and what starts next has a new one.
"""

import importlib
import json
import os
import runpy
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from expansive_cm.services.processes import Child, Forked, Registry

LONGEST_REQUEST = 2**16
PATIENCE_SECONDS = 60
LOOK_EVERY_SECONDS = 0.1


def is_possible() -> bool:
    """Whether this system has what this needs. macOS has not: its libraries mind a fork."""
    # A Python that was built on an old system does not know the call.
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


# --- The supervisor's side -----------------------------------------------------------------


@dataclass
class Preloaded(Child):
    """The process that forks. It starts with the first of those that it forks."""

    outlasts: bool = True
    go_on: Callable[[], None] = lambda: None
    """Called while it loads; raises where somebody wants to stop meanwhile."""
    asked: socket.socket | None = field(default=None, repr=False)

    def launch(
        self, registry: Registry, say: Callable[[str, str], None]
    ) -> "subprocess.Popen[str] | Forked":
        """Make it. It ends once nobody can ask it any more."""
        self.close()
        self.asked, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fds = (its.fileno(), *self.pass_fds)
        command = [*self.command, *map(str, fds)]
        with its:
            return replace(self, command=command, pass_fds=fds)._run()

    def fork(self, child: Child) -> Forked | None:
        """Let a child be forked; None where that fails. Waits until everything is loaded.

        Raises: what `go_on` raises. Then, and where it takes too long, it is not forked later.
        """
        assert self.asked is not None
        told, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reads, writes = os.pipe()
        said = open(reads, errors="replace")  # noqa: SIM115
        request = {"name": child.name, "command": child.command[2:], "keep": child.pass_fds}
        number = b""
        try:
            socket.send_fds(self.asked, [json.dumps(request).encode()], [its.fileno(), writes])
            its.close()
            number = self._answer(told)
        except OSError:
            return None
        finally:
            its.close()
            os.close(writes)
            if not number:
                told.close()
                said.close()
        return Forked(int(number), told, said) if number else None

    def _answer(self, told: socket.socket) -> bytes:
        latest = time.monotonic() + PATIENCE_SECONDS
        told.settimeout(LOOK_EVERY_SECONDS)
        while time.monotonic() < latest:
            self.go_on()
            with suppress(TimeoutError):
                number = told.recv(LONGEST_REQUEST)
                told.settimeout(None)
                return number
        return b""

    def close(self) -> None:
        """Ask it for nothing any more."""
        if self.asked:
            self.asked.close()
            self.asked = None

    def stop(self) -> None:
        """Stop it, after what it has forked."""
        super().stop()
        self.close()


@dataclass
class ForkedChild(Child):
    """A child that is forked from a process which has loaded it already."""

    preloaded: Preloaded | None = None

    def launch(
        self, registry: Registry, say: Callable[[str, str], None]
    ) -> "subprocess.Popen[str] | Forked":
        """Let it be forked; where that fails it is started like any other, and says why."""
        assert self.preloaded is not None
        if self.preloaded.process is None or self.preloaded.ended() is not None:
            self.preloaded.start(registry, say)
        return self.preloaded.fork(self) or self._run()

    def release(self) -> None:
        """Let the process end that has forked it."""
        if self.preloaded is not None:
            self.preloaded.stop()


# --- The process ---------------------------------------------------------------------------

LOADED = (
    "expansive_cm.asgi expansive_cm.celery expansive_cm.web.log expansive_cm.web.worker"
    " gunicorn.app.wsgiapp gunicorn.arbiter"
    " celery.app.amqp celery.app.control celery.app.events celery.app.log celery.apps.beat"
    " celery.apps.worker celery.backends.base celery.bin.celery celery.concurrency.prefork"
    " celery.contrib.django.task celery.events.dispatcher celery.events.receiver"
    " celery.worker.consumer.delayed_delivery"
    " billiard.popen_fork billiard.sharedctypes encodings.idna"
).split()
"""What else they load soon after their start, as `sys.modules` shows."""


def load() -> None:
    """Load whatever web server, worker and beat will."""
    for name in LOADED:
        importlib.import_module(name)
    from expansive_cm import celery
    from expansive_cm.web.preload import load_everything

    for app in (celery.app, celery.beat):
        app.finalize()
    celery.app.loader.import_default_modules()
    # That has checked the models as well: the worker need not, it would copy them.
    os.environ["CELERY_SKIP_CHECKS"] = "true"
    load_everything()


class Forking:
    """Forks what it is asked for, and tells how each of them ends."""

    def __init__(self, asked: socket.socket, listeners: set[int]) -> None:
        self.asked = asked
        self.listeners = listeners
        self.waiting = selectors.DefaultSelector()
        self.waiting.register(asked, selectors.EVENT_READ, None)

    def serve(self) -> dict[str, Any] | None:
        """Fork until nobody asks any more. Returns in the child too: with what it is to do."""
        while True:
            for key, _events in self.waiting.select():
                if key.data is not None:
                    self._tell(key.fd, *key.data)
                    continue
                message, fds, _flags, _address = socket.recv_fds(self.asked, LONGEST_REQUEST, 2)
                if not message:
                    return None
                request = json.loads(message)
                if self._fork(request, *fds):
                    return dict(request)

    def _fork(self, request: dict[str, Any], report: int, output: int) -> bool:
        """Returns whether this is the child. Nothing is forked for one that waits no longer."""
        told = socket.socket(fileno=report)
        try:
            number = None if _is_closed(told) else os.fork()
        except OSError:  # no room for another process: it is told by the end of `told`
            number = None
        if number is None:
            told.close()
            os.close(output)
            return False
        if not number:
            told.close()
            self._become(request, output)
            return True
        os.close(output)
        self.waiting.register(os.pidfd_open(number), selectors.EVENT_READ, (number, told))
        _send(told, number)
        return False

    def _become(self, request: dict[str, Any], output: int) -> None:
        os.setsid()
        for key in list(self.waiting.get_map().values()):
            os.close(key.fd)
            if key.data is not None:
                key.data[1].close()
        self.asked.detach()
        self.waiting.close()
        for listener in self.listeners.difference(request["keep"]):
            os.close(listener)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for here, there in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(here, there)
        os.close(nothing)
        os.close(output)

    def _tell(self, pidfd: int, number: int, told: socket.socket) -> None:
        _number, status = os.waitpid(number, 0)
        self.waiting.unregister(pidfd)
        os.close(pidfd)
        _send(told, os.waitstatus_to_exitcode(status))
        told.close()


def _is_closed(told: socket.socket) -> bool:
    """Whether nobody will read what is told."""
    try:
        return not told.recv(1, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False


def _send(told: socket.socket, value: int) -> None:
    try:
        told.send(str(value).encode())
    except OSError:
        return  # who wanted to know is gone


def main() -> None:
    """Load everything, fork; in what is forked, run what was asked for."""
    asked, *listeners = map(int, sys.argv[1:])
    load()
    todo = Forking(socket.socket(fileno=asked), set(listeners)).serve()
    if todo is None:
        return
    # What `ps` shows in the place of the command.
    Path("/proc/self/comm").write_text(todo["name"])
    module, *arguments = todo["command"]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
