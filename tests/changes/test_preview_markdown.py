"""Markdown: what becomes of it, and that nothing in it can harm a reader."""

import pytest
from django.test import Client

from changes.markdown import render
from tests.people import Cast

PREVIEW = "/changes/preview/"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold** and *soft*", "<p><strong>bold</strong> and <em>soft</em></p>\n"),
        ("one\ntwo", "<p>one<br>\ntwo</p>\n"),
        ("# Big", "<h3>Big</h3>\n"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        ("`<b>`", "<p><code>&lt;b&gt;</code></p>\n"),
        (
            "[site](https://a.example)",
            '<p><a href="https://a.example" rel="nofollow noopener noreferrer">site</a></p>\n',
        ),
    ],
)
def test_markdown_is_drawn(text: str, html: str) -> None:
    assert render(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHN2Zz4=)",
        "![x](https://track.example/pixel.png)",
        "<a href='#' onclick='alert(1)'>x</a>",
        "<style>*{display:none}</style>",
    ],
)
def test_nothing_in_it_runs_or_is_fetched(text: str) -> None:
    html = str(render(text))

    for bad in ("<script", "<img", "<style", 'href="javascript:', 'href="data:', "<a href='#'"):
        assert bad not in html


def test_the_preview_draws_the_named_field(client: Client, cast: Cast) -> None:
    client.force_login(cast.requester)

    response = client.post(PREVIEW, {"field": "body", "body": "**Hi** <script>"})

    assert response.content.decode().strip() == "<p><strong>Hi</strong> &lt;script&gt;</p>"


def test_an_empty_preview_says_so(client: Client, cast: Cast) -> None:
    client.force_login(cast.requester)

    for sent in ({"field": "body", "body": " "}, {}, {"field": "title"}):
        assert "Nothing to show yet." in client.post(PREVIEW, sent).content.decode()


def test_the_preview_is_for_people_signed_in(client: Client, db: None) -> None:
    assert client.post(PREVIEW, {"field": "body", "body": "x"}).status_code == 302
    assert client.get(PREVIEW).status_code == 302
