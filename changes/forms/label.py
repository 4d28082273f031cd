"""Labels: putting one on a change, and what administrators do with one."""

from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy

from expansive_cm.ui.fields import Line, combobox
from expansive_cm.ui.forms import choice_field
from expansive_cm.workflow.errors import StepIncomplete

from ..models import Colour, Label

LONGEST = Label._meta.get_field("name").max_length


class _LabelForm(forms.Form):
    use_required_attribute = False

    def take_error(self, error: StepIncomplete) -> None:
        """Put what could not be kept beside its field."""
        for name in error.missing or (None,):
            self.add_error(name, str(error))


class PutLabelForm(_LabelForm):
    """A label by its name, which is made where there is none."""

    name = Line(
        label=gettext_lazy("Label"),
        max_length=LONGEST,
        help_text=gettext_lazy("Choose one, or write a new one."),
        error_messages={"required": gettext_lazy("Say which label.")},
    )
    colour = forms.ChoiceField(
        label=gettext_lazy("Colour, if it is new"), choices=Colour.choices, initial=Colour.GREY
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "id_label_%s", **kwargs})
        combobox(self.fields["name"], reverse("changes:find_label"), "label-name-list")


class KeepLabelForm(_LabelForm):
    """A label as administrators keep it."""

    name = Line(label=gettext_lazy("Name"), max_length=LONGEST)
    colour = forms.ChoiceField(label=gettext_lazy("Colour"), choices=Colour.choices)
    is_active = forms.BooleanField(
        label=gettext_lazy("In use"),
        required=False,
        help_text=gettext_lazy("One that has ended stays where it is, and is put on nothing new."),
    )
    seen = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, label: Label) -> None:
        names = ("name", "colour", "is_active")
        initial = {name: getattr(label, name) for name in names}
        super().__init__(data, initial={**initial, "seen": label.version})


class MergeLabelForm(_LabelForm):
    """The label that stands for another one as well from then on."""

    into = forms.TypedChoiceField(
        label=gettext_lazy("Other label"),
        coerce=int,
        error_messages={"required": gettext_lazy("Say which label.")},
    )
    seen = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, label: Label) -> None:
        super().__init__(data, initial={"seen": label.version}, auto_id="id_merge_%s")
        others = Label.objects.filter(is_active=True).exclude(pk=label.pk)
        choices = [(pk, name) for pk, name in others.values_list("pk", "name")]
        choice_field(self, "into").choices = [("", "–"), *choices]
