"""Files that came by mail, through the same limits and checks as those that are uploaded."""

from collections.abc import Iterable

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.mailreader.incoming import Attachment

from .. import attachments
from ..models import Change
from ..room import why_no_room
from .phrasing import without_secrets
from .secrets import file_holds_token

READABLE = (".eml", ".txt", ".html", ".htm", ".md", ".csv", ".log")


def holds_a_secret(file: Attachment) -> bool:
    """Whether a file repeats a mail of ours: whoever opens it could act by its links."""
    if file_holds_token(file.content):
        return True
    if not file.name.lower().endswith(READABLE):
        return False
    text = file.content.replace(b"=\r\n", b"").replace(b"=\n", b"").decode("utf-8", "replace")
    return without_secrets(text) != text


def checked(
    found: Iterable[Attachment], change: Change | None = None, person: User | None = None
) -> tuple[list[UploadedFile], list[str]]:
    """Return the files that may be kept, and a sentence for each that may not.

    ``change`` is what they are for, and ``person`` who sends them, unless a request is begun.

    Logos of signatures and pictures of quoted mail are left out without a word.
    """
    files: list[UploadedFile] = []
    refused: list[str] = []
    size = 0
    for one in found:
        if one.decoration or one.quoted:
            continue
        file = SimpleUploadedFile(without_secrets(one.name), one.content, one.content_type)
        try:
            if holds_a_secret(one):
                words = _("“%s” repeats a mail of ours with a link that acts for its reader.")
                raise ValidationError(words % file.name)
            if len(files) >= settings.DATA_UPLOAD_MAX_NUMBER_FILES:
                raise ValidationError(_("“%s” is one file too many.") % file.name)
            attachments.check(file)
            size += len(one.content)
            if change and person and (why := why_no_room(change, person, str(file.name), size)):
                size -= len(one.content)
                raise ValidationError(why)
        except ValidationError as error:
            refused += error.messages
        else:
            files.append(file)
    return files, refused
