"""Forms of the confirmation and of what follows it."""

from typing import Any

from django import forms
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from expansive_cm.texts import quoted
from expansive_cm.ui.forms import MarkdownTextarea, RadioCards, rows_field

from .. import proposing
from ..models import Attachment, Change, Confirmation, ContactAttempt
from .base import LongText, StepForm, cards, line, text
from .ending import EndingForm

YES, NO = "yes", "no"


def yes_or_no(label: Any, yes: Any, no: Any, *, icons: bool = False) -> forms.TypedChoiceField:
    """Ask a question that has two answers and no answer beforehand."""
    marks = {YES: "thumb-up", NO: "thumb-down"} if icons else None
    return forms.TypedChoiceField(
        label=label,
        choices=[(YES, yes), (NO, no)],
        coerce=lambda value: value == YES,
        widget=RadioCards(icons=marks),
    )


class AnswerConfirmationForm(StepForm):
    """The requester's answers to the two questions of the process; a no says what is wished."""

    meets_need = yes_or_no(
        _("Does the change meet your need?"),
        _("Yes, it does what I need"),
        _("No, I still cannot do what I need"),
        icons=True,
    )
    as_expected = yes_or_no(
        _("Is it as you expected?"),
        _("Yes, it is as I expected"),
        _("No, I expected something else"),
        icons=True,
    )
    wish = forms.ChoiceField(
        label=_("What would you like?"),
        required=False,
        choices=Confirmation.Wish.choices,
        widget=RadioCards(
            descriptions={
                Confirmation.Wish.NOT_RIGHT: _("It comes back to us, and we put it right."),
                Confirmation.Wish.SOMETHING_FURTHER: _(
                    "You can send it as a new request on the next page, filled in already."
                ),
            },
            icons={
                Confirmation.Wish.NOT_RIGHT: "rotate-2",
                Confirmation.Wish.SOMETHING_FURTHER: "plus",
            },
        ),
    )
    reason = text(
        Confirmation,
        "reason",
        label=_("In your words"),
        help_text=_(
            "For a no: what is not right, or what you would like. For two yeses: only if you like."
        ),
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """A no without a wish and a reason helps nobody."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("meets_need", True) and cleaned.get("as_expected", True):
            return cleaned
        if not cleaned.get("wish") and "wish" not in self.errors:
            self.add_error("wish", _now("Please choose what you would like."))
        if not cleaned.get("reason") and "reason" not in self.errors:
            self.add_error("reason", _now("Please say what is not right, or what you would like."))
        return cleaned


class FilesField(forms.ModelMultipleChoiceField):
    """Files of a change, to be ticked."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, file: Any) -> str:
        """Say which of them the customer does not see."""
        size = filesizeformat(file.size)
        inside = ", " + _now("internal") if file.is_internal else ""
        return f"{file.name} ({size}{inside})"


def offer_files(form: StepForm, files: Any) -> None:
    """Tick all files to begin with; without any there is nothing to ask."""
    rows_field(form, "files").queryset = files
    form.fields["files"].initial = list(files)
    if not form.fields["files"].initial:
        del form.fields["files"]


class RequestSuccessorForm(StepForm):
    """The request for what goes beyond a change, filled in from it and the requester's words."""

    title = line(Change, "title", label=_("Title"))
    description = LongText(
        label=_("What would you like, and what for?"),
        max_length=Change._meta.get_field("description").max_length,
        help_text=_("We have filled this in for you. Change whatever you like."),
        widget=forms.Textarea(attrs={"rows": 10}),
    )
    files: Any = FilesField(
        label=_("Files for the new request"),
        help_text=_("Copies of those ticked go with it."),
        queryset=Attachment.objects.none(),
        required=False,
    )

    def prepare(self) -> None:
        """Begin with what they said they would like; what they had asked for follows."""
        offer_files(self, self.change.attachments.filter(is_internal=False))
        self.fields["title"].initial = self.change.title
        answer = self.change.confirmation
        wished = answer.reason if answer is not None else ""
        before = _now("This follows %s, where I had asked for:") % self.change.reference
        parts = [wished, f"{before}\n\n{quoted(self.change.description)}"]
        self.fields["description"].initial = "\n\n".join(part for part in parts if part)


class FollowUpForm(StepForm):
    """A request that goes on from one that has ended, filled in from it."""

    title = line(Change, "title", label=_("Title"))
    description = LongText(
        label=_("What would you like, and what for?"),
        max_length=Change._meta.get_field("description").max_length,
        help_text=_("It asks for the same, until you say what should differ."),
        widget=forms.Textarea(attrs={"rows": 8}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "follow_up_%s", **kwargs})

    def prepare(self) -> None:
        """Begin with what had been asked for."""
        self.fields["title"].initial = self.change.title
        self.fields["description"].initial = proposing.following(self.change)


class RateForm(StepForm):
    """How content the requester is; nothing is chosen beforehand."""

    rating = forms.TypedChoiceField(
        label=_("How content are you with this change, from the request to the result?"),
        choices=[
            (5, _("5 – Excellent")),
            (4, _("4 – Good")),
            (3, _("3 – Fair")),
            (2, _("2 – Poor")),
            (1, _("1 – Very poor")),
        ],
        coerce=int,
        widget=RadioCards(),
    )
    rating_comment = text(
        Confirmation,
        "rating_comment",
        rows=3,
        label=_("What went well, what could be better?"),
        required=False,
    )


class RecordContactForm(StepForm):
    """How somebody tried to reach the requester."""

    means = cards(
        ContactAttempt,
        "means",
        label=_("How did you try?"),
        icons={"telephone": "phone", "visit": "building", "other": "messages"},
    )
    reached = yes_or_no(
        _("Did you reach the requester?"), _("Yes, we spoke"), _("No, nobody was reached")
    )
    note = text(
        ContactAttempt,
        "note",
        label=_("Note"),
        help_text=_("Expansive's own people read this. It answers nothing for the requester."),
    )


class CloseUnansweredForm(EndingForm):
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


class CloseWithSuccessorForm(EndingForm):
    """Why the change ends here, and the request that follows it."""

    goes_on = True

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
    files: Any = FilesField(
        label=_("Files for the new request"),
        help_text=_("Copies of those ticked go with it. Who may see each stays as it is."),
        queryset=Attachment.objects.none(),
        required=False,
    )

    def prepare(self) -> None:
        """Fill in the new request from the old one and the requester's own words."""
        super().prepare()
        offer_files(self, self.change.attachments.select_related("uploaded_by"))
        self.fields["title"].initial = self.change.title
        answer = self.change.confirmation
        parts = []
        if answer is not None and answer.reason:
            words = _now("%s wrote about the change that was delivered:") % answer.answered_by
            parts.append(f"{words}\n\n{quoted(answer.reason)}")
        request = _now("The request that it follows, %s:") % self.change.reference
        parts.append(f"{request}\n\n{self.change.description}")
        self.fields["description"].initial = "\n\n".join(parts)
