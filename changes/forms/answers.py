"""What can be asked of the pages about requesters' answers."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import SuccessTeam, User
from expansive_cm.ui.forms import choice_field

from .. import answers

MINE, EVERY = "mine", "all"
MONTHS = 12


class TeamFilterForm(forms.Form):
    """Whose customers: a person's own teams to begin with, everybody's where there are none."""

    team = forms.ChoiceField(label=_("Success team"), required=False)

    def __init__(self, user: User, data: QueryDict) -> None:
        self.user = user
        self.whole_team = MINE if user.team_ids else EVERY
        super().__init__({"team": self.whole_team, **data.dict()})
        own = [(MINE, _("My teams"))] if user.team_ids else []
        teams = [(str(pk), name) for pk, name in SuccessTeam.objects.values_list("pk", "name")]
        choice_field(self, "team").choices = [*own, (EVERY, _("All teams")), *teams]

    @property
    def teams(self) -> set[int] | None:
        """The teams asked for; None stands for all."""
        team = self.cleaned_data.get("team") or self.whole_team
        if team == MINE:
            return set(self.user.team_ids)
        return None if team == EVERY else {int(team)}

    @property
    def active(self) -> int:
        """How many filters differ from what the page begins with."""
        chosen = {name: self.cleaned_data.get(name) for name in self.fields}
        return sum(
            bool(value) and value != self.begins_with(name) for name, value in chosen.items()
        )

    def begins_with(self, name: str) -> Any:
        """Return what a filter is while the address does not say it."""
        return self.whole_team if name == "team" else ""

    def address(self, **changed: Any) -> str:
        """Return the query string of what is asked for, with some of it changed."""
        query = QueryDict(mutable=True)
        for name in self.fields:
            value = changed.get(name, self.cleaned_data.get(name))
            if value and value != self.begins_with(name):
                query[name] = value
        if changed.get("page"):
            query["page"] = changed["page"]
        return "?" + query.urlencode()


class WaitingFilterForm(TeamFilterForm):
    """Which questions that wait for an answer."""

    age = forms.ChoiceField(label=_("Waiting for"), required=False)
    state = forms.ChoiceField(
        label=_("How it stands"),
        required=False,
        choices=[
            ("", _("All")),
            ("escalated", _("Silent after the last reminder")),
            ("undelivered", _("Mail did not arrive")),
        ],
    )

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(user, data)
        spans = [(age.key, age.label) for age in answers.ages()]
        choice_field(self, "age").choices = [("", _("Any time")), *spans]


class RatingFilterForm(TeamFilterForm):
    """Which ratings."""

    months = forms.ChoiceField(
        label=_("Period"),
        required=False,
        choices=[
            ("3", _("Three months")),
            ("12", _("Twelve months")),
            ("36", _("Three years")),
        ],
    )
    rating = forms.ChoiceField(
        label=_("Rating"),
        required=False,
        choices=[("", _("All")), *((str(stars), str(stars)) for stars in answers.STARS)],
    )

    def __init__(self, user: User, data: QueryDict) -> None:
        super().__init__(user, data)
        self.data = {"months": str(MONTHS), **self.data}

    def begins_with(self, name: str) -> Any:
        """A year, to begin with."""
        return str(MONTHS) if name == "months" else super().begins_with(name)

    @property
    def how_many_months(self) -> int:
        """The length of the period."""
        return int(self.cleaned_data.get("months") or MONTHS)
