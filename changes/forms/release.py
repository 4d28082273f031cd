"""Forms about releases."""

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from expansive_cm.forms import DateInput
from expansive_cm.workflow.errors import StepIncomplete

from ..models import Release
from .base import LongText, StepForm, text
from .fields import Line


def _day(name: str, **more: Any) -> forms.DateField:
    field = Release._meta.get_field(name)
    return forms.DateField(
        label=capfirst(field.verbose_name), help_text=field.help_text, widget=DateInput(), **more
    )


class SeenForm(forms.Form):
    """A form which knows the version that its page showed."""

    seen = forms.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput
    )

    def take_error(self, error: StepIncomplete) -> None:
        """Put what could not be beside its field."""
        for name in error.missing or [None]:
            self.add_error(name if name in self.fields else None, str(error))

    def arguments(self) -> dict[str, Any]:
        """Return what the step is called with."""
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}


class ReleaseForm(SeenForm):
    """All of a release that people say about it."""

    name = Line(label=_("Name"), max_length=50, help_text=_("Its number, such as 4.12."))
    planned_on = _day("planned_on")
    freeze_on = _day("freeze_on", required=False)
    notes = text(Release, "notes", rows=4, required=False, help_text=_("Between colleagues."))
    reason = Line(
        label=_("Why does it change?"),
        max_length=500,
        required=False,
        help_text=_("Needed where a date moves. It stays in the history of the release."),
    )

    def __init__(self, data: Any = None, *, release: Release | None = None) -> None:
        names = ("name", "planned_on", "freeze_on", "notes")
        initial = {name: getattr(release, name) for name in names} if release else {}
        super().__init__(data, initial={**initial, "seen": release.version if release else None})
        if release is None:
            del self.fields["reason"]


class ReleaseActForm(SeenForm):
    """Why an act is taken on a release."""

    reason = LongText(
        label=_("Why?"),
        max_length=500,
        required=False,
        help_text=_("It stays in the history of the release."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self, data: Any = None, *, release: Release, why_needed: str | Promise = ""
    ) -> None:
        super().__init__(data, initial={"seen": release.version})
        if why_needed:
            self.fields["reason"].required = True
            self.fields["reason"].error_messages["required"] = why_needed


class ReleaseField(forms.ModelChoiceField):
    """A release that is still to come."""

    def label_from_instance(self, release: Any) -> str:
        """Say when the release is planned."""
        return _now("%(name)s, planned for %(day)s") % {
            "name": release.name,
            "day": f"{release.planned_on:%-d %b %Y}",
        }


def meant_for(change: Any) -> Release | None:
    """Return the release a change is in, else the one of its promise, if that is still to come."""
    known = (change.release, change.promised_release)
    return next((one for one in known if one is not None and not one.is_over), None)


class AssignReleaseForm(StepForm):
    """With which release the change is meant to go out."""

    release = ReleaseField(
        label=_("Release"),
        queryset=Release.objects.none(),
        empty_label=_("None: it is open"),
        required=False,
    )
    reason = LongText(
        label=_("Why?"),
        max_length=500,
        required=False,
        help_text=_("Needed where a frozen release is joined or left."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def prepare(self) -> None:
        """Offer the releases to come; begin with the one it is in, or the one of its promise."""
        self.fields["release"].queryset = Release.objects.filter(
            released_at=None, cancelled_at=None
        )
        self.fields["release"].initial = meant_for(self.change)
