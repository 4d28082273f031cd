"""How every form looks: the renderer, and the widgets that Django does not have.

`{{ form }}` and `{{ field.as_field_group }}` come out as Tabler, with label, help and error
tied to the field for screen readers. docs/interface.md shows the widgets in use.
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.forms.widgets import Input
from django.http import QueryDict
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

CLASS_BY_WIDGET: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxSelectMultiple, ""),
    (forms.RadioSelect, ""),
    (forms.CheckboxInput, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.MultiWidget, "form-control"),
    (forms.Textarea, "form-control"),
    (Input, "form-control"),
)
"""The first kind that fits decides the class."""


def choice_field(form: forms.BaseForm, name: str) -> forms.ChoiceField:
    """Return a field of a form that offers choices, to say which."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    return field


def choices_of(form: forms.BaseForm, name: str) -> list[tuple[Any, Any]]:
    """Return what a field of a form offers, each value with its label."""
    offered: Any = choice_field(form, name).choices
    return list(offered)


def rows_field(form: forms.BaseForm, name: str) -> forms.ModelChoiceField:
    """Return a field of a form that offers rows, to say which."""
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    return field


def single_values(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was sent with one value for each name: the last."""
    return data.dict() if isinstance(data, QueryDict) else dict(data)


def show_again(form: forms.BaseForm, version: int) -> None:
    """Let what was typed be sent once more, on top of the version that is there now."""
    data: Any = form.data.copy() if isinstance(form.data, QueryDict) else {**form.data}
    data["seen"] = version  # a number, as a form's field draws it
    form.data = data


class TablerBoundField(BoundField):
    """A field on a form that knows the classes its widget needs."""

    def build_widget_attrs(
        self, attrs: dict[str, Any], widget: forms.Widget | None = None
    ) -> dict[str, Any]:
        """Add Tabler's class and, after a mistake, its mark. The admin's widgets stay as is."""
        widget = widget or self.field.widget
        attrs = super().build_widget_attrs(attrs, widget)
        if widget.is_hidden or type(widget).__module__.startswith("django.contrib.admin"):
            return attrs
        css = next((css for kind, css in CLASS_BY_WIDGET if isinstance(widget, kind)), "")
        if css and self.errors:
            css += " is-invalid"
        own = attrs.get("class") or widget.attrs.get("class", "")
        if css or own:
            attrs["class"] = f"{css} {own}".strip()
        if isinstance(widget, RadioCards) and self.errors:
            # The set of cards names help and error; this says it at the card that has the focus.
            attrs["aria-describedby"] = f"{self.auto_id}_error"
        return attrs

    @property
    def is_checkbox(self) -> bool:
        """Whether this is one box to tick, whose label stands after it."""
        return isinstance(self.field.widget, forms.CheckboxInput)

    @property
    def error_target(self) -> str:
        """The id that a link in the error summary leads to."""
        return self.id_for_label or self.auto_id


class TablerRenderer(TemplatesSetting):
    """Draws forms with the templates in templates/forms/."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
    bound_field_class = TablerBoundField


# --- Widgets --------------------------------------------------------------------------


class RadioCards(forms.RadioSelect):
    """Radio buttons as cards, each with a description and, if wanted, an icon.

    `descriptions` and `icons` map a choice's value to text and to an icon's name.
    """

    template_name = "forms/widgets/radio_cards.html"

    def __init__(
        self,
        attrs: dict[str, Any] | None = None,
        choices: Any = (),
        descriptions: Mapping[Any, Any] | None = None,
        icons: Mapping[Any, str] | None = None,
    ) -> None:
        super().__init__(attrs, choices)
        self.descriptions = {str(key): text for key, text in (descriptions or {}).items()}
        self.icons = {str(key): name for key, name in (icons or {}).items()}

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the description and icon of a choice to what its template sees."""
        option = super().create_option(*args, **kwargs)
        value = str(option["value"])
        option["description"] = self.descriptions.get(value, "")
        option["icon"] = self.icons.get(value, "")
        return option


class MarkdownTextarea(forms.Textarea):
    """A text in Markdown with a preview, which the server draws and sanitises."""

    template_name = "forms/widgets/markdown.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"rows": 8, **(attrs or {})})

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Add the address that draws the preview; without one there is only the text."""
        context = super().get_context(name, value, attrs)
        try:
            context["preview_url"] = reverse(settings.MARKDOWN_PREVIEW)
        except NoReverseMatch:
            context["preview_url"] = ""
        return context


class DateInput(forms.DateInput):
    """A date with the browser's own calendar."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class DateTimeLocalInput(forms.DateTimeInput):
    """A date and time in the viewer's zone, which is named beside it."""

    input_type = "datetime-local"
    template_name = "forms/widgets/datetime_local.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%dT%H:%M")

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Add the name of the zone that the time is read in."""
        context = super().get_context(name, value, attrs)
        context["zone"] = timezone.get_current_timezone_name()
        return context


class TimeInput(forms.TimeInput):
    """A time of day with the browser's own clock, and the zone that it is meant in."""

    input_type = "time"
    template_name = "forms/widgets/datetime_local.html"

    def __init__(self, attrs: dict[str, Any] | None = None, *, zone: str = "") -> None:
        super().__init__(attrs, format="%H:%M")
        self.zone = zone

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Add the name of the zone: the viewer's, if the form has not given another."""
        context = super().get_context(name, value, attrs)
        context["zone"] = self.zone or timezone.get_current_timezone_name()
        return context


class MultipleFileInput(forms.FileInput):
    """A file field that takes several files at once."""

    allow_multiple_selected = True


class MultipleFileField(forms.FileField):
    """Several files; cleans to a list, each checked as a file of its own."""

    widget = MultipleFileInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        """Return the files sent. Raises ValidationError for the first that is refused."""
        files = data if isinstance(data, list | tuple) else [data] if data else []
        if not files:
            super().clean(None, initial)
        return [super(MultipleFileField, self).clean(file, initial) for file in files]
