"""The web server: who is slow, or stays for long, keeps nobody from a page."""

import hashlib
import http.client
import io
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.http import FileResponse, HttpResponse, StreamingHttpResponse

from expansive_cm.web import answers, bodies, worker
from expansive_cm.web.streams import EventStream
from tests.server import SECONDS, Server
from tests.worker import wait_until

MEGABYTE = 2**20
Django = Callable[..., Any]


@contextmanager
def serving(django: Django, **how: Any) -> Iterator[Server]:
    server = Server(django, **how)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def one_thread(settings: Any) -> None:
    """Whatever holds a thread is noticed at once."""
    settings.WEB_THREADS, settings.WEB_QUEUE = 1, 1


def django(make: Callable[[dict[str, Any]], Any]) -> Django:
    """A WSGI application that answers as Django does with what ``make`` returns."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        response = make(environ)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        if getattr(response, "file_to_stream", None) is not None:
            response.file_to_stream.close = response.close
            return environ["wsgi.file_wrapper"](response.file_to_stream, response.block_size)
        return response

    return application


def words(environ: dict[str, Any]) -> HttpResponse:
    return HttpResponse(environ["PATH_INFO"], headers={"Content-Length": len(environ["PATH_INFO"])})


def ask(server: Server, path: str = "/page", method: str = "GET", **how: Any) -> Any:
    """Return the answer, read to its end: ``status``, ``headers``, ``body``."""
    with closing(http.client.HTTPConnection(*server.address, timeout=SECONDS)) as line:
        line.request(method, path, **how)
        answer = line.getresponse()
        answer.body = answer.read()
        return answer


def say(server: Server, text: str) -> socket.socket:
    """Open a connection and send something."""
    line = socket.create_connection(server.address, timeout=SECONDS)
    line.sendall(text.replace("\n", "\r\n").encode())
    return line


# --- Slow ones -------------------------------------------------------------------------------


def test_who_sends_slowly_holds_no_page_up() -> None:
    with serving(django(words)) as server:
        slow = [
            say(server, "POST /slow HTTP/1.1\nHost: here\nContent-Length: 100\n\nhalf")
            for _number in range(20)
        ]
        silent = [say(server, "GET /silent HT") for _number in range(20)]
        assert ask(server).body == b"/page"
        slow[0].sendall(b"-" * 96)
        assert slow[0].recv(100).startswith(b"HTTP/1.1 200")
        for line in slow + silent:
            line.close()


def test_who_reads_slowly_holds_no_page_up(tmp_path: Any) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"-" * 8 * MEGABYTE)
    kinds = {
        "/whole": lambda: HttpResponse(b"-" * 8 * MEGABYTE),
        "/file": lambda: FileResponse(path.open("rb")),
        "/lines": lambda: StreamingHttpResponse(b"-" * 1000 for _number in range(8_000)),
        "/page": lambda: HttpResponse("quick"),
    }
    with serving(django(lambda environ: kinds[environ["PATH_INFO"]]())) as server:
        lines = [
            say(server, f"GET {kind} HTTP/1.1\nHost: here\n\n")
            for kind in kinds
            for _number in range(2)
        ]
        for line in lines:
            assert line.recv(8).startswith(b"HTTP/1.1")
        assert ask(server).body == b"quick"
        for line in lines:
            line.close()


def test_who_never_finishes_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(worker, "HEAD_SECONDS", 0.05)
    monkeypatch.setattr(answers, "STALLED_SECONDS", 0.05)
    with serving(django(lambda environ: HttpResponse(b"-" * 8 * MEGABYTE))) as server:
        body = say(server, "POST / HTTP/1.1\nHost: here\nContent-Length: 9\n\n")
        assert body.recv(100).startswith(b"HTTP/1.1 408")
        head = say(server, "GET / HTTP/1.1\nHost")
        with pytest.raises(ConnectionError):
            assert not head.recv(1)
            raise ConnectionError
        say(server, "GET / HTTP/1.1\nHost: here\n\n")
        wait_until(lambda: not server.worker.connections)


# --- Streams ---------------------------------------------------------------------------------


def test_hundreds_of_streams_hold_no_page_up() -> None:
    over: list[int] = []

    async def events() -> AsyncIterator[bytes]:
        yield b"event: begins\n\n"
        await ended.wait()

    def answer(environ: dict[str, Any]) -> Any:
        if environ["PATH_INFO"] == "/live/":
            return EventStream(events, lambda: over.append(1))
        return words(environ)

    with serving(django(answer)) as server:
        import asyncio

        ended = asyncio.Event()
        lines = []
        for _number in range(300):
            line = say(server, "GET /live/ HTTP/1.1\nHost: here\n\n")
            assert line.recv(1000).startswith(b"HTTP/1.1 200")
            lines.append(line)
        assert ask(server).body == b"/page"
        assert ask(server, "/healthz").body == b"alive\n"
        for line in lines[1:]:
            line.close()
        wait_until(lambda: len(over) == 299)
        server.loop.call_soon_threadsafe(ended.set)
        wait_until(lambda: len(over) == 300)


# --- Too many --------------------------------------------------------------------------------


class Busy:
    """Pages that take as long as the test wants."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.paths: list[str] = []

    def __call__(self, environ: dict[str, Any]) -> HttpResponse:
        self.paths.append(environ["PATH_INFO"])
        assert self.go_on.wait(SECONDS)
        return words(environ)


def test_beyond_the_queue_the_answer_is_503_at_once() -> None:
    busy = Busy()
    with serving(django(busy), is_aside=lambda path: path == "/live/") as server:
        lines = [say(server, f"GET /{place} HTTP/1.1\nHost: here\n\n") for place in range(2)]
        wait_until(lambda: server.application.pages._present == 2)
        refused = ask(server)
        assert refused.status == 503 and refused.headers["Retry-After"] == "5"
        assert b"<h1>Not available at the moment</h1>" in refused.body
        assert ask(server, headers={"HX-Request": "true"}).body.startswith(b"Too many people")
        assert ask(server, "/healthz").status == 200
        assert ask(server, "/healthz", "HEAD").body == b""
        aside = say(server, "GET /live/ HTTP/1.1\nHost: here\n\n")
        wait_until(lambda: "/live/" in busy.paths)  # it has threads of its own
        busy.go_on.set()
        for line in (*lines, aside):
            assert line.recv(100).startswith(b"HTTP/1.1 200")
        assert ask(server).status == 200


def test_who_leaves_the_queue_takes_no_thread() -> None:
    busy = Busy()
    with serving(django(busy)) as server:
        first = say(server, "GET /first HTTP/1.1\nHost: here\n\n")
        wait_until(lambda: busy.paths == ["/first"])
        with say(server, "GET /left HTTP/1.1\nHost: here\n\n"):
            wait_until(lambda: server.application.pages._present == 2)
        wait_until(lambda: server.application.pages._present == 1)
        busy.go_on.set()
        assert first.recv(100).startswith(b"HTTP/1.1 200")
        assert ask(server, "/last").status == 200
        assert busy.paths == ["/first", "/last"]


def test_no_more_connections_than_there_is_room_for() -> None:
    with serving(django(words)) as server:
        server.worker.cfg.set("worker_connections", 3)
        lines = [say(server, "GET / HTTP/1.1\nHost: here\n\n") for _number in range(3)]
        assert all(line.recv(100) for line in lines)
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(server)
        lines[0].close()
        wait_until(lambda: server.worker.nr_conns == 2)
        assert ask(server).status == 200


# --- Bodies ----------------------------------------------------------------------------------


def echo(environ: dict[str, Any]) -> HttpResponse:
    sent = environ["wsgi.input"].read()
    summary = f"{environ['CONTENT_LENGTH']} {len(sent)} {hashlib.sha256(sent).hexdigest()}"
    return HttpResponse(summary, headers={"Content-Length": len(summary)})


@pytest.mark.parametrize("size", [0, 1000, MEGABYTE, 3 * MEGABYTE])
@pytest.mark.parametrize("chunked", [False, True])
def test_what_is_sent_arrives_whole(size: int, chunked: bool) -> None:
    sent = bytes(range(250)) * (size // 250)
    with serving(django(echo)) as server:
        how: dict[str, Any] = {"body": sent}
        if chunked:
            how = {"body": io.BytesIO(sent), "encode_chunked": True}
            how["headers"] = {"Transfer-Encoding": "chunked"}
        arrived = ask(server, "/", "POST", **how).body.decode()
        assert arrived == f"{len(sent)} {len(sent)} {hashlib.sha256(sent).hexdigest()}"
        assert server.application.bodies._stored == 0


def test_what_is_too_large_is_not_read(settings: Any) -> None:
    settings.REQUEST_MAX_BYTES = 2 * MEGABYTE
    nothing = hashlib.sha256(b"").hexdigest()
    with serving(django(echo)) as server:
        announced = say(server, f"POST / HTTP/1.1\nHost: here\nContent-Length: {2**40}\n\n")
        assert f"{2**40} 0 {nothing}".encode() in announced.recv(1000)
        chunk = f"{MEGABYTE:x}\n{'-' * MEGABYTE}\n"
        head = "POST / HTTP/1.1\nHost: here\nTransfer-Encoding: chunked\n\n"
        counted = say(server, head + chunk * 2 + "1\n-\n")
        assert f"{2 * MEGABYTE + 1} 0 {nothing}".encode() in counted.recv(1000)


def test_all_bodies_together_are_bounded() -> None:
    with serving(django(echo)) as server:
        server.application.bodies.on_disk = 5 * MEGABYTE
        announced = f"Content-Length: {4 * MEGABYTE}"
        text = f"POST / HTTP/1.1\nHost: here\n{announced}\n\n" + "-" * 3 * MEGABYTE
        first = say(server, text)
        wait_until(lambda: server.application.bodies._stored == 3 * MEGABYTE)
        refused = say(server, text)
        assert refused.recv(1000).startswith(b"HTTP/1.1 503")
        first.close()
        wait_until(lambda: server.application.bodies._stored == 0)


# --- Answers ---------------------------------------------------------------------------------


def test_a_long_answer_is_made_in_one_thread_and_never_far_ahead() -> None:
    made: list[str] = []
    ends: list[str] = []

    def lines() -> Iterator[bytes]:
        try:
            for _number in range(100_000):
                made.append(threading.current_thread().name)
                yield b"-" * 1000
        finally:
            ends.append(threading.current_thread().name)

    with serving(django(lambda environ: StreamingHttpResponse(lines()))) as server:
        line = say(server, "GET / HTTP/1.1\nHost: here\n\n")
        assert line.recv(100).startswith(b"HTTP/1.1 200")
        assert ask(server, "/healthz").status == 200
        line.close()
        wait_until(lambda: ends)
        assert {*made, *ends} == {made[0]} and made[0].startswith("export")
        assert len(made) < 10_000  # what lies ready, and in the network's own buffers


def test_a_long_answer_arrives_whole_and_one_that_fails_without_an_end() -> None:
    def lines(fails: bool) -> Iterator[bytes]:
        for number in range(20_000):
            yield b"%d\n" % number
        if fails:
            raise ValueError

    answer = django(lambda environ: StreamingHttpResponse(lines(environ["PATH_INFO"] == "/fails")))
    with serving(answer) as server:
        assert ask(server, "/whole").body == b"".join(lines(False))
        with pytest.raises(http.client.IncompleteRead):
            ask(server, "/fails")


@pytest.mark.parametrize("size", [10, 3 * MEGABYTE])
def test_a_file_arrives_whole_and_is_closed(tmp_path: Any, size: int) -> None:
    path, opened = tmp_path / "file", []
    path.write_bytes(bytes(range(10)) * (size // 10))

    def answer(environ: dict[str, Any]) -> FileResponse:
        opened.append(path.open("rb"))
        return FileResponse(opened[-1])

    with serving(django(answer)) as server:
        assert ask(server).body == path.read_bytes()
        wait_until(lambda: opened[0].closed)
        line = say(server, "GET / HTTP/1.1\nHost: here\n\n")
        line.recv(10)
        line.close()
        wait_until(lambda: opened[1].closed)


def test_a_request_is_described_as_it_came() -> None:
    seen: dict[str, Any] = {}

    def answer(environ: dict[str, Any]) -> HttpResponse:
        seen.update(environ)
        return HttpResponse()

    text = (
        "GET /a%2Fb%3Fc/%ff?q=%C3%A9 HTTP/1.1\nHost: here\nCookie: a=1\nCookie: b=2\n"
        "X-Forwarded-For: 1.2.3.4\nX-Forwarded-For: 5.6.7.8\nX_Under: no\n\n"
    )
    with serving(django(answer)) as server:
        with say(server, text) as line:
            line.recv(10)
        assert seen["PATH_INFO"] == "/a/b?c/\xff" and seen["QUERY_STRING"] == "q=%C3%A9"
        assert seen["HTTP_COOKIE"] == "a=1; b=2"
        assert seen["HTTP_X_FORWARDED_FOR"] == "1.2.3.4,5.6.7.8"
        assert seen["REMOTE_ADDR"] == "127.0.0.1" and "HTTP_X_UNDER" not in seen
        assert seen["wsgi.url_scheme"] == "http"
