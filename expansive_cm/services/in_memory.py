"""Where the files of a test run's PostgreSQL lie in memory instead of on the disk.

A run empties and fills tables thousands of times, and each time files are made and removed: on a
disk that is an eighth of all that PostgreSQL does. Nothing in them is worth keeping, so they are
removed with the run, and those of one that was killed by whoever runs tests next. Whether a run
is under way is told by the lock of its folder, as containers that share this memory may have the
same paths, see nothing of each other's and count processes of their own.
"""

import fcntl
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from expansive_cm.services.postgres import clear_leftovers

MEMORY = Path("/dev/shm")  # noqa: S108 - what is made in it is our own and private
ROOM = 6 * 1024**3
"""Bytes that must be free: a run needs about a third of them for its files."""
LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
LOCK = "lock"


@dataclass
class Folder:
    """A folder of one run; the system lets go of its lock when the run ends, however it ends."""

    path: Path
    lock: IO[str]

    def remove(self) -> None:
        """Stop a server that still works in it, and remove its files."""
        with self.lock:
            clear_leftovers(self.path / "postgres")
            shutil.rmtree(self.path, ignore_errors=True)


def folder_in_memory() -> Folder | None:
    """Make an empty folder in memory for one run; None where there is no room."""
    if not MEMORY.is_dir() or free() < ROOM:
        return None
    try:
        path = Path(tempfile.mkdtemp(prefix=_prefix(), dir=MEMORY.resolve()))
    except OSError:
        return None
    if lock := _lock(path, "x"):
        return Folder(path, lock)
    shutil.rmtree(path, ignore_errors=True)  # no room even for this, or taken for a leftover
    return None


def remove_leftovers() -> None:
    """Remove what killed runs of this account have left, and stop what still works there."""
    for path in MEMORY.resolve().glob(f"{_prefix()}*"):
        if lock := _lock(path, "r"):
            Folder(path, lock).remove()


def _lock(folder: Path, mode: str) -> IO[str] | None:
    """Take a folder for this process; None when it is another's, or somebody else's altogether."""
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            return None
        lock = (folder / LOCK).open(mode)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def free() -> int:
    """Bytes of memory that files there may take."""
    room = min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available)
    for most, used in LIMITS:
        try:
            room = min(room, int(Path(most).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):  # not limited so, or not at all
            continue
    return room


def _prefix() -> str:
    return f"expansive-cm-tests-{os.geteuid()}-"
