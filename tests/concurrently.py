"""Run the same act on several real database connections at the same moment."""

import threading
from collections.abc import Callable
from contextvars import Context
from functools import partial
from queue import SimpleQueue
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.test import Client

from accounts.models import User

SECONDS = 60
"""Ends a hang; a busy machine is slow, not wrong."""
KEPT = 8
"""So many connections stay open: of a session that begins, PostgreSQL learns every table anew."""


class Hand(threading.Thread):
    """A thread that takes one act after the other, each as if it were the thread's first."""

    def __init__(self) -> None:
        super().__init__(name="at once", daemon=True)
        self.waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.is_free = threading.Event()
        self.start()

    def take(self, act: Callable[[], None]) -> None:
        """Let it do this next."""
        self.is_free.clear()
        self.waiting.put(act)

    def run(self) -> None:
        while True:
            Context().run(self.waiting.get())  # no language or time zone of the act before
            self.is_free.set()


_free: list[Hand] = []


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Start every act at the same moment, each on a connection of its own.

    Returns, in order, what each act returned or the exception it raised.
    """
    barrier = threading.Barrier(len(acts))
    answers: list[Any] = [None] * len(acts)

    def run(number: int, act: Callable[[], Any]) -> None:
        try:
            connect()
            barrier.wait(timeout=SECONDS)
            answers[number] = act()
        except BaseException as error:  # what a failed `pytest.raises` raises is no Exception
            answers[number] = error
        finally:
            leave(is_kept=number < KEPT)

    hands = [_free.pop(0) if _free else Hand() for _act in acts]
    for number, (hand, act) in enumerate(zip(hands, acts, strict=True)):
        hand.take(partial(run, number, act))
    _free[:0] = [hand for hand in hands if hand.is_free.wait(SECONDS)]
    return answers


def leave(*, is_kept: bool) -> None:
    """End the act's session, or leave it as the next act would find one that begins."""
    if is_kept and not connection.in_atomic_block and connection.get_autocommit():
        return
    connection.close()
    del connections[DEFAULT_DB_ALIAS]  # of one that is closed within a block, nothing is of use


def connect() -> None:
    """Have a connection in this thread: that of its last act, unless somebody has ended it."""
    if connection.connection is not None and not connection.is_usable():
        connection.close()
    connection.ensure_connection()


def signed_in(person: User) -> Client:
    """Return a browser of theirs, signed in by a record of its own.

    Signing in writes on the record, so two browsers that share one disturb each other.
    """
    client = Client()
    client.force_login(User.objects.get(pk=person.pk))
    return client
