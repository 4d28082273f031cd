"""Keeping a view of the list under a name."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import SuccessTeam, User
from accounts.roles import Role
from expansive_cm.ui.fields import Line
from expansive_cm.ui.forms import choice_field
from expansive_cm.workflow.errors import StepIncomplete

from .. import saved_views
from ..models import SavedView


class SavedViewForm(forms.Form):
    """Its name, and who sees it."""

    name = Line(
        label=gettext_lazy("Name"),
        max_length=60,
        help_text=gettext_lazy("Such as “Waiting for the board”."),
    )
    shared = forms.ChoiceField(
        label=gettext_lazy("Who sees it"),
        required=False,
        help_text=gettext_lazy(
            "Everybody sees through it only the changes that they may see anyway."
        ),
    )
    first = forms.BooleanField(
        label=gettext_lazy("Open Changes with it"),
        required=False,
        help_text=gettext_lazy("For yourself alone."),
    )
    seen = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, user: User, view: SavedView | None = None) -> None:
        initial = {} if view is None else {"name": view.name, "shared": view.shared}
        super().__init__(data, initial={**initial, "seen": view.version if view else None})
        choice_field(self, "shared").choices = [("", _("Only I")), *audiences(user)]
        if view is not None:
            del self.fields["first"]

    def arguments(self) -> dict[str, Any]:
        """Return what is kept, for lifecycle."""
        return {name: self.cleaned_data[name] for name in ("name", "shared")}

    def take_error(self, error: StepIncomplete) -> None:
        """Put what could not be kept beside its field."""
        for name in error.missing or (None,):
            self.add_error(name, str(error))


def audiences(user: User) -> list[tuple[str, str]]:
    """Return with whom somebody can share, in words. One query for those with teams."""
    keys = saved_views.audiences_of(user)
    teams = {}
    if any(key.startswith("team:") for key in keys):
        teams = dict(SuccessTeam.objects.filter(pk__in=user.team_ids).values_list("pk", "name"))
    return [(key, in_words(key, user, teams)) for key in keys]


def in_words(key: str, user: User, teams: dict[int, str]) -> str:
    """Say whom a view is shared with, to somebody of them."""
    kind, _colon, what = key.partition(":")
    if kind == "team":
        return _("The customer success team %s") % teams.get(int(what), "")
    if kind == "organisation":
        return _("Everybody at %s") % user.organisation
    return _("Everybody with the role %s") % Role(what).label if what else _("Only I")
