"""Fields that forms about changes share: a line of text, somebody found by typing, files."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy

from expansive_cm.texts import composed, neutral_line
from expansive_cm.ui.forms import MultipleFileField

from .. import attachments


class Line(forms.CharField):
    """A text of one line; its limit is said by the server, which keeps all that was typed."""

    def to_python(self, value: Any) -> str:
        """Make one line of it, as it will be kept; one of which nothing is kept says nothing."""
        text = " ".join(composed(super().to_python(value) or "").split())
        return text if neutral_line(text).strip() else ""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Leave out maxlength: browsers cut off what is pasted beyond it without a word."""
        return {}


def combobox(field: forms.Field, url: str, list_id: str, **htmx: str) -> None:
    """Make a field offer what ``url`` finds for the text typed so far, in the list of that id."""
    field.widget.attrs.update(
        {
            "autocomplete": "off",
            "autocapitalize": "off",
            "spellcheck": "false",
            "role": "combobox",
            "aria-expanded": "false",
            "aria-autocomplete": "list",
            "aria-controls": list_id,
            "hx-get": url,
            "hx-trigger": "input changed delay:200ms",
            "hx-target": f"#{list_id}",
            "hx-sync": "this:replace",
            **htmx,
        }
    )


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
