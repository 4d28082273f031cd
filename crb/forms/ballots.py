"""What the chair fills in to vote without a meeting."""

from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changes.forms.base import text
from changes.models import Change
from expansive_cm.ui.forms import DateTimeLocalInput, rows_field

from ..models import Meeting
from .base import BoardForm

USUAL_TIME = timedelta(days=3)
"""How long a ballot is open unless the chair says otherwise."""
EMERGENCY_TIME = timedelta(hours=5)
"""The same on an emergency change; at the full hour, four at least."""


UNAVAILABLE = gettext_lazy(
    "One of the changes no longer waits, or is being voted on already. Tick what is to be voted "
    "on, and send the form again."
)


class ChangesField(forms.ModelMultipleChoiceField):
    """Changes that wait, each with the agenda it is on."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        name = f"{obj.reference} {obj.title}"
        if not obj.open_items:
            return name
        day = date_format(obj.open_items[0].meeting.date, "j F Y")
        return _("%(change)s (on the agenda of %(day)s)") % {"change": name, "day": day}


class BallotForm(BoardForm):
    """A deadline and a reason, which every ballot needs."""

    name = "ballot"

    deadline = forms.DateTimeField(
        label=gettext_lazy("Votes count until"),
        widget=DateTimeLocalInput(),
        error_messages={"required": gettext_lazy("Say until which day and time votes count.")},
    )
    reason = text(Meeting, "purpose", rows=3)


class OpenBallotForm(BallotForm):
    """Which changes, until when, and why there is no meeting; one that is ``urgent`` is ticked."""

    changes = ChangesField(
        label=gettext_lazy("Changes"),
        queryset=Change.objects.none(),
        error_messages={
            "required": gettext_lazy("Tick at least one change for the members to vote on."),
            "invalid_choice": UNAVAILABLE,
            "invalid_pk_value": UNAVAILABLE,
        },
    )
    reason = text(
        Meeting,
        "purpose",
        rows=3,
        label=gettext_lazy("Why does the board vote without a meeting?"),
        help_text=gettext_lazy("The members read this in the mail and above the ballot."),
    )
    field_order = ("changes", "deadline", "reason")

    def __init__(
        self, *args: Any, waiting: QuerySet[Change], urgent: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        rows_field(self, "changes").queryset = waiting
        self.fields["changes"].initial = [urgent] if urgent else []
        usual = timezone.now() + (EMERGENCY_TIME if urgent else USUAL_TIME)
        self.fields["deadline"].initial = usual.replace(minute=0, second=0, microsecond=0)


class ExtendBallotForm(BallotForm):
    """More time, and why."""

    reason = text(
        Meeting,
        "move_reason",
        rows=3,
        label=gettext_lazy("Why do the members get more time?"),
        help_text=gettext_lazy("The members read this."),
    )


class EndBallotForm(BoardForm):
    """Why a ballot ends before everything is decided."""

    name = "end"

    reason = text(
        Meeting,
        "cancel_reason",
        rows=3,
        label=gettext_lazy("Why does the ballot end now?"),
        help_text=gettext_lazy("The members read this."),
    )
