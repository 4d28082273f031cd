"""What support says when it accepts a mail."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organisation, User
from expansive_cm.ui.fields import Line, combobox
from expansive_cm.ui.forms import rows_field

from .. import finding, queries
from ..models import Change, parse_reference


class AcceptRequestForm(forms.Form):
    """Whose request a mail is. Somebody whose address is new is added."""

    use_required_attribute = False

    address = forms.EmailField(
        label=gettext_lazy("Address of the requester"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    name = Line(
        label=gettext_lazy("Name, if the person is new here"), max_length=150, required=False
    )
    organisation = forms.ModelChoiceField(
        label=gettext_lazy("Organisation"),
        queryset=Organisation.objects.none(),
        empty_label=gettext_lazy("Choose a customer"),
        error_messages={"required": gettext_lazy("Choose the customer that the mail is from.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "id_request_%s", **kwargs})
        rows_field(self, "organisation").queryset = finding.organisations_for(user)


class AcceptCommentForm(forms.Form):
    """The change that a mail has something to say about."""

    use_required_attribute = False

    target = Line(
        label=gettext_lazy("Change"),
        max_length=300,
        help_text=gettext_lazy("A reference such as CR-000123, or words of its title."),
        error_messages={"required": gettext_lazy("Say which change.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **{"auto_id": "id_comment_%s", **kwargs})
        combobox(self.fields["target"], reverse("changes:find_change"), "comment-target-list")

    def clean_target(self) -> Change:
        """Return the change that the text begins with the reference of."""
        text = self.cleaned_data["target"]
        number = parse_reference(text.split(maxsplit=1)[0])
        found = queries.visible_to(self.user).filter(pk=number).first() if number else None
        if found is None:
            raise ValidationError(_("There is no such change. Choose one from the list."))
        return found
