"""Files are kept whole or not at all, and those that nothing names are found. About 1 s."""

import errno
import os
import re
import shutil
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from changes import attachments, lifecycle, messages
from changes.mail_in import files as mail_files
from changes.models import Attachment, Change
from expansive_cm import files
from expansive_cm.mailreader.incoming import Attachment as FromMail
from tests import stories
from tests.mailing import mail_to
from tests.people import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def disk(settings: Any, tmp_path: Path) -> Path:
    """A disk of its own for every test."""
    settings.MEDIA_ROOT = str(tmp_path)
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "expansive_cm.files.WholeFiles",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }
    return tmp_path


def on(disk: Path) -> list[Path]:
    return [path for path in disk.rglob("*") if path.is_file()]


class FullDisk:
    """A file that takes some bytes, and then no more."""

    def __init__(self, descriptor: int, mode: str) -> None:
        self.file = open(descriptor, mode)  # noqa: SIM115
        self.close = self.file.close

    def write(self, chunk: bytes) -> None:
        self.file.write(chunk[:3])
        raise OSError(errno.ENOSPC, "No space left on device")


def attach(change: Change, cast: Cast) -> Attachment:
    file = SimpleUploadedFile("plan.txt", b"The plan")
    return attachments.keep(change, [file], actor=cast.support)[0]


def test_a_full_disk_is_said_and_leaves_nothing(
    client: Client, cast: Cast, disk: Path, monkeypatch: Any
) -> None:
    change = stories.submitted(cast)
    client.force_login(cast.support)
    client.raise_request_exception = False
    monkeypatch.setattr(os, "fdopen", FullDisk)
    sent = {"files": SimpleUploadedFile("plan.txt", b"The plan"), "seen": change.version}
    answer = client.post(f"{change.get_absolute_url()}attach/", sent)
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert "no room for them" in answer.content.decode()
    assert not change.attachments.exists()
    assert on(disk) == []


def test_any_fault_after_the_file_was_written_removes_it(
    cast: Cast, disk: Path, monkeypatch: Any
) -> None:
    change = stories.submitted(cast)

    def fault(*_args: Any) -> None:
        raise RuntimeError("on purpose")

    with monkeypatch.context() as patched:
        patched.setattr(messages, "announce", fault)
        with pytest.raises(RuntimeError):
            lifecycle.attach(
                change,
                actor=cast.support,
                file=SimpleUploadedFile("plan.txt", b"The plan"),
                content_type="text/plain",
            )
    assert on(disk) == []
    attach(change, cast)
    assert len(on(disk)) == 1


def test_orphans_are_listed_and_removed_and_nothing_else(cast: Cast, disk: Path) -> None:
    found = attach(stories.submitted(cast), cast)
    gone = attach(stories.submitted(cast), cast)
    os.remove(gone.file.path)
    old, young = (disk / "attachments" / name for name in ("old", "young"))
    for path in (old, young):
        shutil.copy(found.file.path, path)
    os.utime(old, (0, 0))
    os.utime(found.file.path, (0, 0))
    assert files.orphans(timedelta(hours=24)) == ["attachments/old"]
    said = StringIO()
    call_command("orphaned_files", stdout=said)
    assert said.getvalue().splitlines() == [
        "orphan  attachments/old",
        f"missing  {gone.file.name}",
        "1 files without a row, 8 bytes.",
    ]
    call_command("orphaned_files", "--remove", stdout=StringIO())
    assert sorted(on(disk)) == sorted([young, Path(found.file.path)])


# How much there may be of them together


def text_file(name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"The plan")


def test_a_change_has_room_for_so_much(client: Client, cast: Cast, settings: Any) -> None:
    settings.CHANGE_FILES_MAX_BYTES = 20
    change = stories.submitted(cast)
    client.force_login(cast.support)
    page = f"{change.get_absolute_url()}attach/"
    both = [text_file("one.txt"), text_file("two.txt")]
    assert client.post(page, {"files": both}).status_code == 302
    for headers, status in (({}, 400), ({"HX-Request": "true"}, 422)):
        answer = client.post(page, {"files": text_file("third.txt")}, headers=headers)
        assert answer.status_code == status
        assert "“third.txt” does not fit" in answer.content.decode()
    assert change.attachments.count() == 2
    assert attach(stories.submitted(cast), cast).size == 8, "another has room"


def test_a_mailed_link_fills_no_disk(client: Client, cast: Cast, settings: Any) -> None:
    settings.LINK_FILES_MAX_BYTES = 20
    change = stories.submitted(cast)
    found = re.search(r"/r/[\w-]{20,}/", mail_to(cast.requester.email).message)
    assert found is not None
    for number, status in ((1, 302), (2, 302), (3, 409), (4, 409)):
        sent = {"act": "write", "body": f"File {number}", "files": text_file(f"{number}.txt")}
        answer = client.post(found.group(), sent)
        assert answer.status_code == status
    assert "“4.txt” does not fit" in answer.content.decode()
    assert "File 4" in answer.content.decode(), "what was written is not lost"
    assert [one.name for one in change.attachments.all()] == ["1.txt", "2.txt"]
    assert change.comments.count() == 2


def test_mail_says_what_did_not_fit(cast: Cast, settings: Any) -> None:
    settings.CHANGE_FILES_MAX_BYTES = 20
    change = stories.submitted(cast)
    attach(change, cast)
    incoming = [FromMail(name, "text/plain", b"The plan") for name in ("one.txt", "two.txt")]
    found, refused = mail_files.checked(incoming, change, cast.requester)
    assert [one.name for one in found] == ["one.txt"]
    assert len(refused) == 1 and "“two.txt” does not fit" in refused[0]
