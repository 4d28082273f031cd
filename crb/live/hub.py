"""One listener per web process: hears of changes in meetings, and of what becomes of people's
roles, accounts and sessions, and wakes who waits for them.

A process starts its listener with its first stream, never while it is still about to fork, and
keeps one database connection for it. When that connection is lost, the listener connects again
and takes every meeting and everybody's rights to have changed, so that nothing is missed.
"""

import asyncio
import logging
import os
import select
import threading
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import closing, suppress
from time import monotonic
from typing import Any

import psycopg2
from django.db import DEFAULT_DB_ALIAS, connections

logger = logging.getLogger(__name__)

CHANNEL = "crb_meeting"
PERSON = "person-"
"""What is announced of a person begins so; of a meeting it is the key alone."""
TICK_SECONDS = 0.25
"""How soon the listener sees that its process is about to end."""
ALIVE_SECONDS = 30
"""How often the connection is tried when nothing is announced: a dead one may look alive."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
KEEPALIVE = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}


class Bell:
    """Wakes whoever waits in one event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.next = asyncio.Event()

    def ring(self) -> None:
        """Wake all; callable from any thread, also once the loop has ended."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._ring)

    def _ring(self) -> None:
        rung, self.next = self.next, asyncio.Event()
        rung.set()


class Listener(threading.Thread):
    """Listens on the channel until told to end; counts the changes of each meeting."""

    def __init__(self, is_ending: Callable[[], bool]) -> None:
        super().__init__(name="meetings", daemon=True)
        self.news = threading.Condition()
        self._is_ending = is_ending
        self._ended = False
        self._everything = 0
        self._counts: dict[int, int] = defaultdict(int)
        self._lost = 0
        self._rights: dict[int, int] = defaultdict(int)
        self._bells: dict[asyncio.AbstractEventLoop, Bell] = {}

    @property
    def ended(self) -> bool:
        """Whether streams must end: the process stops, or the listener was told to."""
        return self._ended or self._is_ending()

    def version(self, meeting: int) -> int:
        """Return a number that grows whenever the meeting may have changed."""
        return self._everything + self._counts.get(meeting, 0)

    def rights(self, person: int) -> int:
        """Return a number that grows whenever what a person may see may have changed."""
        return self._lost + self._rights.get(person, 0)

    def wait(self, meeting: int, seen: int, seconds: float) -> None:
        """Wait in a thread until a meeting has changed since ``seen``."""
        with self.news:
            self.news.wait_for(lambda: self.ended or self.version(meeting) != seen, seconds)

    async def follow(self, meeting: int, seen: int, seconds: float, person: int, had: int) -> bool:
        """Wait in an event loop until a meeting has changed since ``seen``; returns whether.

        Ends too when a person's rights are others than when they ``had`` that number.
        """

        def moved() -> bool:
            changed = self.version(meeting) != seen
            return changed or self.ended or self.rights(person) != had

        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                bell = self._bell()
                while not moved():
                    await bell.next.wait()
        return self.version(meeting) != seen

    def _bell(self) -> Bell:
        loop = asyncio.get_running_loop()
        with self.news:
            return self._bells.setdefault(loop, Bell())

    def _wake(self) -> None:
        self.news.notify_all()
        for bell in self._bells.values():
            bell.ring()

    def end(self) -> None:
        """Let every stream end, and the thread too."""
        with self.news:
            self._ended = True
            self._wake()

    # The thread

    def run(self) -> None:
        """Listen; after a failure again, with growing pauses."""
        pause = FIRST_PAUSE
        while not self.ended:
            begun = monotonic()
            try:
                self._listen()
            except (psycopg2.Error, OSError, ValueError):
                if monotonic() - begun > LONGEST_PAUSE:
                    pause = FIRST_PAUSE
                self._lost += 1
                logger.warning("Listening for meetings failed; again in %.1f s", pause)
                self._rest(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        self.end()

    def _rest(self, seconds: float) -> None:
        with self.news:
            self.news.wait_for(lambda: self.ended, seconds)

    def _listen(self) -> None:
        with closing(_connect()) as raw:
            with raw.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
            self._announce(None)  # whatever happened while nobody listened
            tried = monotonic()
            while not self.ended:
                if select.select([raw], [], [], TICK_SECONDS)[0]:
                    self._take(raw)
                elif monotonic() - tried > ALIVE_SECONDS:
                    with raw.cursor() as cursor:
                        cursor.execute("SELECT 1")
                    self._take(raw)
                    tried = monotonic()

    def _take(self, raw: Any) -> None:
        raw.poll()
        heard = {notice.payload for notice in raw.notifies}
        raw.notifies.clear()
        meetings = {int(payload) for payload in heard if payload.isdecimal()}
        named = {one.removeprefix(PERSON) for one in heard if one.startswith(PERSON)}
        people = {int(key) for key in named if key.isdecimal()}
        if meetings or people:
            self._announce(meetings, people)

    def _announce(self, meetings: set[int] | None, people: AbstractSet[int] = frozenset()) -> None:
        with self.news:
            if meetings is None:
                self._everything += 1
            for meeting in meetings or ():
                self._counts[meeting] += 1
            for person in people:
                self._rights[person] += 1
            self._wake()


def _connect() -> Any:
    """Open a connection of the listener's own to the database that Django uses."""
    parameters = connections[DEFAULT_DB_ALIAS].get_connection_params()
    parameters.pop("cursor_factory", None)
    raw = psycopg2.connect(**{**KEEPALIVE, **parameters})
    raw.autocommit = True
    return raw


def announce_person(person: int) -> None:
    """Let all processes know that what somebody may see may have changed, once it is committed."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{PERSON}{person}"])


class _Process:
    """The listener of this process, if it has one."""

    guard = threading.Lock()
    listener: Listener | None = None
    pid = 0
    is_ending: Callable[[], bool] = staticmethod(lambda: False)


def listener() -> Listener:
    """Return the listener of this process; the first call starts it."""
    if _Process.pid != os.getpid():
        # A fork copies the lock and the object, but no thread.
        _Process.guard, _Process.listener, _Process.pid = threading.Lock(), None, os.getpid()
    with _Process.guard:
        found = _Process.listener
        if found is None or not found.is_alive():
            found = _Process.listener = Listener(_Process.is_ending)
            found.start()
        return found


def end_with(is_ending: Callable[[], bool]) -> None:
    """Let streams end as soon as this says that the web process is about to stop."""
    _Process.is_ending = staticmethod(is_ending)


def stop() -> None:
    """End the listener of this process and all its streams; the next stream starts a new one."""
    if _Process.pid != os.getpid():
        return
    with _Process.guard:  # a stream that begins meanwhile starts one that the next call ends
        found, _Process.listener = _Process.listener, None
    if found is not None:
        found.end()
        found.join(5)
