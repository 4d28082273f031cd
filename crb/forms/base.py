"""What the board's forms share."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from expansive_cm.workflow.errors import StepIncomplete

CHOICES = (forms.ChoiceField, forms.ModelChoiceField)
REQUIRED = forms.Field.default_error_messages["required"]
LIMITS = {
    "min_value": _("Give a number of at least %(limit_value)s."),
    "max_value": _("Give a number of at most %(limit_value)s."),
    "max_length": _(
        "This is too long: %(limit_value)s characters at most, and there are %(show_value)s."
    ),
}


def speak(fields: Iterable[forms.Field]) -> None:
    """Let fields that have no words of their own say plainly what is missing or too much."""
    for field in fields:
        said = field.error_messages
        if said.get("required") == REQUIRED:
            said["required"] = (
                _("Choose one.") if isinstance(field, CHOICES) else _("Fill this in.")
            )
        for code, words in LIMITS.items():
            said.setdefault(code, words)


class BoardForm(forms.Form):
    """A form that says beside its fields what a step found missing."""

    name = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"{self.name}_%s")
        super().__init__(*args, **kwargs)

    def full_clean(self) -> None:
        """Check the form, and say what is wrong in the product's words."""
        speak(self.fields.values())
        super().full_clean()

    def take_error(self, error: StepIncomplete) -> None:
        """Put the error where it belongs; above all fields if it belongs to none."""
        fitting = [name for name in error.missing if name in self.fields]
        for name in fitting or (None,):
            self.add_error(name, str(error))

    def arguments(self) -> dict[str, Any]:
        """Return what the step is called with."""
        return dict(self.cleaned_data)
