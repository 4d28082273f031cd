"""What the board's forms share."""

from typing import Any

from django import forms

from changes.errors import StepIncomplete


class BoardForm(forms.Form):
    """A form that says beside its fields what a step found missing."""

    name = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"{self.name}_%s")
        super().__init__(*args, **kwargs)

    def take_error(self, error: StepIncomplete) -> None:
        """Put the error where it belongs; above all fields if it belongs to none."""
        fitting = [name for name in error.missing if name in self.fields]
        for name in fitting or [None]:
            self.add_error(name, str(error))

    def arguments(self) -> dict[str, Any]:
        """Return what the step is called with."""
        return dict(self.cleaned_data)
