"""What the chair fills in about an agenda, and members who take an item out of the batch."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from changes.forms.base import text
from changes.models import Change
from expansive_cm.ui.forms import RadioCards, choice_field

from ..models import AgendaItem
from .base import BoardForm


class AddLateForm(BoardForm):
    """Which change joins a published agenda, and why it cannot wait."""

    name = "late"

    change = forms.ChoiceField(
        label=gettext_lazy("Change"),
        widget=RadioCards(),
        error_messages={
            "invalid_choice": gettext_lazy("This change can no longer be added. Choose another.")
        },
    )
    reason = text(
        AgendaItem,
        "late_reason",
        rows=3,
        label=gettext_lazy("Why can it not wait for the next meeting?"),
        help_text=gettext_lazy("The members are told by mail, and the agenda says so."),
    )

    def __init__(self, *args: Any, candidates: Sequence[Change], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.candidates = {str(change.pk): change for change in candidates}
        field = choice_field(self, "change")
        field.choices = [
            (key, f"{change.reference} {change.title}") for key, change in self.candidates.items()
        ]
        field.widget.descriptions = {
            key: _describe(change) for key, change in self.candidates.items()
        }

    def arguments(self) -> dict[str, Any]:
        """Return the step's arguments."""
        data = self.cleaned_data
        return {"change": self.candidates[data["change"]], "reason": data["reason"]}


def _describe(change: Any) -> str:
    parts = [str(change.organisation)]
    if change.urgency:
        parts.append(_("%s urgency") % change.get_urgency_display())
    parts.append(_("waits since %s") % date_format(change.state_since, "j F Y"))
    if change.open_items:
        parts.append(_move_words(change.open_items[0]))
    return " · ".join(parts)


def _move_words(item: Any) -> str:
    """Say from where a change moves here; there are votes to move only if somebody has voted."""
    day = {"day": date_format(item.meeting.date, "j F Y"), "number": item.count_voted}
    if not item.count_voted:
        return _("on the agenda of %(day)s, moves here; nobody has voted on it there yet") % day
    return (
        ngettext(
            "on the agenda of %(day)s, moves here with the vote of %(number)d member",
            "on the agenda of %(day)s, moves here with the votes of %(number)d members",
            item.count_voted,
        )
        % day
    )


class PlanForm(BoardForm):
    """Who presents an item, how long it may take, and notes for the board."""

    name = "plan"

    presenter = forms.ChoiceField(label=gettext_lazy("Presenter"), required=False)
    time_box = forms.IntegerField(
        label=gettext_lazy("Time box in minutes"), required=False, min_value=1, max_value=480
    )
    notes = text(
        AgendaItem,
        "notes",
        rows=4,
        required=False,
        help_text=gettext_lazy("For members, auditors and administrators only."),
    )

    def __init__(
        self, data: Any = None, *, item: AgendaItem, people: Sequence[User], **kwargs: Any
    ) -> None:
        initial = {
            "presenter": str(item.presenter_id or ""),
            "time_box": item.time_box,
            "notes": item.notes,
        }
        super().__init__(data, initial=initial, **kwargs)
        self.people = {str(person.pk): person for person in people}
        names = [(key, str(person)) for key, person in self.people.items()]
        if item.presenter is not None and str(item.presenter_id) not in self.people:
            self.people[str(item.presenter_id)] = item.presenter
            names.append((str(item.presenter_id), str(item.presenter)))
        choice_field(self, "presenter").choices = [("", _("Nobody yet")), *names]

    def arguments(self) -> dict[str, Any]:
        """Return the step's arguments."""
        data = self.cleaned_data
        presenter = self.people.get(data["presenter"])
        return {"presenter": presenter, "time_box": data["time_box"], "notes": data["notes"]}


class DeferForm(BoardForm):
    """Why an item is deferred."""

    name = "defer"

    reason = text(
        AgendaItem, "remark", rows=2, label=gettext_lazy("Why is it deferred to the next meeting?")
    )


class PullForm(BoardForm):
    """Why an item is to be discussed."""

    name = "pull"

    reason = text(AgendaItem, "pull_reason", rows=2, label=gettext_lazy("What is to be discussed?"))
