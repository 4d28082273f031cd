"""What a request consists of: written by support, by the customer, or revised later."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q
from django.forms.utils import ErrorDict
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organisation, User
from expansive_cm.mailreader.addresses import ADDRESS, name_and_address, normal
from expansive_cm.ui.fields import Line, combobox
from expansive_cm.ui.forms import DateInput, MarkdownTextarea, rows_field

from .. import finding, lifecycle, permissions, proposing
from ..models import Change, ChangeTemplate, Channel, Service
from .base import LongText, field_of
from .fields import AttachmentsField, say_limits

IN_BRACKETS = re.compile(f"<{ADDRESS.pattern}>")


def model_text(name: str) -> dict[str, Any]:
    """Return label and limit of a field of Change."""
    field = field_of(Change, name)
    return {"label": capfirst(field.verbose_name), "max_length": field.max_length}


class RequestForm(forms.Form):
    """What everybody may say about a request. ``submitting`` makes the needed fields required."""

    use_required_attribute = False
    needed: tuple[str, ...] = ("title", "description")
    derived: tuple[str, ...] = ()

    title = Line(**model_text("title"))
    description = LongText(**model_text("description"), widget=MarkdownTextarea)
    services = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Affected services"),
        queryset=Service.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    desired_on = forms.DateField(
        label=gettext_lazy("Desired date"), required=False, widget=DateInput
    )
    seen = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        user: User,
        change: Change | None = None,
        submitting: bool = True,
        **kwargs: Any,
    ) -> None:
        self.user = user
        self.change = change
        self.submitting = submitting
        kwargs["initial"] = {**self.values_of(change), **kwargs.get("initial", {})}
        super().__init__(data, files, **kwargs)
        offered = Q(is_active=True)
        if change is not None:
            offered |= Q(changes=change)
        rows_field(self, "services").queryset = Service.objects.filter(offered).distinct()
        self.fields["desired_on"].widget.attrs["min"] = timezone.localdate().isoformat()

    def values_of(self, change: Change | None) -> dict[str, Any]:
        """Return what the fields show for a change, or for a new request."""
        if change is None:
            return {}
        return {
            "title": change.title,
            "description": change.description,
            "services": [service.pk for service in change.services.all()],
            "desired_on": change.desired_on,
            "seen": change.version,
        }

    def full_clean(self) -> None:
        """Require the needed fields only of a request that is being sent.

        They are marked as required at all times; a field that can be derived from another is
        missed by ``clean``.
        """
        for name in self.needed:
            self.fields[name].required = self.submitting
        for name in self.derived:
            self.fields[name].required = False
        super().full_clean()
        for name in self.needed + self.derived:
            self.fields[name].required = True

    def clean_desired_on(self) -> Any:
        """Refuse a day in the past, unless it stood there before."""
        day = self.cleaned_data["desired_on"]
        if day and day < timezone.localdate() and "desired_on" in self.changed_data:
            raise ValidationError(_("This day has passed. Choose today or a later day."))
        return day

    def arguments(self) -> dict[str, Any]:
        """Return the fields of the change that are valid, for lifecycle."""
        names = ("title", "description", "desired_on")
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}

    @property
    def chosen_services(self) -> list[Service]:
        """The services ticked; where the answer is not valid, those that stood there before."""
        if "services" in self.cleaned_data:
            return list(self.cleaned_data["services"])
        return list(self.change.services.all()) if self.change else []


class NewRequestForm(RequestForm):
    """A request that is being written: with attachments, and a key that recognises a repeat."""

    attachments = AttachmentsField()
    files_lost = False
    """Whether files that were chosen are not on the draft either."""
    key = forms.RegexField(regex=r"^[\w-]{8,40}$", required=False, widget=forms.HiddenInput)
    template = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say_limits(self, "attachments")
        if not self.is_bound and self.change is None:
            self.fields[self.needed[0]].widget.attrs["autofocus"] = True

    def values_of(self, change: Change | None) -> dict[str, Any]:
        """Add the template that it began with."""
        begun = {"template": change.template_id} if change is not None else {}
        return {**super().values_of(change), **begun}

    def clean_template(self) -> ChangeTemplate | None:
        """Find the template; one that was withdrawn meanwhile has filled in all it will."""
        number = self.cleaned_data["template"]
        return proposing.usable_by(self.user).filter(pk=number).first() if number else None

    def arguments(self) -> dict[str, Any]:
        """Add the template."""
        known = {"template"} & self.cleaned_data.keys()
        return {**super().arguments(), **{name: self.cleaned_data[name] for name in known}}

    def unjudged(self) -> "NewRequestForm":
        """Return the form so that it shows what was typed and says nothing about it."""
        self._errors = ErrorDict()
        return self

    @classmethod
    def whose(cls, change: Change) -> dict[str, Any]:
        """Return for whom it was raised, where the form asks that."""
        return {}

    def begin_at_a_gap(self) -> None:
        """Let its writer go on in the first needed field that is empty."""
        empty = [name for name in self.needed if not self.data.get(name, "").strip()]
        if empty:
            self.fields[empty[0]].widget.attrs["autofocus"] = True

    def requester_to_set(self) -> User | None:
        """Return whose request this is; somebody new is added now, on behalf of the user."""
        return self.user


class CustomerForm(NewRequestForm):
    """The form of a customer's own person: the request is theirs and their organisation's."""

    title = Line(
        **{**model_text("title"), "label": gettext_lazy("What do you need?")},
        help_text=gettext_lazy("In a few words, such as “Let night staff book meeting rooms”."),
    )
    description = LongText(
        **{
            **model_text("description"),
            "label": gettext_lazy("Why, and what should be different?"),
        },
        help_text=gettext_lazy("What happens today, what should happen, and who is affected?"),
        widget=MarkdownTextarea,
    )
    desired_on = forms.DateField(
        label=gettext_lazy("By when?"),
        help_text=gettext_lazy("The day you would like to have it. You can leave this open."),
        required=False,
        widget=DateInput,
    )
    services = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Which part of the platform?"),
        help_text=gettext_lazy("Tick what you know; we check it with you."),
        queryset=Service.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ("title", "description", "desired_on", "services", "attachments")

    def clean(self) -> dict[str, Any]:
        """Refuse a request in somebody else's name, which the page does not offer."""
        own = {
            "organisation": {"", str(self.user.organisation_id)},
            "requester": {"", str(self.user.pk), self.user.email},
            "channel": {"", Channel.PORTAL.value},
        }
        if any(self.data.get(name, "") not in allowed for name, allowed in own.items()):
            raise ValidationError(_("You raise requests for yourself and your own organisation."))
        return self.cleaned_data

    def arguments(self) -> dict[str, Any]:
        """Add whose request it is."""
        return {
            **super().arguments(),
            "organisation": self.user.organisation,
            "requester": self.user,
            "channel": Channel.PORTAL,
        }


class SupportForm(NewRequestForm):
    """The form of support and customer success, as used on the phone.

    The requester is text: a name and address as offered while typing, or an address alone.
    An address that nobody has makes a new requester, whose name is then asked for.
    """

    needed = ("requester", "title", "description")
    derived = ("organisation",)

    requester = Line(
        label=gettext_lazy("Requester"),
        max_length=420,
        help_text=gettext_lazy("Type a name or an e-mail address."),
    )
    requester_name = Line(
        label=gettext_lazy("Name of the new requester"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    organisation = forms.ModelChoiceField(
        label=gettext_lazy("Organisation"),
        queryset=Organisation.objects.none(),
        empty_label=gettext_lazy("Choose a customer"),
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"),
        choices=[(one.value, one.label) for one in Channel],
        initial=Channel.PHONE,
    )
    field_order = ("requester", "requester_name", "organisation", "title", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows_field(self, "organisation").queryset = finding.organisations_for(self.user)
        combobox(
            self.fields["requester"],
            reverse("changes:find_requester"),
            "requester-list",
            **{"hx-include": "#id_organisation"},
        )
        self.found: User | None = None
        self.new_address = ""

    def values_of(self, change: Change | None) -> dict[str, Any]:
        """Add requester, organisation and channel."""
        if change is None:
            return {}
        return {**super().values_of(change), **self.whose(change)}

    @classmethod
    def whose(cls, change: Change) -> dict[str, Any]:
        """Return for whom it was raised, and how it reached us."""
        return {
            "requester": person_as_text(change.requester) if change.requester else "",
            "organisation": change.organisation_id,
            "channel": change.channel,
        }

    def clean(self) -> dict[str, Any]:
        """Find the requester, or see to it that a new one can be added."""
        text = self.cleaned_data.get("requester", "")
        if text and "organisation" not in self.errors:
            self._find(*parse_person(text))
        template, customer = (
            self.cleaned_data.get("template"),
            self.cleaned_data.get("organisation"),
        )
        if template and customer and not proposing.fits(template, customer.pk):
            words = {"template": template, "organisation": template.organisation}
            self.add_error("organisation", proposing.NOT_THEIRS % words)
        missing = self.submitting and self.cleaned_data.get("organisation") is None
        if missing and not self.errors.keys() & {"organisation", "requester"}:
            self.add_error("organisation", _("Choose a customer."))
        return self.cleaned_data

    def _find(self, name: str, address: str) -> None:
        if not address:
            words = _("Choose somebody from the list, or type an e-mail address.")
            self.add_error("requester", words)
            return
        person = User.objects.with_address(address)
        if person and self._may_request(person):
            self._take(person)
        else:
            self._prepare_new(address, name, exists=person is not None)

    def _may_request(self, person: User) -> bool:
        return (
            person.is_active
            and person.organisation is not None
            and permissions.may_raise_for(self.user, person.organisation)
        )

    def _take(self, person: User) -> None:
        chosen = self.cleaned_data.get("organisation")
        if chosen and chosen.pk != person.organisation_id:
            words = {"person": person, "organisation": person.organisation}
            self.add_error("organisation", _("%(person)s belongs to %(organisation)s.") % words)
            return
        self.found = person
        self.cleaned_data["organisation"] = person.organisation

    def _prepare_new(self, address: str, name: str, exists: bool) -> None:
        """Take a new address, in words that do not tell whether somebody out of reach has it."""
        owner = finding.organisation_of_address(address)
        chosen = self.cleaned_data.get("organisation")
        if chosen is None and owner and permissions.may_raise_for(self.user, owner):
            chosen = self.cleaned_data["organisation"] = owner
        self.cleaned_data["requester_name"] = self.cleaned_data.get("requester_name") or name
        if chosen is None:
            self.add_error("organisation", _("Choose the customer that this person is from."))
        elif exists or not finding.may_be_of(address, chosen):
            self.add_error("requester", finding.NOT_THEIRS % chosen)
        elif not self.cleaned_data["requester_name"] and "requester_name" not in self.errors:
            self.add_error("requester_name", _("%s is new here. Add the person's name.") % address)
        else:
            self.new_address = address

    def arguments(self) -> dict[str, Any]:
        """Add whose request it is, as far as that is known; a new requester is not added yet.

        The requester is not known where the organisation is wrong: both stay what they were.
        """
        names = ("organisation", "channel")
        known = {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}
        if "organisation" in known:
            known["requester"] = self.found
        return {**super().arguments(), **known}

    def requester_to_set(self) -> User | None:
        """Return the requester; somebody new is added now.

        Raises StepForbidden for an address that turns out to be somebody else's.
        """
        if self.found or not self.new_address:
            return self.found
        return lifecycle.find_or_create_requester(
            self.new_address,
            self.cleaned_data["requester_name"],
            self.cleaned_data["organisation"],
            actor=self.user,
        )

    @property
    def asks_for_name(self) -> bool:
        """Whether the fields for a new requester are shown at once."""
        return bool(self["requester_name"].value() or self["requester_name"].errors)


def person_as_text(person: User) -> str:
    """Return a person as the requester field shows them."""
    return f"{person.display_name} <{person.email}>"


def parse_person(text: str) -> tuple[str, str]:
    """Return name and address in ``Grace Okafor <grace@…>`` or an address alone, else blanks.

    The form is that of `person_as_text`, so a name may hold whatever names hold: commas too. Two
    addresses in brackets are two people, of whom none is meant more than the other.
    """
    if "<" in text:
        name, _bracket, address = text.strip().rstrip(">").rpartition("<")
        if IN_BRACKETS.search(name):
            return "", ""
    else:
        name, address = name_and_address(text) if "@" in text else ("", "")
    try:
        validate_email(address)
    except ValidationError:
        return "", ""
    address, name = normal(address), " ".join(name.split())
    if re.fullmatch('"[^"]*"', name):
        name = name[1:-1].strip()
    return (name, address) if address else ("", "")


class RevisionForm(RequestForm):
    """Changes what a submitted request asks for; who asked, and for whom, stands."""

    reason = Line(
        label=gettext_lazy("Why is it changed?"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Those who have already looked at it will read this."),
    )


def form_for(user: User) -> type[SupportForm] | type[CustomerForm]:
    """Return the form in which this person writes a request."""
    return SupportForm if user.is_internal else CustomerForm
