"""What a browser sends, read by the event loop to its end before a thread is taken.

However slowly it comes, it holds a connection and nothing else; and it is bounded: in memory,
on disk, in size and in time.
"""

import asyncio
import io
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import IO, Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

MEMORY_BYTES = 2**20
"""What is larger goes to a file."""
PATIENCE_SECONDS = 30.0
"""So long a body may take without having come at least at the slowest pace."""
SLOWEST_BYTES_PER_SECOND = 4096


class Gone(Exception):
    """Nobody waits for an answer any more."""


class TooSlow(Exception):
    """What was announced did not come in time."""


class NoRoom(Exception):
    """Too much is being sent by others at the same time."""


class Bodies:
    """All bodies that a process is reading or working on, and how much of them lies on disk."""

    def __init__(self, largest: int, on_disk: int) -> None:
        self.largest = largest
        self.on_disk = on_disk
        self._stored = 0

    @contextmanager
    def new(self) -> Iterator["Body"]:
        """A body that takes no room any more once its request is answered."""
        body = Body(self)
        try:
            yield body
        finally:
            body.close()

    def grow(self, size: int) -> None:
        """Take room on disk. Raises: NoRoom."""
        if self._stored + size > self.on_disk:
            raise NoRoom
        self._stored += size

    def shrink(self, size: int) -> None:
        """Give room back."""
        self._stored -= size


class Body:
    """One body: ``file`` holds it from its beginning, ``size`` says how long it is or would be."""

    def __init__(self, bodies: Bodies) -> None:
        self.bodies = bodies
        self.file: IO[bytes] = io.BytesIO()
        self.size = 0
        self._stored = 0

    async def read(self, receive: Receive, announced: int | None) -> None:
        """Read everything, or nothing of what is too large: Django then refuses it by its size.

        Raises: Gone, TooSlow, NoRoom; OSError where the disk is full.
        """
        if announced is not None and announced > self.bodies.largest:
            self.size = announced
            return
        loop = asyncio.get_running_loop()
        begun, more = loop.time(), True
        while more:
            latest = begun + PATIENCE_SECONDS + self.size / SLOWEST_BYTES_PER_SECOND
            try:
                async with asyncio.timeout_at(latest):
                    message = await receive()
            except TimeoutError:
                raise TooSlow from None
            if message["type"] != "http.request":
                raise Gone
            self._take(message.get("body", b""))
            more = message.get("more_body", False) and self.size <= self.bodies.largest
        if self.size > self.bodies.largest:
            self.file = io.BytesIO()
        self.file.seek(0)

    def _take(self, chunk: bytes) -> None:
        if self._stored:
            self._store(len(chunk))
        elif self.size + len(chunk) > MEMORY_BYTES:
            self._store(self.size + len(chunk))
            kept, self.file = self.file, tempfile.TemporaryFile()  # noqa: SIM115
            kept.seek(0)
            shutil.copyfileobj(kept, self.file)
        self.file.write(chunk)
        self.size += len(chunk)

    def _store(self, size: int) -> None:
        self.bodies.grow(size)
        self._stored += size

    def close(self) -> None:
        """Let go of memory, file and room."""
        self.file.close()
        self.bodies.shrink(self._stored)
        self._stored = 0
