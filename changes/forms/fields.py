"""The field for files of a change, and what is said of their limits."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy

from expansive_cm.ui.forms import MultipleFileField

from .. import attachments


def say_limits(form: forms.BaseForm, name: str) -> None:
    """Say under a field what may be attached, and let the page refuse what is too large."""
    field = form.fields[name]
    field.help_text = attachments.limits_in_words()
    field.widget.attrs["data-max-bytes"] = settings.ATTACHMENT_MAX_BYTES


class AttachmentsField(MultipleFileField):
    """Several files, each of a size and kind that may be attached."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"label": gettext_lazy("Attachments"), "required": False, "max_length": 255, **kwargs}
        )
        self.widget.attrs["accept"] = attachments.ACCEPT

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        """Return the files. Raises ValidationError with a sentence for each that is refused."""
        files = super().clean(data, initial)
        errors = []
        for file in files:
            try:
                attachments.check(file)
            except ValidationError as error:
                errors.append(error)
        if errors:
            raise ValidationError(errors)
        return files
