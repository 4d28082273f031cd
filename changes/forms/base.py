"""What every step's form shares, and fields that take label and limit from the model."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.forms.boundfield import BoundField
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils.text import capfirst

from accounts.models import User
from expansive_cm.numbers import whole_number
from expansive_cm.texts import Text, composed
from expansive_cm.ui.forms import RadioCards
from expansive_cm.workflow.errors import StepIncomplete

from ..models import Change, ChangeTemplate


@dataclass(frozen=True)
class Further:
    """A second button of a form: it takes the step and, in the same act, the one that follows."""

    label: Text
    icon: str


class StepForm(forms.Form):
    """The form of one step on one change; ``cleaned_data`` are the arguments of the step."""

    required_css_class = ""
    further: Further | None = None
    template: ChangeTemplate | None = None
    """What some of its fields were filled in from, as a proposal."""

    def __init__(self, *args: Any, change: Change, user: User, **kwargs: Any) -> None:
        self.change = change
        self.user = user
        super().__init__(*args, **kwargs)
        self.prepare()

    def prepare(self) -> None:
        """Fit the form to this change and person; nothing to do for most steps."""

    @property
    def only_asks(self) -> bool:
        """Whether it was sent by a button that only asks something: nothing is judged or kept."""
        return False

    @property
    def goes_further(self) -> bool:
        """Whether it was sent by its second button."""
        return self.further is not None and self.data.get("further") == "yes"

    def now_in(self, name: str) -> Any:
        """Return what a field holds: what was typed if it is right, else None; or its proposal."""
        if not self.is_bound:
            return self.get_initial_for_field(self.fields[name], name)
        self.is_valid()
        return self.cleaned_data.get(name)

    def propose(self, template: ChangeTemplate | None, names: Iterable[str]) -> None:
        """Fill in what a template says; the person confirms it by sending the form."""
        for name in names:
            value = getattr(template, name, None)
            if value not in (None, ""):
                self.fields[name].initial = value
                self.template = template

    def arguments(self) -> dict[str, Any]:
        """Return what the step is called with; files are kept beside it."""
        return {name: value for name, value in self.cleaned_data.items() if name != "attachments"}

    @property
    def chosen_files(self) -> list[UploadedFile]:
        """The files that came with a step that takes some."""
        return self.cleaned_data.get("attachments") or []

    def take_error(self, error: StepIncomplete) -> bool:
        """Put what a step found missing beside its fields; return whether all of it fitted."""
        fitting = [name for name in error.missing if name in self.fields]
        for name in fitting:
            self.add_error(name, str(error))
        if not fitting:
            self.add_error(None, str(error))
        return bool(fitting)

    def say_nothing_yet(self) -> None:
        """Show what was typed without judging it: first its writer reads what has happened.

        What was right on the page they saw (a question that was open) may not be so any more.
        """
        self._errors = ErrorDict()

    def typed(self) -> list[tuple[str, str]]:
        """Return what a person filled in, label and words, for copying from a refusal."""
        pairs = [(str(field.label), words_of(field)) for field in self.visible_fields()]
        return [(label, words) for label, words in pairs if words]


class ConfirmForm(StepForm):
    """A step that needs nothing but the decision to take it."""


MOST_SHOWN = 50
"""So many templates are on a page of many changes at most."""


class AsProposedForm(StepForm):
    """A step on many changes with what the template of each proposes."""

    def arguments(self) -> dict[str, Any]:
        """Add the templates that were shown, with their versions."""
        sent = cast(QueryDict, self.data).getlist("proposed")[:MOST_SHOWN]
        pairs = [text.partition(":") for text in sent]
        numbers = [(whole_number(key), whole_number(version)) for key, _colon, version in pairs]
        shown = {str(key): version for key, version in numbers if key and version}
        return {**super().arguments(), "proposed": shown}


UNSEEN = re.compile(r"[\x01-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""Control characters but tab and line break: they come with what is pasted from a terminal."""


class LongText(forms.CharField):
    """A text of several lines. Its limit is said by the server, which keeps all that was typed."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        """Take a text as it will be kept: one spelling, a line break as one character.

        Signs that nobody can see are left out.
        """
        if not value:
            return ""
        return composed(UNSEEN.sub("", (super().to_python(value) or "").replace("\r\n", "\n")))

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Leave out maxlength: browsers cut off what is pasted beyond it without a word."""
        return {}


def field_of(model: type[models.Model], name: str) -> "models.Field[Any, Any]":
    """Return a field that the model keeps a value in."""
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field)
    return field


def text(
    model: type[models.Model],
    name: str,
    *,
    rows: int = 4,
    label: Any = None,
    help_text: Any = "",
    required: bool = True,
    initial: Any = None,
) -> LongText:
    """Ask for a text of several lines that the model keeps under this name."""
    field = field_of(model, name)
    return LongText(
        label=label or capfirst(field.verbose_name),
        max_length=field.max_length,
        help_text=help_text or field.help_text,
        required=required,
        initial=initial,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


def line(
    model: type[models.Model],
    name: str,
    *,
    label: Any = None,
    help_text: Any = "",
    required: bool = True,
    initial: Any = None,
) -> forms.CharField:
    """Ask for a text of one line that the model keeps under this name."""
    field = field_of(model, name)
    return forms.CharField(
        label=label or capfirst(field.verbose_name),
        max_length=field.max_length,
        help_text=help_text or field.help_text,
        required=required,
        initial=initial,
    )


def cards(
    model: type[models.Model],
    name: str,
    *,
    descriptions: Mapping[Any, Any] | None = None,
    icons: Mapping[Any, str] | None = None,
    label: Any = None,
    help_text: Any = "",
) -> forms.ChoiceField:
    """Ask for one of the model's choices, each a card with what it means."""
    field = field_of(model, name)
    return forms.ChoiceField(
        label=label or capfirst(field.verbose_name),
        choices=real_choices(field.choices or ()),
        help_text=help_text,
        widget=RadioCards(descriptions=descriptions, icons=icons),
    )


def scale(model: type[models.Model], name: str, *, label: Any = None) -> forms.TypedChoiceField:
    """Ask for a number with a name, such as a likelihood."""
    field = field_of(model, name)
    return forms.TypedChoiceField(
        label=label or capfirst(field.verbose_name),
        choices=[("", "–"), *(field.choices or ())],
        coerce=int,
    )


def real_choices(choices: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Return the choices without the one that stands for "not yet"."""
    return [(value, label) for value, label in choices if value != ""]


def words_of(field: BoundField) -> str:
    """Return a field's value as a person would say it, also when it is not valid."""
    value = field.value()
    if value in (None, "", []):
        return ""
    if isinstance(field.field, forms.BooleanField):
        return str(field.label)
    values = [str(one) for one in (value if isinstance(value, list | tuple) else [value])]
    choices = getattr(field.field, "choices", None)
    if choices is None:
        return "\n".join(values)
    labels = {str(key): str(label) for key, label in choices}
    return ", ".join(labels.get(one, one) for one in values)
