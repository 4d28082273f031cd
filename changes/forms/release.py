"""Forms about releases."""

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from expansive_cm.texts import Text
from expansive_cm.ui.fields import Line
from expansive_cm.ui.forms import DateInput
from expansive_cm.workflow.errors import StepIncomplete

from .. import planning
from ..conflicts import Planned
from ..models import Release
from .base import LongText, StepForm, field_of, text


def _day(name: str, **more: Any) -> forms.DateField:
    field = field_of(Release, name)
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
        for name in error.missing or (None,):
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

    def __init__(self, data: Any = None, *, release: Release, why_needed: Text = "") -> None:
        super().__init__(data, initial={"seen": release.version})
        if why_needed:
            self.fields["reason"].required = True
            self.fields["reason"].error_messages["required"] = why_needed


class ReleaseField(forms.ModelChoiceField):
    """A release that is still to come."""

    due_on: date | None = None
    """The day promised: what comes after it is offered as such."""

    def label_from_instance(self, release: Any) -> str:
        """Say when the release is planned, and whether that is later than promised."""
        words = _now("%(name)s, planned for %(day)s")
        if self.due_on is not None and release.planned_on > self.due_on:
            words = _now("%(name)s, planned for %(day)s: later than promised")
        return words % {"name": release.name, "day": f"{release.planned_on:%-d %b %Y}"}


def meant_for(change: Any) -> Release | None:
    """Return the release a change is in, else the one of its promise, if that is still to come."""
    known = (change.release, change.promised_release)
    return next((one for one in known if one is not None and not one.is_over), None)


class ReleaseStepForm(StepForm):
    """A step that chooses a release: what it has to say where that comes later than promised."""

    def planned(self) -> Planned | None:
        """Return the deployment with the release that the form holds, None without one."""
        release = self.now_in("release")
        if release is not None and not isinstance(release, Release):
            release = Release.objects.filter(pk=release).first()
        return planning.of_deployment(self.change, release) if release else None

    def mind_promise(self, coming: QuerySet[Release]) -> bool:
        """Offer the releases to come; say which are too late for the promise, if some are."""
        field: Any = self.fields["release"]
        field.queryset = coming
        due = self.change.due_on if self.change.promise else None
        late = due is not None and coming.filter(planned_on__gt=due).exists()
        if late or self.data.get("told"):
            field.due_on = due
            self.fields["reason"].initial = self.change.late_reason
            self.fields["told"].initial = self.change.late_told
        else:
            del self.fields["told"]
        if due is not None:
            field.help_text = _now("Promised by %s.") % date_format(due, "j F Y")
        return late


def told_field() -> LongText:
    """Ask for what the customer reads of a release that comes later than promised."""
    return LongText(
        label=_("What does the customer read of why it is later?"),
        max_length=500,
        required=False,
        help_text=_(
            "Only where the release comes after the day promised: it stands on their page and in "
            "their mail. Without it they read that it is later, with both dates, and not why."
        ),
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class AssignReleaseForm(ReleaseStepForm):
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
        help_text=_(
            "Needed where a frozen release is joined or left, or one comes after the day "
            "promised; customers do not read it."
        ),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    told = told_field()

    def prepare(self) -> None:
        """Offer the releases to come; begin with the one it is in, or the one of its promise."""
        self.mind_promise(Release.objects.filter(released_at=None, cancelled_at=None))
        self.fields["release"].initial = meant_for(self.change)


class ReleaseOfManyForm(AssignReleaseForm):
    """The same for many changes at once. What one customer reads is written on their change."""

    def prepare(self) -> None:
        """Offer the releases to come."""
        field: Any = self.fields["release"]
        field.queryset = Release.objects.filter(released_at=None, cancelled_at=None)
        del self.fields["told"]
