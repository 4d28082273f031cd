"""Who is believed about an address, how much may be sent, what a browser may load."""

from collections.abc import Iterator
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core import signals
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import close_old_connections
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from expansive_cm.environment import networks
from expansive_cm.middleware import HeadMiddleware, TrustedProxyMiddleware
from tests.people import Cast


def on_the_wire(method: str, path: str) -> tuple[str, dict[str, str], bytes]:
    """Return status, headers and body as the web server is given them.

    The test client leaves the body of an answer to HEAD out by itself. As it does, this keeps the
    test's connection to the database open.
    """
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": "testserver"}
    environ["REMOTE_ADDR"] = "127.0.0.1"
    setup_testing_defaults(environ)
    told: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], _why: Any = None) -> None:
        told.extend((status, headers))

    ends = (signals.request_started, signals.request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    try:
        answer = WSGIHandler()(environ, start)
        body = b"".join(answer)
        answer.close()
    finally:
        for signal in ends:
            signal.connect(close_old_connections)
    return told[0], dict(told[1]), body


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/account/login/", "/healthz", "/r/forged/", "/nowhere/"])
def test_head_is_answered_as_get_without_the_body(path: str) -> None:
    status, headers, body = on_the_wire("GET", path)
    assert body
    again, same, nothing = on_the_wire("HEAD", path)
    assert (again, nothing) == (status, b"")
    assert same["Content-Type"] == headers["Content-Type"]
    assert int(same["Content-Length"]) > 0


def test_a_stream_is_not_begun_for_head(rf: RequestFactory) -> None:
    def stream() -> Iterator[bytes]:
        raise AssertionError("nobody wants to read it")
        yield b""

    answer = HeadMiddleware(lambda request: StreamingHttpResponse(stream()))(rf.head("/"))
    assert isinstance(answer, StreamingHttpResponse)
    assert list(answer) == []


PROXIES = networks("10.0.0.0/8,2001:db8::/32")


def seen(peer: str, rf: RequestFactory, **headers: str) -> WSGIRequest:
    """The request as everything behind the middleware sees it."""
    request = rf.get("/", REMOTE_ADDR=peer, headers=headers)
    TrustedProxyMiddleware(lambda request: HttpResponse())(request)
    return request


@pytest.mark.parametrize(
    ("peer", "forwarded", "visitor"),
    [
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.9, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "nonsense, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("2001:db8::1", "2001:4860::8", "2001:4860::8"),
        ("203.0.113.7", "198.51.100.9", "203.0.113.7"),
        ("", "198.51.100.9", ""),
    ],
)
def test_only_our_proxies_say_who_asks(
    peer: str, forwarded: str, visitor: str, rf: RequestFactory, settings: object
) -> None:
    settings.TRUSTED_PROXIES = PROXIES  # type: ignore[attr-defined]
    request = seen(peer, rf, x_forwarded_for=forwarded)
    assert request.META["REMOTE_ADDR"] == visitor
    assert "HTTP_X_FORWARDED_FOR" not in request.META


@pytest.mark.parametrize(
    ("peer", "said", "secure"),
    [
        ("10.0.0.1", "https", True),
        ("10.0.0.1", "http", False),
        ("10.0.0.1", "javascript", False),
        ("203.0.113.7", "https", False),
    ],
)
def test_only_our_proxies_say_that_a_request_was_encrypted(
    peer: str, said: str, secure: bool, rf: RequestFactory, settings: object
) -> None:
    settings.TRUSTED_PROXIES = PROXIES  # type: ignore[attr-defined]
    assert seen(peer, rf, x_forwarded_proto=said).is_secure() is secure


def test_a_body_over_the_limit_is_refused_unread(client: Client, settings: object) -> None:
    settings.REQUEST_MAX_BYTES = 100  # type: ignore[attr-defined]
    response = client.post("/", {"title": "x" * 200})
    assert response.status_code == 413
    assert "too much at once" in response.content.decode()


@pytest.mark.parametrize("debug", [False, True])
def test_a_body_over_the_limit_is_answered_by_the_page_of_the_person(
    debug: bool, cast: Cast, settings: object
) -> None:
    settings.REQUEST_MAX_BYTES, settings.DEBUG = 100, debug  # type: ignore[attr-defined]
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.support)
    response = client.post("/changes/new/", {"title": "x" * 200})
    html = response.content.decode()
    assert response.status_code == 413
    assert response["Content-Type"].startswith("text/html")
    assert 'data-page="error"' in html
    assert cast.support.display_name in html
    assert "_post" not in response.wsgi_request.__dict__


def test_pages_carry_a_policy_without_inline_scripts_and_styles(client: Client) -> None:
    policy = client.get("/no-such-page")["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy


def test_plain_requests_are_sent_to_https(client: Client, settings: object) -> None:
    settings.SECURE_SSL_REDIRECT = True  # type: ignore[attr-defined]
    response = client.get("/somewhere")
    assert (response.status_code, response["Location"]) == (301, "https://testserver/somewhere")
