"""Actions: what the chair records, and what the list is asked for."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from changes.forms.base import line
from expansive_cm.ui.forms import DateInput, choice_field

from ..models import Action, AgendaItem
from .base import BoardForm


class ActionForm(BoardForm):
    """What is to be done, by whom and by when; perhaps on which item.

    ``owners`` are groups of people, each a label and those who belong to it.
    """

    name = "action"

    text = line(Action, "text", label=_("What is to be done?"))
    owner = forms.ChoiceField(label=_("Owner"))
    due_on = forms.DateField(label=_("Due"), widget=DateInput)
    item = forms.ChoiceField(label=_("About"), required=False)

    def __init__(
        self,
        *args: Any,
        owners: Sequence[tuple[Any, Sequence[User]]],
        items: Sequence[AgendaItem] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(one.pk): one for _label, group in owners for one in group}
        self.items = {str(one.pk): one for one in items}
        choices = [(label, [(one.pk, str(one)) for one in group]) for label, group in owners]
        choice_field(self, "owner").choices = [("", _("Choose")), *choices]
        if items:
            about = [(one.pk, f"{one.change.reference} {one.change.title}") for one in items]
            choice_field(self, "item").choices = [("", _("The meeting as a whole")), *about]
        else:
            del self.fields["item"]

    def arguments(self) -> dict[str, Any]:
        """Return the step's arguments, with the owner and the item themselves."""
        data = self.cleaned_data
        found = {
            "text": data["text"],
            "owner": self.people[data["owner"]],
            "due_on": data["due_on"],
        }
        if "item" in self.fields:
            found["item"] = self.items.get(data["item"])
        return found


class ActionFilterForm(forms.Form):
    """What can be asked of the list of actions."""

    state = forms.ChoiceField(
        label=_("State"),
        choices=[
            ("", _("Open")),
            ("overdue", _("Overdue")),
            ("done", _("Done")),
            ("dropped", _("Dropped")),
            ("all", _("All")),
        ],
        required=False,
    )
    owner = forms.ChoiceField(label=_("Owner"), required=False)

    def __init__(self, *args: Any, owners: Sequence[User], user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = [(str(one.pk), str(one)) for one in owners if one != user]
        choice_field(self, "owner").choices = [
            ("", _("Everybody")),
            (str(user.pk), _("Me")),
            *others,
        ]
