"""What somebody fills in on the page behind a mailed link, or to get a new one."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from expansive_cm.numbers import whole_number

from ..models import Comment, Question, parse_reference
from .base import LongText, text
from .fields import AttachmentsField, say_limits


class AnswerForm(forms.Form):
    """The answer to one question; every question on the page has a form of its own."""

    answer = text(Question, "answer", rows=4, label=gettext_lazy("Your answer"))

    def __init__(self, *args: Any, question: Question, **kwargs: Any) -> None:
        self.question = question
        super().__init__(*args, **{"auto_id": f"question_{question.pk}_%s", **kwargs})


class WriteForm(forms.Form):
    """A comment, files, or both."""

    use_required_attribute = False

    body = LongText(
        label=gettext_lazy("Your message"),
        help_text=gettext_lazy("Whoever works on the request or follows it reads this."),
        max_length=Comment._meta.get_field("body").max_length,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    files: Any = AttachmentsField(label=gettext_lazy("Files"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "write_%s", **kwargs})
        say_limits(self, "files")

    def clean(self) -> dict[str, Any]:
        """Nothing at all is no message."""
        data = super().clean() or self.cleaned_data
        empty = not data.get("body") and not data.get("files")
        if empty and not self.errors:
            self.add_error("body", _("Write something first, or choose a file."))
        return data


class WithdrawRequestForm(forms.Form):
    """Why the request is taken back."""

    use_required_attribute = False

    reason = LongText(
        label=gettext_lazy("Why is it no longer needed?"),
        max_length=5000,
        help_text=gettext_lazy("Everybody who follows the request reads this."),
        error_messages={"required": gettext_lazy("Please say why.")},
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    seen = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "withdraw_%s", **kwargs})


class NewLinkForm(forms.Form):
    """Whose link is wanted, and to which request."""

    use_required_attribute = False

    email = forms.EmailField(
        label=gettext_lazy("Your e-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    reference = forms.CharField(
        label=gettext_lazy("Number of the request"),
        max_length=30,
        help_text=gettext_lazy("As it stands in our mails, such as CR-000123."),
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off"}),
    )

    def clean_reference(self) -> int:
        """Return the primary key that the number stands for."""
        given = self.cleaned_data["reference"].strip()
        number = whole_number(given)
        if number is None:
            number = parse_reference(given)
        if number is None:
            raise ValidationError(_("This is not such a number."))
        return number
