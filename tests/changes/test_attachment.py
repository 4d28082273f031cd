"""Handing files out: to those who see them, as a download that nothing can run."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from changes import attachments
from changes.models import Attachment, Change
from changes.views.discussion import discussion_context
from tests.changes.test_comment import CUSTOMERS, INSIDE, READ_ONLY, STRANGERS
from tests.people import Cast
from tests.stories import draft, submitted


def kept(change: Change, cast: Cast, name: str = "plan.txt", **more: Any) -> Attachment:
    """A file that support has attached."""
    file = SimpleUploadedFile(name, b"The plan")
    return attachments.keep(change, [file], actor=cast.support, **more)[0]


def address(found: Attachment) -> str:
    """Where a file is handed out."""
    return reverse("changes:attachment", args=[found.change_id, found.pk])


def status_for(cast: Cast, found: Attachment) -> dict[str, int]:
    """What each of the cast gets who asks for the file."""
    answers = {}
    for part, member in cast.people.items():
        client = Client()
        client.force_login(member)
        answers[part] = client.get(address(found)).status_code
    return answers


def test_who_gets_a_public_file(cast: Cast) -> None:
    found = kept(submitted(cast), cast)

    assert status_for(cast, found) == {
        **dict.fromkeys(INSIDE | READ_ONLY | CUSTOMERS, 200),
        **dict.fromkeys(STRANGERS, 404),
    }


def test_who_gets_an_internal_file(cast: Cast) -> None:
    found = kept(submitted(cast), cast, internal=True)

    assert status_for(cast, found) == {
        **dict.fromkeys(INSIDE | READ_ONLY, 200),
        **dict.fromkeys(CUSTOMERS | STRANGERS, 404),
    }


def test_who_gets_a_drafts_file(cast: Cast) -> None:
    found = kept(draft(cast), cast)

    answers = status_for(cast, found)
    assert {part for part, status in answers.items() if status == 200} == {"support"}
    assert {status for part, status in answers.items() if part != "support"} == {404}


def test_customers_do_not_see_internal_files_nor_how_many(cast: Cast) -> None:
    change = submitted(cast)
    kept(change, cast, "contract.txt", internal=True)
    kept(change, cast, "photo.txt")

    shown = discussion_context(cast.requester, change)["attachments"]
    assert [one.name for one in shown] == ["photo.txt"]
    client = Client()
    client.force_login(cast.requester)
    assert "contract.txt" not in client.get(change.get_absolute_url()).content.decode()


def test_it_comes_as_a_download_in_a_sandbox(client: Client, cast: Cast) -> None:
    found = kept(submitted(cast), cast)
    client.force_login(cast.requester)

    response = client.get(address(found))

    assert response.getvalue() == b"The plan"
    assert response["Content-Disposition"] == 'attachment; filename="plan.txt"'
    assert response["Content-Type"] == "text/plain"
    assert response["Content-Length"] == "8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Grundriß Süd.txt", "attachment; filename*=utf-8''Grundri%C3%9F%20S%C3%BCd.txt"),
        ("計画.txt", "attachment; filename*=utf-8''%E8%A8%88%E7%94%BB.txt"),
        ("a 'b' (c).txt", "attachment; filename=\"a 'b' (c).txt\""),
        ("50% & more;.txt", 'attachment; filename="50% & more;.txt"'),
    ],
)
def test_any_name_survives_the_header(client: Client, cast: Cast, name: str, header: str) -> None:
    found = kept(submitted(cast), cast, name)
    client.force_login(cast.support)

    assert client.get(address(found))["Content-Disposition"] == header


def test_a_file_of_another_change_is_not_reached_through_mine(client: Client, cast: Cast) -> None:
    mine = submitted(cast)
    other = submitted(cast, organisation=cast.meridian, requester=cast.stranger_customer)
    found = kept(other, cast)
    client.force_login(cast.requester)

    assert client.get(reverse("changes:attachment", args=[mine.pk, found.pk])).status_code == 404
    assert client.get(address(found)).status_code == 404


def test_a_file_that_has_gone_missing_is_not_a_fault_page(client: Client, cast: Cast) -> None:
    found = kept(submitted(cast), cast)
    found.file.storage.delete(found.file.name)
    client.force_login(cast.support)

    assert client.get(address(found)).status_code == 404


def test_signed_out_there_is_no_file(client: Client, cast: Cast) -> None:
    found = kept(submitted(cast), cast)

    assert client.get(address(found)).status_code == 302
    client.force_login(cast.support)
    assert client.post(address(found)).status_code == 405
    assert client.head(address(found)).status_code == 200
