"""Files that came by mail, through the same limits and checks as those that are uploaded."""

from collections.abc import Iterable

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.utils.translation import gettext as _

from .. import attachments
from .incoming import Attachment


def checked(found: Iterable[Attachment]) -> tuple[list[UploadedFile], list[str]]:
    """Return the files that may be kept, and a sentence for each that may not.

    Logos of signatures and pictures of quoted mail are left out without a word.
    """
    files: list[UploadedFile] = []
    refused: list[str] = []
    for one in found:
        if one.decoration or one.quoted:
            continue
        file = SimpleUploadedFile(one.name, one.content, one.content_type)
        try:
            if len(files) >= settings.DATA_UPLOAD_MAX_NUMBER_FILES:
                raise ValidationError(_("“%s” is one file too many.") % one.name)
            attachments.check(file)
        except ValidationError as error:
            refused += error.messages
        else:
            files.append(file)
    return files, refused
