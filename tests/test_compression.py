"""Pages travel compressed, unless their size could tell a secret."""

import gzip
from typing import Any

import pytest
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from expansive_cm.middleware import CompressionMiddleware
from expansive_cm.web.streams import EventStream
from tests import stories
from tests.mailing import link_in, worded
from tests.people import Cast

TAKES = {"Accept-Encoding": "gzip, deflate, br"}
PAGE = "<p>words</p>" * 200


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def through(answer: Any) -> Any:
    """What a browser that takes compressed answers is given."""
    request = RequestFactory().get("/", headers=TAKES)
    return CompressionMiddleware(lambda _request: answer)(request)


def patterns(resolver: URLResolver) -> list[tuple[str, URLPattern]]:
    """Every named address with what it asks to be filled in."""
    found = []
    for one in resolver.url_patterns:
        if isinstance(one, URLPattern):
            found.append(
                (f"{resolver.app_name}:{one.name}" if resolver.app_name else one.name, one)
            )
        else:
            found += patterns(one)
    return found


def test_pages_are_compressed_for_those_who_take_it(cast: Cast) -> None:
    change = stories.submitted(cast, title="Inspect the boiler")
    client = signed_in(cast.support)
    for address in ("/changes/", "/", change.get_absolute_url()):
        plain, small = client.get(address), client.get(address, headers=TAKES)
        assert "Content-Encoding" not in plain.headers
        assert small.headers["Content-Encoding"] == "gzip"
        assert {"Cookie", "Accept-Encoding"} <= set(small.headers["Vary"].split(", "))
        assert int(small.headers["Content-Length"]) == len(small.content) < len(plain.content) / 2
        assert "Inspect the boiler" in gzip.decompress(small.content).decode()


def test_the_size_of_the_same_page_differs() -> None:
    """So that it cannot be compared, letter by letter."""
    assert len({len(through(HttpResponse(PAGE)).content) for _ in range(50)}) > 5


@pytest.mark.parametrize(
    "answer",
    [
        EventStream(lambda: None, lambda: None),  # type: ignore[arg-type,return-value]
        FileResponse([b"<p>file</p>" * 200], content_type="text/html", as_attachment=True),
        StreamingHttpResponse([PAGE], content_type="text/html"),
        HttpResponse(PAGE, headers={"Content-Disposition": "attachment"}),
        HttpResponse(PAGE, content_type="application/pdf"),
        HttpResponse(PAGE, headers={"Cache-Control": "no-store, private"}),
    ],
    ids=["events", "file", "pieces", "download", "PDF", "secret"],
)
def test_what_is_sent_as_it_is(answer: Any) -> None:
    assert "Content-Encoding" not in through(answer).headers


def test_no_page_behind_a_link_is_compressed(cast: Cast) -> None:
    stories.in_confirmation(cast)
    address = link_in(worded(to=cast.requester.email).order_by("-pk")[0])
    answer = Client().get(address, headers=TAKES)
    assert answer.status_code == 200 and len(answer.content) > 1000
    assert "Content-Encoding" not in answer.headers
    behind = [
        (name, one) for name, one in patterns(get_resolver()) if "<str:token>" in str(one.pattern)
    ]
    assert len(behind) >= 5
    for name, one in behind:
        parts = dict.fromkeys(one.pattern.converters, 1) | {"token": "x" * 43}
        answer = Client().get(reverse(name, kwargs=parts), headers=TAKES)
        assert "Content-Encoding" not in answer.headers, name


def test_no_page_that_shows_a_secret_address_is_compressed(cast: Cast) -> None:
    client = signed_in(cast.chair)
    answer = client.post(reverse("crb:make_feed"), headers=TAKES)
    assert "/board/feed/" in answer.content.decode()
    for address in (reverse("changes:mail"), reverse("account_login")):
        assert "Content-Encoding" not in Client().get(address, headers=TAKES).headers, address
