"""Files that people attach: which are taken, how they are kept, how they are handed out.

A file is judged by its name and by its first bytes; what the browser says about it counts for
nothing. It is handed out only as a download, in a sandbox, to those who see the change.
"""

import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import PurePosixPath

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import FileResponse
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from accounts.models import User

from . import lifecycle
from .models import AccessLink, Attachment, Change

HEAD = 4096
CONTENTS_LIMIT = 512 * 1024
"""Bytes of a ZIP file's list of contents: some five thousand entries."""
NAME_LENGTH = 200
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

Test = Callable[[bytes, UploadedFile], bool]


def _starts(*marks: bytes) -> Test:
    return lambda head, file: head.startswith(marks)


def _webp(head: bytes, file: UploadedFile) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"


def _brand(*brands: bytes) -> Test:
    return lambda head, file: head[4:8] == b"ftyp" and head[8:12] in brands


def _pdf(head: bytes, file: UploadedFile) -> bool:
    return b"%PDF-" in head[:1024]


def _text(head: bytes, file: UploadedFile) -> bool:
    return head.startswith(UTF_16_MARKS) or b"\x00" not in head


class _Directory:
    """A ZIP file of which no more is read at once than an honest list of contents needs.

    Python reads the whole list and makes an object of each entry: one of 19 MB took 224 MiB.
    """

    def __init__(self, file: UploadedFile) -> None:
        self.seek, self.tell, self._read = file.seek, file.tell, file.read

    def read(self, size: int = -1) -> bytes:
        """Raise BadZipFile where more is asked for."""
        if size > CONTENTS_LIMIT:
            raise zipfile.BadZipFile("too many entries")
        return self._read(CONTENTS_LIMIT if size < 0 else size)


def _package(folder: str) -> Test:
    """Whether a ZIP file is an Office document with this folder inside."""

    def test(head: bytes, file: UploadedFile) -> bool:
        if not head.startswith(b"PK"):
            return False
        try:
            names = zipfile.ZipFile(_Directory(file)).namelist()
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            return False
        finally:
            file.seek(0)
        return "[Content_Types].xml" in names and any(name.startswith(folder) for name in names)

    return test


OFFICE = "application/vnd.openxmlformats-officedocument."
TYPES: dict[str, tuple[str, Test]] = {
    "pdf": ("application/pdf", _pdf),
    "png": ("image/png", _starts(b"\x89PNG\r\n\x1a\n")),
    "jpg": ("image/jpeg", _starts(b"\xff\xd8\xff")),
    "jpeg": ("image/jpeg", _starts(b"\xff\xd8\xff")),
    "gif": ("image/gif", _starts(b"GIF87a", b"GIF89a")),
    "webp": ("image/webp", _webp),
    "heic": ("image/heic", _brand(b"heic", b"heix", b"mif1", b"msf1")),
    "docx": (OFFICE + "wordprocessingml.document", _package("word/")),
    "xlsx": (OFFICE + "spreadsheetml.sheet", _package("xl/")),
    "pptx": (OFFICE + "presentationml.presentation", _package("ppt/")),
    "zip": ("application/zip", _starts(b"PK\x03\x04", b"PK\x05\x06")),
    "msg": ("application/vnd.ms-outlook", _starts(OLE)),
    "dat": ("application/ms-tnef", _starts(b"\x78\x9f\x3e\x22")),
    "eml": ("message/rfc822", _text),
    "txt": ("text/plain", _text),
    "log": ("text/plain", _text),
    "md": ("text/markdown", _text),
    "csv": ("text/csv", _text),
}
"""Extension -> media type and what the file must look like inside."""

ACCEPT = ",".join(f".{extension}" for extension in TYPES)
"""For ``accept`` on a file field: what the chooser offers first."""


def limits_in_words() -> str:
    """Return what may be attached, for the hint under the field."""
    size = filesizeformat(settings.ATTACHMENT_MAX_BYTES)
    return _("PDF, pictures, Office documents, text, mail or ZIP; up to %s each.") % size


def check(file: UploadedFile) -> str:
    """Return the media type of a file that may be kept, and tidy its name.

    Raises ValidationError with a sentence that names the file.
    """
    file.name = tidy_name(file.name or "")
    if file.size is None or file.size > settings.ATTACHMENT_MAX_BYTES:
        limit = filesizeformat(settings.ATTACHMENT_MAX_BYTES)
        raise ValidationError(
            _("“%(name)s” is too large: %(size)s. The limit is %(limit)s for each file.")
            % {"name": file.name, "size": filesizeformat(file.size or 0), "limit": limit},
            code="too_large",
        )
    extension = PurePosixPath(file.name).suffix.lower().removeprefix(".")
    if extension not in TYPES:
        raise ValidationError(
            _("“%(name)s” is not a kind of file that can be attached. Possible are: %(kinds)s.")
            % {"name": file.name, "kinds": ", ".join(TYPES)},
            code="kind",
        )
    media_type, test = TYPES[extension]
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    if not test(head, file):
        raise ValidationError(
            _("“%(name)s” is not what its name says: inside it is no %(kind)s file.")
            % {"name": file.name, "kind": extension.upper()},
            code="content",
        )
    return media_type


def tidy_name(name: str) -> str:
    """Return a name that can be shown and saved anywhere: one line, no path, not too long."""
    name = unicodedata.normalize("NFC", re.split(r"[\\/]", name)[-1])
    name = "".join(letter for letter in name if letter.isprintable())
    name = re.sub(r"\s+", " ", re.sub(r'[<>:"|?*]', "_", name)).strip(" .")
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 10:
        return name[:NAME_LENGTH] or _("file")
    return f"{stem[: NAME_LENGTH - len(extension) - 1].rstrip()}.{extension}"


def keep(
    change: Change,
    files: Iterable[UploadedFile],
    *,
    actor: User,
    internal: bool = False,
    link: AccessLink | None = None,
) -> list[Attachment]:
    """Attach several files that ``check`` has let through: all of them or, on an error, none."""
    kept: list[Attachment] = []
    chosen = list(files)
    if not chosen:
        return kept
    try:
        with transaction.atomic():
            for file in chosen:
                kept.append(
                    lifecycle.attach(
                        change,
                        actor=actor,
                        file=file,
                        content_type=check(file),
                        internal=internal,
                        link=link,
                    )
                )
    except BaseException:
        discard(kept)
        raise
    return kept


def acceptable(files: Iterable[UploadedFile]) -> list[UploadedFile]:
    """Return those of the files that ``check`` lets through."""
    found = []
    for file in files:
        with suppress(ValidationError):
            check(file)
            found.append(file)
    return found


def discard(kept: Iterable[Attachment]) -> None:
    """Remove the files of attachments whose rows are being rolled back."""
    for attachment in kept:
        attachment.file.delete(save=False)


def download(attachment: Attachment) -> FileResponse:
    """Return the file as a download that no browser shows or runs on our address."""
    response = FileResponse(
        attachment.file.open("rb"),
        as_attachment=True,
        filename=attachment.name,
        content_type=attachment.content_type,
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-cache"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
