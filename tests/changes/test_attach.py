"""Attaching files: what is taken, what is refused and why, and who may."""

import hashlib
import io
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from changes import attachments
from changes.models import Attachment, Change
from changes.states import State
from tests.changes.test_comment import BACKGROUND, CUSTOMERS, INSIDE, READ_ONLY, STRANGERS
from tests.people import Cast
from tests.stories import change_in, draft, submitted


def address(change: Change) -> str:
    """Where files go."""
    return reverse("changes:attach", args=[change.pk])


def file(name: str = "plan.txt", content: bytes = b"The plan") -> SimpleUploadedFile:
    """A file as a browser sends it, whatever the browser thinks it is."""
    return SimpleUploadedFile(name, content, content_type="text/html")


def package(*names: str) -> bytes:
    """A ZIP file with these names inside."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return target.getvalue()


def stored() -> set[str]:
    """Every file under the media folder."""
    root = Path(django_settings.STORAGES["default"]["OPTIONS"]["location"])
    return {str(found) for found in root.rglob("*") if found.is_file()}


# Who


@pytest.mark.parametrize("audience", ["public", "internal"])
def test_who_may_attach(cast: Cast, audience: str) -> None:
    change = submitted(cast)
    answers = {}
    for part, member in cast.people.items():
        client = Client()
        client.force_login(member)
        sent = {"files": file(f"{part}.txt"), "audience": audience}
        answers[part] = client.post(address(change), sent).status_code

    may = INSIDE if audience == "internal" else INSIDE | CUSTOMERS
    assert answers == {
        **dict.fromkeys(INSIDE | CUSTOMERS | READ_ONLY, 403),
        **dict.fromkeys(may, 302),
        **dict.fromkeys(STRANGERS, 404),
    }
    kept = change.attachments.values_list("name", "is_internal")
    assert dict(kept) == {f"{part}.txt": audience == "internal" for part in may}


def test_ones_own_people_attach_inside_unless_they_choose(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    client.force_login(cast.support)
    client.post(address(change), {"files": file()})

    assert change.attachments.get().is_internal


def test_the_writer_of_a_draft_attaches(client: Client, cast: Cast) -> None:
    change = draft(cast)
    client.force_login(cast.support)

    assert client.post(address(change), {"files": file()}).status_code == 302
    assert change.attachments.count() == 1


def test_nothing_is_attached_to_a_finished_change(client: Client, cast: Cast) -> None:
    change = change_in(State.WITHDRAWN, cast)
    client.force_login(cast.support)

    assert client.post(address(change), {"files": file()}).status_code == 409
    assert not change.attachments.exists()


# What is kept


def test_several_files_at_once(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    client.force_login(cast.support)

    client.post(
        address(change), {"files": [file("a.txt"), file("b.csv", b"1,2")], "audience": "public"}
    )

    first, second = change.attachments.all()
    assert (first.name, first.content_type, first.size) == ("a.txt", "text/plain", 8)
    assert first.sha256 == hashlib.sha256(b"The plan").hexdigest()
    assert (second.name, second.content_type) == ("b.csv", "text/csv")
    assert first.file.name.startswith(f"attachments/{change.pk}/")
    assert "a.txt" not in first.file.name
    assert oct(os.stat(first.file.path).st_mode)[-3:] == "600"
    assert [event.reason for event in change.events.filter(verb="attach")] == ["a.txt", "b.csv"]


def test_one_bad_file_keeps_all_of_them_out(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    place = f"/attachments/{change.pk}/"  # others test at the same time
    before = {name for name in stored() if place in str(name)}
    client.force_login(cast.support)

    response = client.post(
        address(change), {"files": [file(), file("virus.exe", b"MZ")]}, headers=BACKGROUND
    )

    assert response.status_code == 422
    assert response["HX-Retarget"] == "#attachments"
    assert "“virus.exe” is not a kind of file that can be attached." in response.content.decode()
    assert not Attachment.objects.exists()
    assert {name for name in stored() if place in str(name)} == before


def test_a_failure_on_the_way_leaves_no_file_behind(cast: Cast) -> None:
    change = submitted(cast)
    before = stored()

    with pytest.raises(ValidationError):
        attachments.keep(change, [file(), file("virus.exe")], actor=cast.support)

    assert not Attachment.objects.exists()
    assert stored() == before


def test_without_a_file_there_is_nothing_to_attach(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    client.force_login(cast.support)

    response = client.post(address(change), {})

    assert response.status_code == 400
    assert "Choose a file first." in response.content.decode()


def test_an_empty_file_is_refused(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    client.force_login(cast.support)

    response = client.post(address(change), {"files": file(content=b"")})

    assert response.status_code == 400
    assert "empty" in response.content.decode()


def test_a_file_over_the_limit_is_refused(client: Client, cast: Cast, settings: Any) -> None:
    settings.ATTACHMENT_MAX_BYTES = 7
    change = submitted(cast)
    client.force_login(cast.support)

    response = client.post(address(change), {"files": file()})

    assert response.status_code == 400
    assert "“plan.txt” is too large" in response.content.decode()
    assert not Attachment.objects.exists()


def test_too_many_files_are_refused(client: Client, cast: Cast, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    change = submitted(cast)
    client.force_login(cast.support)

    response = client.post(address(change), {"files": [file(f"{n}.txt") for n in range(3)]})

    assert response.status_code == 413
    assert not Attachment.objects.exists()


# What a file must be

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 20
GOOD = {
    "a.pdf": b"%PDF-1.7\n",
    "a.PNG": b"\x89PNG\r\n\x1a\n\x00",
    "a.jpg": b"\xff\xd8\xff\xe0\x00",
    "a.jpeg": b"\xff\xd8\xff\xe1\x00",
    "a.gif": b"GIF89a\x00",
    "a.webp": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    "a.heic": b"\x00\x00\x00\x18ftypheic\x00",
    "a.docx": package("[Content_Types].xml", "word/document.xml"),
    "a.xlsx": package("[Content_Types].xml", "xl/workbook.xml"),
    "a.pptx": package("[Content_Types].xml", "ppt/presentation.xml"),
    "a.zip": package("x"),
    "a.msg": OLE,
    "a.eml": b"From: a@b.example\r\n\r\nHello",
    "a.txt": "Grüße".encode(),
    "utf16.txt": "Grüße".encode("utf-16"),
    "a.log": b"12:00 started",
    "a.md": b"# Heading",
    "a.csv": b"a;b\n",
}
BAD = {
    "no-extension": b"hello",
    "a.exe": b"MZ\x90\x00",
    "a.html": b"<script>alert(1)</script>",
    "a.svg": b"<svg onload='alert(1)'/>",
    "a.pdf.js": b"%PDF-1.7",
    "page.pdf": b"<html><script>alert(1)</script>",
    "page.png": b"<html><script>alert(1)</script>",
    "photo.jpg": b"GIF89a",
    "binary.txt": b"MZ\x90\x00\x03",
    "plain.docx": package("hello.txt"),
    "sheet.docx": package("[Content_Types].xml", "xl/workbook.xml"),
    "broken.docx": b"PK\x03\x04 and then nothing",
    "text.zip": b"hello",
}


@pytest.mark.parametrize("name", GOOD)
def test_good_files(name: str) -> None:
    expected = attachments.TYPES[name.rpartition(".")[2].lower()][0]

    assert attachments.check(file(name, GOOD[name])) == expected


@pytest.mark.parametrize("name", BAD)
def test_bad_files(name: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        attachments.check(file(name, BAD[name]))

    assert f"“{name}” is not" in refusal.value.messages[0]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\grace\\plan.txt", "plan.txt"),
        ("  a \t b\n.txt", "a b.txt"),
        ("evil\u202etxt.pdf", "eviltxt.pdf"),
        ('a<b>:"c|?*.txt', "a_b___c___.txt"),
        ("Zu\u0308rich.txt", "Zürich.txt"),
        ("x" * 300 + ".txt", "x" * 196 + ".txt"),
        (".htaccess", "htaccess"),
        ("...", "file"),
        ("", "file"),
    ],
)
def test_names_are_tidied(given: str, kept: str) -> None:
    assert attachments.tidy_name(given) == kept


def test_get_attaches_nothing(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    client.force_login(cast.support)

    assert client.get(address(change)).status_code == 405


def test_a_hollow_document_costs_no_more_than_a_small_one() -> None:
    """Sixty thousand empty entries, which Python would make an object of each."""
    begin = package("[Content_Types].xml", "word/document.xml")
    within = zipfile.ZipFile(io.BytesIO(begin)).start_dir
    entry = zipfile.ZipInfo("x" * 200)
    record = struct.pack(
        "<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 200, 0, 0, 0, 0, 0, 0
    )
    contents = (record + entry.filename.encode()) * 60_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 60_000, 60_000, len(contents), within, 0)
    hollow = file("plan.docx", begin[:within] + contents + end)
    tracemalloc.start()
    with pytest.raises(ValidationError, match="is not what its name says"):
        attachments.check(hollow)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 4 * 2**20
