"""The ASGI application: Django's WSGI application in bounded threads, streams in the loop."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from expansive_cm import errors

from .answers import Answer, Cut, File, Pieces, Send, Sender
from .bodies import Bodies, Body, Gone, Message, NoRoom, Receive, TooSlow
from .lanes import Full, Lane
from .streams import OFFERED, EventStream

logger = logging.getLogger(__name__)

Scope = Message
AGAIN_SECONDS = 5
"""When somebody is to come again for whom there was no room."""


class Application:
    """Serves HTTP. ``is_aside`` says of a path that pages go before it."""

    def __init__(
        self, django: Callable[..., Any], is_aside: Callable[[str], bool] = lambda path: False
    ) -> None:
        self.django = django
        self.is_aside = is_aside
        self.pages = Lane("page", settings.WEB_THREADS, settings.WEB_QUEUE)
        self.aside = Lane("aside", 2, 3 * settings.WEB_QUEUE)
        self.exports = Lane("export", 2, 8)
        self.files = ThreadPoolExecutor(2, thread_name_prefix="file")
        self.bodies = Bodies(settings.REQUEST_MAX_BYTES, 10 * settings.REQUEST_MAX_BYTES)

    @property
    def is_idle(self) -> bool:
        """Whether no thread works and nobody waits for one."""
        return self.pages.is_idle and self.aside.is_idle and self.exports.is_idle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        elif scope["path"] == "/healthz" and scope["method"] in ("GET", "HEAD"):
            await self._say(send, HTTPStatus.OK, b"alive\n")
        else:
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                for lane in (self.pages, self.aside, self.exports):
                    lane.shut()
                return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.bodies.new() as body:
            try:
                answer = await self._answer(scope, receive, body)
            except Gone:
                return
            except TooSlow:
                await self._say(
                    send, HTTPStatus.REQUEST_TIMEOUT, b"What you sent came too slowly.\n"
                )
                return
            except (Full, NoRoom):
                answer = too_busy(_is_in_background(scope))
            except OSError:
                logger.exception("What was sent could not be stored")
                answer = too_busy(_is_in_background(scope))
        try:
            await self._deliver(answer, send)
        except Cut:
            return  # gunicorn closes the connection of an answer without an end

    async def _answer(self, scope: Scope, receive: Receive, body: Body) -> Answer:
        headers = _headers(scope)
        announced = headers.get("CONTENT_LENGTH", "")
        await body.read(receive, int(announced) if announced.isdecimal() else None)
        environ = _environ(scope, headers, body)
        lane = self.aside if self.is_aside(environ["PATH_INFO"]) else self.pages
        return await lane.run(self._ask_django, environ, unclaimed=Answer.drop)

    def _ask_django(self, environ: dict[str, Any]) -> Answer:
        answer = Answer()
        answer.take(self.django(environ, answer.start))
        return answer

    # Sending

    async def _deliver(self, answer: Answer, send: Send) -> None:
        sender = Sender(send, answer)
        try:
            await sender.start()
            if answer.stream is not None:
                await self._follow(answer.stream, sender)
            elif answer.pieces is not None:
                await self._send_pieces(answer, sender)
            elif answer.file is not None:
                await self._send_file(answer, answer.file, sender)
            else:
                await sender.whole()
        finally:
            answer.drop()

    async def _follow(self, stream: EventStream, sender: Sender) -> None:
        events = stream.events()
        try:
            async for event in events:
                await sender.piece(event)
        finally:
            await events.aclose()
        await sender.piece(b"", more=False)

    async def _send_file(self, answer: Answer, file: File, sender: Sender) -> None:
        loop, piece = asyncio.get_running_loop(), answer.whole
        while piece:
            await sender.piece(piece)
            piece = await loop.run_in_executor(self.files, file.read)
        await sender.piece(b"", more=False)

    async def _send_pieces(self, answer: Answer, sender: Sender) -> None:
        assert answer.pieces is not None
        pieces = Pieces(answer.pieces)
        making = asyncio.ensure_future(self.exports.run(pieces.make))
        making.add_done_callback(lambda one: one.cancelled() or one.exception() or None)
        try:
            while True:
                taken = asyncio.ensure_future(pieces.take())
                await asyncio.wait({making, taken}, return_when=asyncio.FIRST_COMPLETED)
                if not taken.done() and (error := making.exception()):
                    taken.cancel()
                    raise error
                piece = await taken
                if piece is None:
                    break
                await sender.piece(piece)
            await making
            await sender.piece(b"", more=False)
        finally:
            pieces.stop()
            making.cancel()
            if not pieces.own():
                answer.pieces = None  # the thread that makes them closes it

    async def _say(self, send: Send, status: HTTPStatus, words: bytes) -> None:
        answer = Answer()
        answer.status, answer.whole = status, words
        answer.headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(words)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await self._deliver(answer, send)


# --- What a request says --------------------------------------------------------------------


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers as CGI names them; what comes twice is one list."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        between = "; " if key == "HTTP_COOKIE" else ","
        found[key] = f"{found[key]}{between}{value}" if key in found else value
    return found


def _environ(scope: Scope, headers: dict[str, str], body: Body) -> dict[str, Any]:
    """Return the request as WSGI describes it."""
    server = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    raw = scope.get("raw_path", b"").partition(b"?")[0]
    path = unquote_to_bytes(raw) if raw else scope["path"].encode()
    return {
        **headers,
        "CONTENT_LENGTH": str(body.size),
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or ""),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body.file,
        "wsgi.errors": _Errors(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": File,
        OFFERED: True,
    }


class _Errors:
    """WSGI's place for errors, which Django does not use: it logs."""

    def write(self, words: str) -> None:
        """Pass it on to the log."""
        logger.error("%s", words)

    def flush(self) -> None:
        """Nothing is held back."""


def _is_in_background(scope: Scope) -> bool:
    names = {name for name, value in scope["headers"] if value == b"true"}
    return b"hx-request" in names and b"hx-boosted" not in names


# --- When there is no room ---------------------------------------------------------------------


@cache
def _busy(in_background: bool) -> tuple[list[tuple[bytes, bytes]], bytes]:
    request = HttpRequest()
    if in_background:
        request.META["HTTP_HX_REQUEST"] = "true"
    sentence = _(
        "Too many people are asking at the same moment. Please try again in a few seconds."
    )
    page = errors.unavailable(request, sentence)
    page["Retry-After"] = str(AGAIN_SECONDS)
    page["Content-Length"] = str(len(page.content))
    page["Content-Security-Policy"] = "default-src 'none'; style-src 'self'"
    page["X-Content-Type-Options"] = "nosniff"
    named = [(name.lower().encode(), value.encode()) for name, value in page.items()]
    return named, page.content


def too_busy(in_background: bool) -> Answer:
    """Return the answer for whom there is no room: drawn once, no thread, no database."""
    answer = Answer()
    answer.status = HTTPStatus.SERVICE_UNAVAILABLE
    answer.headers, answer.whole = _busy(in_background)
    return answer
