"""Starting, finding again and stopping processes without ever touching somebody else's."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO, Any

import psutil

KILL_AFTER_SECONDS = 5
# The clock may be set between two looks; a number is not given out again that soon.
SAME_BIRTHDAY_SECONDS = 2
UNKNOWN = 255
"""The exit status of a process that nobody saw end."""


class StartError(Exception):
    """A part did not start; the message is a sentence for the person who typed the command."""


@dataclass(frozen=True)
class Identity:
    """One process for ever: a number is given out again, a number with a birthday is not."""

    name: str
    pid: int
    created: float
    stop_signal: int
    grace: float
    outlasts: bool = False
    """Whether others use it: it stops after them."""

    def find(self) -> psutil.Process | None:
        """The living process this stands for, or None when it is gone."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < SAME_BIRTHDAY_SECONDS
        except psutil.NoSuchProcess:
            return None
        return process if same and is_alive(process) else None


class Registry:
    """The processes of this directory, on disk, so that a later start finds what was left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.identities: list[Identity] = []

    def recorded(self) -> list[Identity]:
        """What an earlier start wrote down, in the order of its starts."""
        try:
            return [Identity(**entry) for entry in json.loads(self.path.read_text())]
        except (FileNotFoundError, ValueError, TypeError):
            return []

    def stop_leftovers(self) -> list[str]:
        """Stop what a killed start left running, last started first; gives their names."""
        living = [identity for identity in reversed(self.recorded()) if identity.find()]
        stop(*(identity for identity in living if not identity.outlasts))
        for identity in living:
            stop(identity)
        self.path.unlink(missing_ok=True)
        return [identity.name for identity in living]

    def add(self, identity: Identity) -> None:
        """Remember a process before anything else happens to it."""
        places = {known.name: known for known in self.identities}
        # One that was started again keeps its place: databases stop after what uses them.
        self.identities = list({**places, identity.name: identity}.values())
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps([asdict(known) for known in self.identities]))
        draft.replace(self.path)

    def clear(self) -> None:
        """Forget everything after an orderly stop."""
        self.identities = []
        self.path.unlink(missing_ok=True)


def stop(*identities: Identity, hurried: Callable[[], bool] = lambda: False) -> None:
    """Ask processes to stop, all at once; wait as long as each may take, then end what is left.

    Their children end with them. Nothing is waited for any more once it is `hurried`.
    Raises: StartError when a process belongs to another account.
    """
    families = {}
    for identity in identities:
        with _allowed(identity):
            if process := identity.find():
                families[identity] = [process, *process.children(recursive=True)]
                process.send_signal(identity.stop_signal)
    for identity, family in families.items():
        with _allowed(identity):
            wait_until_ended(family[:1], identity.grace, hurried)
            end(family)


@contextmanager
def _allowed(identity: Identity) -> Iterator[None]:
    """Take it as done when the process is gone. Raises: StartError when it is somebody else's."""
    try:
        yield
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied as error:
        raise StartError(
            f"{identity.name} (process {identity.pid}) of an earlier start belongs to another "
            "account: stop it there first."
        ) from error


def end(members: list[psutil.Process]) -> None:
    """Terminate, then kill, whatever of these is still there."""
    for send in (psutil.Process.terminate, psutil.Process.kill):
        members = [member for member in members if is_alive(member)]
        for member in members:
            try:
                send(member)
            except psutil.NoSuchProcess:
                continue
        wait_until_ended(members, KILL_AFTER_SECONDS)


def wait_until_ended(
    members: list[psutil.Process], seconds: float, hurried: Callable[[], bool] = lambda: False
) -> None:
    """Wait until all of these have ended, at most that long and not once it is `hurried`.

    One that has ended but was not collected counts: a first process may take its time.
    """
    deadline = time.monotonic() + seconds
    while any(map(is_alive, members)) and time.monotonic() < deadline and not hurried():
        time.sleep(0.02)


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; one that only waits to be collected does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Forked:
    """A process that another one has forked, with what is used here of `subprocess.Popen`.

    The other one writes its exit status to `told`, once it has ended.
    """

    def __init__(self, pid: int, told: socket.socket, stdout: IO[str]) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._told = told
        try:
            self._process: psutil.Process | None = psutil.Process(pid)
        except psutil.NoSuchProcess:
            self._process = None

    def poll(self) -> int | None:
        """The exit status once it is gone, else None; `UNKNOWN` where nobody saw it end."""
        if self.returncode is None:
            with suppress(BlockingIOError):
                status = self._told.recv(16, socket.MSG_DONTWAIT)
                if status or not (self._process and is_alive(self._process)):
                    self.returncode = int(status or UNKNOWN)
                    self._told.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status, once there is one. Raises: subprocess.TimeoutExpired."""
        latest = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if latest is not None and time.monotonic() > latest:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.02)
        return status

    def kill(self) -> None:
        """End it at once."""
        if self._process:
            with suppress(psutil.NoSuchProcess):
                self._process.kill()


@dataclass
class Child:
    """A process that is kept running: how it starts, where its words go and how it ends."""

    name: str
    command: list[str]
    env: dict[str, str]
    cwd: Path
    log: Path | None = None
    stop_signal: int = signal.SIGTERM
    grace: float = 10
    outlasts: bool = False
    account: dict[str, Any] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()
    process: "subprocess.Popen[str] | Forked | None" = None
    starts: list[float] = field(default_factory=list)

    def start(self, registry: Registry, say: Callable[[str, str], None]) -> None:
        """Start it in a session of its own: Ctrl-C reaches the supervisor alone.

        Effects: writes to `log`, or passes each line to `say` when there is no log.
        """
        self.starts.append(time.monotonic())
        self.process = self.launch(registry, say)
        if not self.log:
            Thread(target=pass_on, args=(self.process.stdout, self.name, say), daemon=True).start()
        registry.add(self.identity())

    def launch(
        self, registry: Registry, say: Callable[[str, str], None]
    ) -> "subprocess.Popen[str] | Forked":
        """Make the process."""
        return self._run()

    def _run(self) -> "subprocess.Popen[str]":
        output: Any = open_log(self.log) if self.log else subprocess.PIPE
        process = subprocess.Popen(
            self.command,
            cwd=self.cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=self.pass_fds,
            text=True,
            errors="replace",
            **self.account,
        )
        if self.log:
            output.close()
        return process

    def identity(self) -> Identity:
        """What tells this very process from every other one."""
        assert self.process is not None
        try:
            created = psutil.Process(self.process.pid).create_time()
        except psutil.NoSuchProcess:
            created = 0.0
        return Identity(
            self.name, self.process.pid, created, self.stop_signal, self.grace, self.outlasts
        )

    def ended(self) -> int | None:
        """The exit status once the process is gone, else None."""
        return self.process.poll() if self.process else None

    def stop(self) -> None:
        """Stop it in its own way and collect it."""
        if self.process is None or self.process.poll() is not None:
            return
        stop(self.identity())
        self.process.wait()

    def release(self) -> None:
        """Stop what was there for this child and others, now that all of them have ended."""

    def last_words(self) -> str:
        """The end of its log, for a sentence about why it did not start."""
        if not self.log or not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])


def open_log(path: Path) -> IO[str]:
    """Open a log for appending; one that has grown large makes room for a new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > 10 * 2**20:
        path.replace(path.with_suffix(".old.log"))
    return path.open("a")


def pass_on(lines: IO[str] | None, name: str, say: Callable[[str, str], None]) -> None:
    """Repeat each line of a child until it closes its output."""
    for line in lines or ():
        say(name, line.rstrip("\n"))


def clean_environment(**values: str) -> dict[str, str]:
    """The caller's environment without what would redirect PostgreSQL's own programs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, **values}
