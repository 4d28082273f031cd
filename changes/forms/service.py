"""A service that another one needs."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy

from expansive_cm.texts import composed
from expansive_cm.ui.fields import Line, combobox
from expansive_cm.workflow.errors import StepIncomplete

from ..models import Service

LONGEST = Service._meta.get_field("name").max_length


class DependencyForm(forms.Form):
    """The service that is needed, by its name."""

    use_required_attribute = False
    needs = Line(
        label=gettext_lazy("It needs"),
        max_length=LONGEST,
        help_text=gettext_lazy("The name of another service, without which it does not work."),
        error_messages={"required": gettext_lazy("Say which service.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        combobox(self.fields["needs"], reverse("changes:find_service"), "needs-list")

    def clean_needs(self) -> Service:
        """Return the service of this name, however its letters are written."""
        name = composed(self.cleaned_data["needs"]).strip()
        found = list(Service.objects.filter(name=name))
        found = found or list(Service.objects.filter(name__iexact=name)[:2])
        if len(found) == 1:
            return found[0]
        words = gettext_lazy("No service is called so. Choose one from the list.")
        if found:
            words = gettext_lazy("Several services are called so. Choose one from the list.")
        raise forms.ValidationError(words)

    def take_error(self, error: StepIncomplete) -> None:
        """Put what could not be kept beside its field."""
        for name in error.missing or (None,):
            self.add_error(name, str(error))
