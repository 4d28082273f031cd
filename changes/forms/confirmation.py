"""Forms of the confirmation and of what follows it."""

from typing import Any

from django import forms
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from expansive_cm.forms import MarkdownTextarea, RadioCards

from ..models import Attachment, Change, Confirmation
from .base import LongText, StepForm, line, text


class AnswerConfirmationForm(StepForm):
    """The requester's answer; a no says why."""

    answer = forms.ChoiceField(
        label=_("Does the change meet your needs and expectations?"),
        choices=[
            (Confirmation.Answer.CONFIRMED, _("Yes, it meets my needs and expectations")),
            (Confirmation.Answer.NOT_AS_EXPECTED, _("No, not as expected")),
        ],
        widget=RadioCards(
            descriptions={
                Confirmation.Answer.CONFIRMED: _("The change request is closed."),
                Confirmation.Answer.NOT_AS_EXPECTED: _(
                    "Please say what is not right; we get back to it."
                ),
            },
            icons={
                Confirmation.Answer.CONFIRMED: "thumb-up",
                Confirmation.Answer.NOT_AS_EXPECTED: "thumb-down",
            },
        ),
    )
    reason = text(
        Confirmation,
        "reason",
        label=_("What is not as expected?"),
        help_text=_("Only needed for a no."),
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """A no without a reason helps nobody."""
        cleaned = super().clean() or self.cleaned_data
        declined = cleaned.get("answer") == Confirmation.Answer.NOT_AS_EXPECTED
        if declined and not cleaned.get("reason") and "reason" not in self.errors:
            self.add_error("reason", _now("Please say what is not as expected."))
        return cleaned

    def arguments(self) -> dict[str, Any]:
        """The step takes a yes or no."""
        confirmed = self.cleaned_data["answer"] == Confirmation.Answer.CONFIRMED
        return {"confirmed": confirmed, "reason": self.cleaned_data["reason"]}


class CloseUnansweredForm(StepForm):
    """Why the change is closed although nobody answered."""

    reason = text(
        Confirmation,
        "reason",
        help_text=_("What you did to reach the requester, and why the change can be closed."),
    )


class ReworkForm(StepForm):
    """What was agreed and has not been delivered."""

    reason = LongText(
        label=_("What has to be reworked?"),
        max_length=5000,
        help_text=_("What was agreed, and what of it is missing or wrong."),
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class FilesField(forms.ModelMultipleChoiceField):
    """Files of a change, to be ticked."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, file: Any) -> str:
        """Say which of them the customer does not see."""
        size = filesizeformat(file.size)
        inside = ", " + _now("internal") if file.is_internal else ""
        return f"{file.name} ({size}{inside})"


class CloseWithSuccessorForm(StepForm):
    """Why the change ends here, and the request that follows it."""

    reason = LongText(
        label=_("Why does this go beyond what was agreed?"),
        max_length=5000,
        help_text=_("The requester reads this as the reason for closing the change."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    title = line(Change, "title", label=_("Title of the new request"))
    description = LongText(
        label=_("Description of the new request"),
        max_length=Change._meta.get_field("description").max_length,
        widget=MarkdownTextarea(attrs={"rows": 10}),
    )
    files = FilesField(
        label=_("Files for the new request"),
        help_text=_("Copies of those ticked go with it. Who may see each stays as it is."),
        queryset=Attachment.objects.none(),
        required=False,
    )

    def prepare(self) -> None:
        """Fill in the new request from the old one and the requester's own words."""
        files = self.change.attachments.select_related("uploaded_by")
        self.fields["files"].queryset = files
        self.fields["files"].initial = list(files)
        if not self.fields["files"].initial:
            del self.fields["files"]
        self.fields["title"].initial = self.change.title
        answer = self.change.confirmation
        parts = []
        if answer is not None and answer.reason:
            quoted = "\n".join(f"> {row}" for row in answer.reason.splitlines())
            words = _now("%s wrote about the change that was delivered:") % answer.answered_by
            parts.append(f"{words}\n\n{quoted}")
        request = _now("The request that it follows, %s:") % self.change.reference
        parts.append(f"{request}\n\n{self.change.description}")
        self.fields["description"].initial = "\n\n".join(parts)
