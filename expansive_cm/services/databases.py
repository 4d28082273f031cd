"""One directory, its lock, and the PostgreSQL and Valkey that work in it."""

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import IO

from expansive_cm.services.postgres import Postgres
from expansive_cm.services.processes import Child, Registry, StartError
from expansive_cm.services.valkey import Valkey

DATABASE = "expansive_cm"


def ignore(name: str, line: str) -> None:
    """Pay no attention to what a process says."""


class Databases:
    """Both servers of one directory; nobody else works there while the lock is held."""

    def __init__(self, base: Path, *, durable: bool = True) -> None:
        self.base = base
        self.durable = durable
        self.registry = Registry(base / "run" / "processes.json")
        self.postgres = self.postgres_in(base)
        self.valkey = Valkey(base / "valkey", base / "log" / "valkey.log")
        self.children: list[Child] = []
        self._lock: IO[str] | None = None

    def postgres_in(self, folder: Path) -> Postgres:
        """The server of this directory, with its files in a folder that may be another one."""
        log = self.base / "log" / "postgres.log"
        return Postgres(folder / "postgres", log, durable=self.durable)

    def lock(self) -> bool:
        """Take the directory for this process; False when another one has it.

        The system lets go of the lock when the process ends, however it ends.
        """
        folder = self.base / "run"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / "lock").open("w")
        except PermissionError as error:
            raise StartError(
                f"{error.filename} belongs to another account: run this as that account, or "
                "remove the directory there."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def start_postgres(self) -> None:
        """Start PostgreSQL and see to it that our database exists."""
        child = self._start(self.postgres.child())
        self.postgres.wait(child)
        self.postgres.ensure_database(DATABASE)

    def start_valkey(self) -> None:
        """Start Valkey; if it cannot read what it had stored, start it empty."""
        child = self._start(self.valkey.child())
        try:
            self.valkey.wait(child)
        except StartError:
            child.stop()
            self.children.remove(child)
            self.valkey.forget()
            self.valkey.wait(self._start(self.valkey.child()))

    def _start(self, child: Child) -> Child:
        self.children.append(child)
        child.start(self.registry, ignore)
        return child

    def stop(self, tell: Callable[[str], None] = lambda name: None) -> None:
        """Stop what was started, last first, and let go of the directory."""
        self.stop_started(tell)
        self.leave()

    def stop_started(self, tell: Callable[[str], None] = lambda name: None) -> None:
        """Stop what was started, last first, and keep the directory."""
        for child in reversed(self.children):
            tell(child.name)
            child.stop()
        self.children = []
        self.registry.clear()

    def leave(self) -> None:
        """Let go of the directory; what was started runs on, and its registry says so."""
        self.children = []
        if self._lock:
            self._lock.close()
            self._lock = None
