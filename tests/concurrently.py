"""Run the same act on several real database connections at the same moment."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test import Client

from accounts.models import User


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Start every act at the same moment, each on a connection of its own.

    Returns, in order, what each act returned or the exception it raised.
    """
    barrier = threading.Barrier(len(acts))
    answers: list[Any] = [None] * len(acts)

    def run(number: int, act: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=60)
            answers[number] = act()
        except Exception as error:
            answers[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number, act)) for number, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return answers


def signed_in(person: User) -> Client:
    """Return a browser of theirs, signed in by a record of its own.

    Signing in writes on the record, so two browsers that share one disturb each other.
    """
    client = Client()
    client.force_login(User.objects.get(pk=person.pk))
    return client
