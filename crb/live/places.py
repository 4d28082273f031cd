"""How many streams one web process holds open, in all and for each person."""

import threading
from collections import Counter
from collections.abc import Callable

from django.conf import settings


class Places:
    """The places for streams in one process. A page without one asks every few seconds."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken: Counter[int] = Counter()

    def take(self, person: int) -> Callable[[], None] | None:
        """Take a place; returns what gives it back, or None where there is none left."""
        with self._guard:
            if self._taken.total() >= settings.WEB_STREAMS:
                return None
            if self._taken[person] >= settings.WEB_STREAMS_PERSON:
                return None
            self._taken[person] += 1
        return lambda: self._leave(person)

    def _leave(self, person: int) -> None:
        with self._guard:
            self._taken[person] -= 1
            if not self._taken[person]:
                del self._taken[person]


PLACES = Places()
