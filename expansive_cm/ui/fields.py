"""Fields that forms share: a line of text, and somebody or something found by typing."""

from typing import Any

from django import forms

from expansive_cm.texts import composed, neutral_line


class Line(forms.CharField):
    """A text of one line; its limit is said by the server, which keeps all that was typed."""

    def to_python(self, value: Any) -> str:
        """Make one line of it, as it will be kept; one of which nothing is kept says nothing."""
        text = " ".join(composed(super().to_python(value) or "").split())
        return text if neutral_line(text).strip() else ""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Leave out maxlength: browsers cut off what is pasted beyond it without a word."""
        return {}


def combobox(field: forms.Field, url: str, list_id: str, **htmx: str) -> None:
    """Make a field offer what ``url`` finds for the text typed so far, in the list of that id."""
    field.widget.attrs.update(
        {
            "autocomplete": "off",
            "autocapitalize": "off",
            "spellcheck": "false",
            "role": "combobox",
            "aria-expanded": "false",
            "aria-autocomplete": "list",
            "aria-controls": list_id,
            "hx-get": url,
            "hx-trigger": "input changed delay:200ms",
            "hx-target": f"#{list_id}",
            "hx-sync": "this:replace",
            **htmx,
        }
    )
