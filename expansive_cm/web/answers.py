"""What Django answers, as a thread brings it to the event loop, and how it is sent."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse

from .bodies import Message
from .streams import EventStream

Send = Callable[[Message], Awaitable[None]]

PIECE_BYTES = 64 * 1024
FILE_PIECE_BYTES = 256 * 1024
STALLED_SECONDS = 60.0
"""A browser that takes no piece for so long is cut off."""
AHEAD_PIECES = 16
"""So many pieces of a long answer are made before the first of them is taken."""


class File:
    """WSGI's wrapper of a file that is to be sent: read piece by piece, with no thread held."""

    def __init__(self, file: Any, block_size: int = FILE_PIECE_BYTES) -> None:
        self.file = file

    def read(self) -> bytes:
        """Return the next piece, empty at the end."""
        return bytes(self.file.read(FILE_PIECE_BYTES))

    def close(self) -> None:
        """Close the file, and with it Django's answer."""
        self.file.close()


class Answer:
    """Status, headers and what is sent: one whole, a file, pieces as they are made, or a stream."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.whole = b""
        self.file: File | None = None
        self.pieces: StreamingHttpResponse | None = None
        self.stream: EventStream | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        """WSGI's ``start_response``."""
        self.status = int(status.split(" ", 1)[0])
        self.headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]

    def take(self, result: Any) -> None:
        """Keep what Django gave back; what is short is made and closed here, in its thread."""
        if isinstance(result, EventStream):
            self.stream = result
            result.close()
        elif isinstance(result, File):
            self.whole = result.read()
            if len(self.whole) < FILE_PIECE_BYTES:
                result.close()
            else:
                self.file = result
        elif isinstance(result, StreamingHttpResponse):
            self.pieces = result
        else:
            try:
                self.whole = b"".join(result)
            finally:
                _close(result)

    def drop(self) -> None:
        """Nobody takes it."""
        if self.stream is not None:
            self.stream.over()
        for one in (self.file, self.pieces):
            if one is not None:
                one.close()


class Cut(Exception):
    """The browser takes nothing any more."""


class Pieces:
    """Pieces that a thread makes and the event loop sends; the thread never gets far ahead."""

    def __init__(self, answer: StreamingHttpResponse) -> None:
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._ahead = threading.Semaphore(AHEAD_PIECES)
        self._unwanted = threading.Event()
        self._owned = threading.Lock()

    def own(self) -> bool:
        """Take the answer to oneself, to close it in the end; returns whether nobody has it."""
        return self._owned.acquire(blocking=False)

    def make(self) -> None:
        """Make all of them, in one thread from first to last: they are read from the database."""
        if not self.own():
            return
        try:
            for piece in in_pieces(self._answer):
                while not self._ahead.acquire(timeout=1):
                    if self._unwanted.is_set():
                        return
                if self._unwanted.is_set():
                    return
                self._loop.call_soon_threadsafe(self._ready.put_nowait, piece)
        finally:
            _close(self._answer)
            self._loop.call_soon_threadsafe(self._ready.put_nowait, None)

    async def take(self) -> bytes | None:
        """Return the next piece; None after the last."""
        piece = await self._ready.get()
        self._ahead.release()
        return piece

    def stop(self) -> None:
        """Make no more."""
        self._unwanted.set()
        self._ahead.release()


def in_pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Put what is made line by line into pieces worth sending."""
    gathered: list[bytes] = []
    size = 0
    for chunk in chunks:
        gathered.append(chunk)
        size += len(chunk)
        if size >= PIECE_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)


def _close(result: Any) -> None:
    if hasattr(result, "close"):
        result.close()


class Sender:
    """One answer on its way. Raises: Cut where the browser does not take it."""

    def __init__(self, send: Send, answer: Answer) -> None:
        self._send = send
        self._answer = answer

    async def start(self) -> None:
        """Send status and headers."""
        head = {
            "type": "http.response.start",
            "status": self._answer.status,
            "headers": self._answer.headers,
        }
        await self._send(head)

    async def piece(self, body: bytes, *, more: bool = True) -> None:
        """Send one piece, when the browser has taken those before it."""
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                await self._send({"type": "http.response.body", "body": body, "more_body": more})
        except TimeoutError:
            raise Cut from None

    async def whole(self) -> None:
        """Send what is there at once, with its end."""
        whole = self._answer.whole
        view = memoryview(whole)
        while len(view) > PIECE_BYTES:
            await self.piece(bytes(view[:PIECE_BYTES]))
            view = view[PIECE_BYTES:]
        await self.piece(bytes(view), more=False)
