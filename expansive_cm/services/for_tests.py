"""The databases of a test run, beside those of the running product and never the same."""

import os
from pathlib import Path

from expansive_cm.services import in_memory, kept
from expansive_cm.services.databases import DATABASE, Databases
from expansive_cm.services.processes import StartError

RUNS_AT_ONCE = 8
_running: list[Databases] = []
_folders: list[in_memory.Folder] = []
"""What lies in memory for as long as this process uses it."""


def start_test_services(data: Path) -> dict[str, str]:
    """Start both servers in the first directory that no other test run uses.

    Returns what the environment of the run needs. Their files stay, for the next run to start
    faster; nothing is written with care, as nothing in them is worth keeping. With `KEEP=1` the
    servers that an earlier such run left running are taken over. With `IN_MEMORY=1`, as for a run
    of all tests, PostgreSQL's files lie in memory where there is room, and go with the run.
    """
    for databases in directories(data):
        if databases.lock():
            break
    else:
        raise SystemExit(f"{RUNS_AT_ONCE} test runs are already under way in this directory.")
    _running.append(databases)
    if is_kept() and (environment := kept.take_over(databases)):
        return environment
    kept.forget(databases)
    databases.registry.stop_leftovers()
    in_memory.remove_leftovers()
    is_in_memory = os.environ.get("IN_MEMORY") == "1" and not is_kept()
    if not (is_in_memory and start_in_memory(databases)):
        databases.start_postgres()
    databases.start_valkey()
    environment = {
        "DATABASE_URL": databases.postgres.url(DATABASE),
        "REDIS_URL": databases.valkey.url(),
    }
    if is_kept():
        kept.remember(databases, environment)
    return environment


def start_in_memory(databases: Databases) -> bool:
    """Start PostgreSQL on files in memory; False where it cannot be, and nothing is left there.

    Root's server runs as an account that may not be able to enter what is private there.
    """
    folder = in_memory.folder_in_memory()
    if folder is None:
        return False
    _folders.append(folder)
    on_disk, databases.postgres = databases.postgres, databases.postgres_in(folder.path)
    try:
        databases.start_postgres()
    except (StartError, OSError):
        databases.postgres = on_disk
        databases.stop_started()
        _folders.remove(folder)
        folder.remove()
        return False
    return True


def stop_test_services() -> None:
    """Stop what `start_test_services` has started in this process, or leave it for the next."""
    while _running:
        databases = _running.pop()
        if is_kept():
            databases.leave()
        else:
            databases.stop()
    while _folders:
        _folders.pop().remove()


def is_kept() -> bool:
    """Whether the servers shall run on after this run."""
    return os.environ.get("KEEP") == "1"


def directories(data: Path) -> list[Databases]:
    """Every place of a test run, in the order in which runs take them."""
    return [
        Databases(data / f"test-{number}", durable=False) for number in range(1, RUNS_AT_ONCE + 1)
    ]


def stop_kept(data: Path) -> int:
    """Stop the servers that runs with `KEEP=1` left behind; one that is in use stays.

    Effects: removes what killed runs left in memory. Returns 1 when one was in use.
    """
    status = 0
    in_memory.remove_leftovers()
    for databases in directories(data):
        if not databases.base.exists():
            continue
        if not databases.lock():
            print(f"{databases.base.name} belongs to a run that is under way.")
            status = 1
            continue
        kept.forget(databases)
        for name in databases.registry.stop_leftovers():
            print(f"Stopped {name} of {databases.base.name}.")
        databases.leave()
    return status


if __name__ == "__main__":
    data = Path(__file__).resolve().parents[2] / ".data"
    raise SystemExit(max(stop_kept(folder) for folder in (data, data / "days")))
