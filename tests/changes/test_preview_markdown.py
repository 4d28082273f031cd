"""The preview of a text while it is written."""

from django.test import Client

from tests.people import Cast

PREVIEW = "/changes/preview/"


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
