"""Forms about change freezes and maintenance windows."""

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.forms import time_zone_choices
from accounts.models import Organisation, User
from expansive_cm.ui.fields import Line
from expansive_cm.ui.forms import DateInput, DateTimeLocalInput, TimeInput, choices_of
from expansive_cm.workflow.errors import StepIncomplete

from .. import permissions
from ..models import Change, Service, Window, parse_reference
from ..queries import visible_to
from ..unheld import roles_of_nobody
from .base import LongText, cards, field_of, text

ONCE, WEEKLY = "once", "weekly"
INPUT = "django/forms/widgets/input.html"


class _MomentInput(DateTimeLocalInput):
    """A date and time in the zone that the form asks for."""

    template_name = INPUT


class _TimeInput(TimeInput):
    template_name = INPUT


class _WindowForm(forms.Form):
    def take_error(self, error: StepIncomplete) -> None:
        """Put what could not be beside its field."""
        for name in error.missing or (None,):
            self.add_error(name if name in self.fields else None, str(error))


class WindowForm(_WindowForm):
    """All that is said of a freeze or maintenance window."""

    kind = cards(
        Window,
        "kind",
        label=_("What is it?"),
        descriptions={
            Window.Kind.FREEZE: _("While it holds, nothing is put in place."),
            Window.Kind.MAINTENANCE: _("What it is for is put in place while it holds."),
        },
        icons={Window.Kind.FREEZE: "lock", Window.Kind.MAINTENANCE: "tools"},
    )
    name = Line(label=_("Name"), max_length=100, help_text=_("Such as: End of the year."))
    service = forms.ModelChoiceField(
        label=_("Service"),
        queryset=Service.objects.filter(is_active=True),
        empty_label=_("Every service"),
        required=False,
    )
    organisation = forms.ModelChoiceField(
        label=_("Customer"),
        queryset=Organisation.objects.filter(is_active=True).order_by("name"),
        empty_label=_("Every customer"),
        required=False,
    )
    zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=time_zone_choices,
        help_text=_("All times below are local times there."),
    )
    repeats = forms.ChoiceField(
        label=_("How often?"),
        choices=[(ONCE, _("Once")), (WEEKLY, _("Every week"))],
        initial=ONCE,
        widget=forms.RadioSelect,
    )
    starts_at = forms.DateTimeField(label=_("Begins"), required=False, widget=_MomentInput)
    ends_at = forms.DateTimeField(label=_("Ends"), required=False, widget=_MomentInput)
    weekday = forms.TypedChoiceField(
        label=_("Every"),
        choices=[("", "–"), *(field_of(Window, "weekday").choices or ())],
        coerce=int,
        empty_value=None,
        required=False,
    )
    from_time = forms.TimeField(label=_("From"), required=False, widget=_TimeInput)
    to_time = forms.TimeField(
        label=_("To"),
        required=False,
        widget=_TimeInput,
        help_text=_("An earlier time is on the day after."),
    )
    first = forms.DateField(label=_("From the day"), required=False, widget=DateInput())
    until = forms.DateField(
        label=_("Until the day"),
        required=False,
        widget=DateInput(),
        help_text=_("At most two years on; then somebody says again that it should."),
    )
    effect = cards(
        Window,
        "effect",
        label=_("What happens to a plan that does not respect it?"),
        descriptions={
            Window.Effect.REFUSES: _("It cannot be made, and nothing begins."),
            Window.Effect.WARNS: _("It is made all the same; what was said stays with it."),
            Window.Effect.OVERRIDE: _("Somebody with a role has to allow it, with a reason."),
        },
        icons={
            Window.Effect.REFUSES: "ban",
            Window.Effect.WARNS: "alert-triangle",
            Window.Effect.OVERRIDE: "lock-open",
        },
    )
    override_role = forms.ChoiceField(
        label=_("Role that can override it"),
        choices=[
            ("", "–"),
            *((one.value, one.label) for one in permissions.OVERRIDING),
        ],
        required=False,
        help_text=_("Only where it asks for an override."),
    )
    reason = text(Window, "reason", rows=3, required=False, help_text=_("Between colleagues."))

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data, initial={"zone": user.time_zone, "first": timezone.localdate()})
        field: Any = self.fields["override_role"]
        missing = roles_of_nobody()
        field.choices = [
            (value, _now("%s: nobody holds it") % label if value in missing else label)
            for value, label in choices_of(self, "override_role")
        ]

    def full_clean(self) -> None:
        """Read moments as local times of the zone that was chosen."""
        chosen = self.data.get("zone", "")
        known = {name for name, _label in choices_of(self, "zone")}
        with timezone.override(ZoneInfo(chosen) if chosen in known else None):
            super().full_clean()

    def clean(self) -> dict[str, Any]:
        """Ask for what the chosen rhythm and effect need, and forget what they do not."""
        cleaned = super().clean() or self.cleaned_data
        once = ("starts_at", "ends_at")
        weekly = ("weekday", "from_time", "to_time", "first", "until")
        is_weekly = cleaned.get("repeats") == WEEKLY
        for name in weekly if is_weekly else once:
            if cleaned.get(name) is None and name not in self.errors:
                self.add_error(name, self._asked(name))
        for name in once if is_weekly else weekly:
            cleaned[name] = None
            self.errors.pop(name, None)
        if cleaned.get("effect") != Window.Effect.OVERRIDE:
            cleaned["override_role"] = ""
        elif not cleaned.get("override_role"):
            self.add_error("override_role", _now("Say which role can override it."))
        return cleaned

    def _asked(self, name: str) -> str:
        if name == "until":
            return _now("Say until which day it comes every week: at most two years on.")
        return _now("This is needed.")

    def arguments(self) -> dict[str, Any]:
        """Return what the step is called with."""
        return {name: value for name, value in self.cleaned_data.items() if name != "repeats"}


class CancelWindowForm(_WindowForm):
    """Why a freeze or maintenance window ends."""

    seen = forms.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput
    )
    reason = LongText(
        label=_("Why?"),
        max_length=500,
        help_text=_("It stays in its history."),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Say why it is cancelled.")},
    )

    def __init__(self, data: Any = None, *, window: Window) -> None:
        super().__init__(data, initial={"seen": window.version})


class OverrideForm(_WindowForm):
    """Which change may pass, and why."""

    change = Line(label=_("Change"), max_length=20, help_text=_("Its number, such as CR-000123."))
    reason = LongText(
        label=_("Why is it allowed?"),
        max_length=2000,
        help_text=_("It stays on record, and auditors list it."),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Say why it is allowed.")},
    )

    def __init__(self, data: Any = None, *, user: User, change: str = "") -> None:
        super().__init__(data, initial={"change": change})
        self.user = user

    def clean_change(self) -> Change:
        """Find the change; one that is not this person's does not exist."""
        number = parse_reference(self.cleaned_data["change"])
        found = visible_to(self.user).filter(pk=number).first() if number else None
        if found is None:
            raise forms.ValidationError(_now("There is no such change."))
        return found
