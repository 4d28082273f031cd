"""Where the files of a test run's PostgreSQL lie in memory instead of on the disk.

A run empties and fills tables thousands of times, and each time files are made and removed: on a
disk that is an eighth of all that PostgreSQL does. Nothing in them is worth keeping, so they are
removed with the run. One that was killed leaves them to the next run in its directory, or to any
run once that directory is gone.
"""

import hashlib
import os
import shutil
from pathlib import Path

import psutil

from expansive_cm.services.postgres import clear_leftovers

MEMORY = Path("/dev/shm")  # noqa: S108 - what is made in it is our own and private
ROOM = 6 * 1024**3
"""Bytes that must be free: a run needs about a third of them for its files."""
LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
BELONGS_TO = "belongs-to"


def folder_in_memory(base: Path) -> Path | None:
    """Make an empty folder in memory for the run in ``base``; None where there is no room.

    The caller holds the lock of ``base``. Effects: stops what an earlier run left working there,
    and removes its files and those of runs whose directory is gone.
    """
    if not MEMORY.is_dir():
        return None
    folder = _folder_of(base)
    for left in [folder, *_orphans()]:
        remove(left)
    if free() < ROOM:
        return None
    try:
        folder.mkdir(mode=0o700)
        (folder / BELONGS_TO).write_text(str(base.resolve()))
    except OSError:  # somebody else's, or no more room: the disk has it
        return None
    return folder


def remove(folder: Path) -> None:
    """Remove such a folder, and stop a server that still works in it."""
    if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.geteuid():
        return
    clear_leftovers(folder / "postgres")
    shutil.rmtree(folder, ignore_errors=True)


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


def _folder_of(base: Path) -> Path:
    key = hashlib.sha256(os.fsencode(base.resolve())).hexdigest()[:12]
    return MEMORY / f"{_prefix()}{key}"


def _orphans() -> list[Path]:
    found = []
    for note in MEMORY.glob(f"{_prefix()}*/{BELONGS_TO}"):
        try:
            is_gone = not Path(note.read_text()).exists()
        except OSError:
            continue
        if is_gone:
            found.append(note.parent)
    return found
