"""Servers of the tests that run on between two runs, for `KEEP=1 make test`.

The directory's lock says whether a run uses them, its registry which processes they are. What
else the next run must know, their addresses, lies in a file beside it.
"""

import json
from pathlib import Path

import psycopg2
import redis

from expansive_cm.services.bootstrap import ROOT, digest
from expansive_cm.services.databases import Databases

HERE = Path(__file__).resolve().parent
MADE_OF = (
    HERE / "postgres.py",
    HERE / "valkey.py",
    HERE / "databases.py",
    ROOT / "requirements" / "local.txt",
)
"""What decides how the servers are started: after a change they are started again."""
LET_GO = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


def note(databases: Databases) -> Path:
    """The file that says how to reach the servers of a directory."""
    return databases.base / "run" / "kept.json"


def remember(databases: Databases, environment: dict[str, str]) -> None:
    """Write down how to reach the servers, for the account that runs them alone."""
    path = note(databases)
    path.touch(mode=0o600)
    path.write_text(json.dumps({"made_of": digest(*MADE_OF), "environment": environment}))


def forget(databases: Databases) -> None:
    """Let no later run believe that these servers still run."""
    note(databases).unlink(missing_ok=True)


def take_over(databases: Databases) -> dict[str, str] | None:
    """Go on with the servers of an earlier run: the environment that reaches them, or None.

    The caller holds the directory's lock. None unless both live, answer, and were started as they
    would be now. Effects: whoever is still connected is cut off, and the queues are emptied.
    """
    try:
        said = json.loads(note(databases).read_text())
    except (FileNotFoundError, ValueError):
        return None
    known = databases.registry.recorded()
    living = {identity.name for identity in known if identity.find()}
    if said["made_of"] != digest(*MADE_OF) or living != {"postgres", "valkey"}:
        return None
    environment: dict[str, str] = said["environment"]
    if not is_cleared(environment):
        return None
    databases.registry.identities = known
    return environment


def is_cleared(environment: dict[str, str]) -> bool:
    """Cut off what a killed run left connected or queued; False when a server does not answer."""
    try:
        connection = psycopg2.connect(environment["DATABASE_URL"], connect_timeout=5)
        with connection, connection.cursor() as cursor:
            cursor.execute(LET_GO)
        connection.close()
        with redis.Redis.from_url(environment["REDIS_URL"], socket_timeout=5) as client:
            client.flushall()
    except (psycopg2.Error, redis.RedisError):
        return False
    return True
