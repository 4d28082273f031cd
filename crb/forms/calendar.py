"""What the chair fills in about the calendar, and members about their absences."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from changes.forms.base import line, text
from changes.models import Change
from changes.risk import Urgency
from expansive_cm.ui.forms import DateInput, TimeInput, choice_field, rows_field
from expansive_cm.workflow.errors import StepIncomplete

from ..models import Absence, Meeting, Membership
from .ballots import ChangesField
from .base import BoardForm

SHORTEST_MINUTES, LONGEST_MINUTES = 5, 24 * 60


class TimeForm(BoardForm):
    """When a meeting is, where the board meets."""

    date = forms.DateField(label=_("Date"), widget=DateInput)
    start = forms.TimeField(label=_("Start"))
    length_minutes = forms.IntegerField(
        label=_("Length in minutes"), min_value=SHORTEST_MINUTES, max_value=LONGEST_MINUTES
    )

    on_day_off = forms.BooleanField(label=_("Hold it on a non-working day anyhow"), required=False)

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["start"].widget = TimeInput(zone=zone)
        self.asks_day_off = "on_day_off" in self.data

    def take_error(self, error: StepIncomplete) -> None:
        """Ask, where the day is the only obstacle, whether it is meant."""
        self.asks_day_off = self.asks_day_off or "on_day_off" in error.missing
        beside = [name for name in error.missing if name != "on_day_off"]
        super().take_error(StepIncomplete(str(error), beside))


class MoveForm(TimeForm):
    """Where a meeting is put, and why."""

    name = "move"

    reason = text(
        Meeting,
        "move_reason",
        rows=3,
        label=_("Why is the meeting moved?"),
        help_text=_("Everybody invited reads it in the new invitation."),
    )


class CallForm(TimeForm):
    """An extraordinary meeting, and what for."""

    name = "call"

    purpose = text(
        Meeting,
        "purpose",
        rows=3,
        label=_("What is the meeting called for?"),
        help_text=_("Every member reads it in the invitation."),
    )
    changes = ChangesField(
        label=_("What is on its agenda?"),
        queryset=Change.objects.none(),
        required=False,
        help_text=_(
            "They move to this meeting with the votes cast so far. What is urgent is ticked."
        ),
        error_messages={
            "invalid_choice": _(
                "One of the changes no longer waits, or is being voted on already. Tick what the "
                "meeting is about, and send the form again."
            )
        },
    )
    without_items = forms.BooleanField(label=_("Call it without any item"), required=False)
    field_order = ("date", "start", "length_minutes", "on_day_off", "purpose", "changes")

    def __init__(self, *args: Any, waiting: QuerySet[Change], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        changes = rows_field(self, "changes")
        changes.queryset = waiting
        changes.initial = [one.pk for one in waiting if (one.urgency or 0) >= Urgency.HIGH]
        self.asks_without_items = "without_items" in self.data or not waiting

    def clean(self) -> dict[str, Any]:
        """Ask whether a meeting without any item is meant."""
        data = super().clean() or {}
        if "changes" in data and not data["changes"] and not data.get("without_items"):
            self.asks_without_items = True
            more = _("or tick below that it is called without any item.")
            first = _("Tick what the meeting is about,")
            if not rows_field(self, "changes").queryset:
                first, more = _("Nothing waits for the board."), _("Tick below if that is meant.")
            self.add_error("changes", f"{first} {more}")
        return data

    def arguments(self) -> dict[str, Any]:
        """Return what the step is called with."""
        return {key: value for key, value in super().arguments().items() if key != "without_items"}


class AbsenceForm(BoardForm):
    """Who is away, when, and who stands in."""

    name = "absence"

    membership = forms.ChoiceField(label=_("Who is away?"))
    starts_on = forms.DateField(label=_("First day away"), widget=DateInput)
    ends_on = forms.DateField(label=_("Last day away"), widget=DateInput)
    alternate = forms.ChoiceField(
        label=_("Who stands in?"),
        required=False,
        help_text=_(
            "Sits and votes in the member's place on these days. With nobody the seat stays the "
            "member's, who may vote beforehand."
        ),
    )
    reason = line(
        Absence, "reason", required=False, help_text=_("Everybody at Expansive can read it.")
    )

    def __init__(
        self,
        *args: Any,
        memberships: Sequence[Membership],
        alternates: Sequence[User],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.memberships = {str(one.pk): one for one in memberships}
        self.alternates = {str(person.pk): person for person in alternates}
        members = [(key, str(one.user)) for key, one in self.memberships.items()]
        choice_field(self, "membership").choices = (
            members if len(members) == 1 else [("", "–"), *members]
        )
        nobody = ("", _("Nobody"))
        choice_field(self, "alternate").choices = [
            nobody,
            *((key, str(person)) for key, person in self.alternates.items()),
        ]

    def arguments(self) -> dict[str, Any]:
        """Return what the step is called with, people instead of their keys."""
        data = dict(self.cleaned_data)
        data["membership"] = self.memberships[data["membership"]]
        data["alternate"] = self.alternates.get(data["alternate"])
        return data
