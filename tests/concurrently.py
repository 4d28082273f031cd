"""Run the same act on several real database connections at the same moment."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

from django.db import connection
from django.test import Client

from accounts.models import User


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Start every act at the same moment, each on a connection of its own.

    Returns, in order, what each act returned or the exception it raised.
    """
    with crew() as together:
        return together(*acts)


@contextmanager
def crew() -> Iterator[Callable[..., list[Any]]]:
    """Give an ``at_once`` whose threads keep their connections for the next acts, as a server's do.

    A new connection has planned nothing yet, which takes it longer than most acts. It ends all.
    """
    hands: list[_Hand] = []

    def together(*acts: Callable[[], Any]) -> list[Any]:
        hands.extend(_Hand() for _missing in range(len(acts) - len(hands)))
        barrier = threading.Barrier(len(acts))
        taken = [hand.takes(act, barrier) for hand, act in zip(hands, acts, strict=False)]
        return [answers.get(timeout=120) for answers in taken]

    try:
        yield together
    finally:
        for hand in hands:
            hand.ends()


class _Hand:
    """A thread with a connection, which takes one act after the other."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def takes(self, act: Callable[[], Any], barrier: threading.Barrier) -> SimpleQueue[Any]:
        """Act once all others are there; what is returned gets the answer, or the exception."""
        answers: SimpleQueue[Any] = SimpleQueue()

        def take() -> None:
            try:
                connection.ensure_connection()
                barrier.wait(timeout=60)
                answers.put(act())
            except Exception as error:
                answers.put(error)

        self._waiting.put(take)
        return answers

    def ends(self) -> None:
        """Let go of the connection, once what it does is done."""
        self._waiting.put(None)
        self._thread.join(timeout=60)

    def _work(self) -> None:
        try:
            for take in iter(self._waiting.get, None):
                take()
        finally:
            connection.close()


def signed_in(person: User) -> Client:
    """Return a browser of theirs, signed in by a record of its own.

    Signing in writes on the record, so two browsers that share one disturb each other.
    """
    client = Client()
    client.force_login(User.objects.get(pk=person.pk))
    return client
