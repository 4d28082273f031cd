"""How somebody wants to be told of each kind of news."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from accounts.models import User

from ..news import CHOSEN, Kind, Way, way_for


class NewsForm(forms.Form):
    """One field for each kind that leaves a choice, by its name."""

    def __init__(self, person: User, data: Any = None) -> None:
        super().__init__(data)
        for kind in CHOSEN:
            self.fields[kind.name] = forms.ChoiceField(
                label=kind.label,
                choices=[(way.value, way.label) for way in kind.ways],
                initial=way_for(person, kind).value,
                help_text=_help(kind),
            )

    @property
    def ways(self) -> dict[str, Way]:
        """What a valid form says, by the names of the kinds."""
        return {name: Way(value) for name, value in self.cleaned_data.items()}


def _help(kind: Kind) -> str:
    if kind.is_optional:
        return str(kind.about)
    return _("%(about)s %(reason)s So it cannot be switched off.") % {
        "about": kind.about,
        "reason": kind.reason,
    }
