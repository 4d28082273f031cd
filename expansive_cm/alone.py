"""One process in all does something: a lock that goes with the connection to the database."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def alone(kind: str, number: int) -> Iterator[bool]:
    """Hold the lock of one thing of a kind within the block; yield whether it is ours.

    Waits for nobody. A process that dies gives it back with its connection.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), %s)", [kind, number])
        is_ours = cursor.fetchone()[0]
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), %s)", [kind, number])
