"""The databases of a test run, beside those of the running product and never the same."""

from pathlib import Path

from expansive_cm.services.databases import DATABASE, Databases

RUNS_AT_ONCE = 8
_running: list[Databases] = []


def start_test_services(data: Path) -> dict[str, str]:
    """Start both servers in the first directory that no other test run uses.

    Returns what the environment of the run needs. Their files stay, for the next run to start
    faster; nothing is written with care, as nothing in them is worth keeping.
    """
    for number in range(1, RUNS_AT_ONCE + 1):
        databases = Databases(data / f"test-{number}", durable=False)
        if databases.lock():
            break
    else:
        raise SystemExit(f"{RUNS_AT_ONCE} test runs are already under way in this directory.")
    _running.append(databases)
    databases.registry.stop_leftovers()
    databases.start_postgres()
    databases.start_valkey()
    return {
        "DATABASE_URL": databases.postgres.url(DATABASE),
        "REDIS_URL": databases.valkey.url(),
    }


def stop_test_services() -> None:
    """Stop what `start_test_services` has started in this process."""
    while _running:
        _running.pop().stop()
