"""For whom a request was meant to be raised, and what is true of what was carried out."""

from datetime import datetime
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organisation, User
from expansive_cm.ui.fields import Line, combobox
from expansive_cm.ui.forms import DateTimeLocalInput, rows_field

from .. import finding
from ..corrections import Carried
from ..models import Execution
from .base import LongText, StepForm, text
from .intake import parse_person


class CorrectCustomerForm(StepForm):
    """The right customer and the right requester, who is text as on the form of a new request."""

    organisation = forms.ModelChoiceField(
        label=gettext_lazy("Organisation"),
        queryset=Organisation.objects.none(),
        empty_label=gettext_lazy("Choose a customer"),
    )
    requester = Line(
        label=gettext_lazy("Requester"),
        max_length=420,
        help_text=gettext_lazy("Type a name or an e-mail address."),
    )
    requester_name = Line(
        label=gettext_lazy("Name of the new requester"),
        max_length=150,
        required=False,
        help_text=gettext_lazy("Needed only for an address that we do not know yet."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    reason = LongText(
        label=gettext_lazy("Reason"),
        max_length=5000,
        help_text=gettext_lazy("How did the mistake come about? The customer does not read this."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def prepare(self) -> None:
        """Offer the customers that the person raises for, and people while they type."""
        rows_field(self, "organisation").queryset = finding.organisations_for(self.user)
        self.fields["organisation"].initial = self.change.organisation_id
        combobox(
            self.fields["requester"],
            reverse("changes:find_requester"),
            "requester-list",
            **{"hx-include": "#id_organisation"},
        )

    def clean(self) -> dict[str, Any]:
        """See to it that the address can be one of the customer's, and that it has a name."""
        data = self.cleaned_data
        organisation, text = data.get("organisation"), data.get("requester")
        if not (organisation and text):
            return data
        name, address = parse_person(text)
        if not address:
            words = _("Choose somebody from the list, or type an e-mail address.")
            self.add_error("requester", words)
            return data
        person = User.objects.with_address(address)
        if person is None and not finding.may_be_of(address, organisation):
            self.add_error("requester", finding.NOT_THEIRS % organisation)
        elif person is None and not (data.get("requester_name") or name):
            self.add_error("requester_name", _("Please write down the name too."))
        elif person and (not person.is_active or person.organisation_id != organisation.pk):
            self.add_error("requester", finding.NOT_THEIRS % organisation)
        data["email"], data["new_name"] = address, data.get("requester_name") or name
        return data

    def arguments(self) -> dict[str, Any]:
        """Return the requester as address and name."""
        wanted = ("organisation", "email", "new_name", "reason")
        return {name: self.cleaned_data[name] for name in wanted}


class Moment(forms.DateTimeField):
    """A moment of which the page shows minutes: what is not touched stays to the microsecond.

    So it does in the hour that comes twice when the clocks go back, which nobody could type.
    """

    widget = DateTimeLocalInput

    def clean(self, value: Any) -> datetime | None:
        """Return the moment that the field began with where it says the same."""
        widget: Any = self.widget
        shown = self.initial and widget.format_value(self.prepare_value(self.initial))
        if shown and str(value or "")[: len(shown)] == shown:
            return self.initial
        return super().clean(value)


class CorrectRecordForm(StepForm):
    """When something was carried out, and what happened, to be put right with a reason."""

    started_at = Moment(label=gettext_lazy("Started"))
    finished_at = Moment(label=gettext_lazy("Finished"))
    notes = text(Execution, "notes", rows=5, help_text=gettext_lazy("The customer reads this."))
    reason = LongText(
        label=gettext_lazy("Why is it corrected?"),
        max_length=5000,
        help_text=gettext_lazy("Colleagues and auditors read this; the customer does not."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, record: Carried, **kwargs: Any) -> None:
        self.record = record
        super().__init__(*args, **kwargs)

    def prepare(self) -> None:
        """Begin with what the record says."""
        for name in ("started_at", "finished_at", "notes"):
            self.fields[name].initial = getattr(self.record, name)

    def clean(self) -> dict[str, Any]:
        """Take what was finished in the minute in which it began as finished at once."""
        data = self.cleaned_data
        started, finished = data.get("started_at"), data.get("finished_at")
        if started and finished and started.replace(second=0, microsecond=0) <= finished < started:
            data["finished_at"] = started
        return data


class TakeBackRecordForm(StepForm):
    """Why an outcome that was just recorded is taken back."""

    reason = LongText(
        label=gettext_lazy("What was wrong with it?"),
        max_length=5000,
        help_text=gettext_lazy("Colleagues and auditors read this; the customer does not."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
