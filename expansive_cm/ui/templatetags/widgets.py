"""What the templates of form widgets are made of: `{% load widgets %}`.

Django draws the attributes of each field and of each of its options with a template of its own;
a choice of time zones has five hundred options.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from expansive_cm.ui.drawing import drawn_once

register = template.Library()


@register.simple_tag
def attributes(attrs: Mapping[str, Any]) -> SafeString:
    """Write attributes as `django/forms/widgets/attrs.html` does, a blank before each."""
    return mark_safe(  # noqa: S308 - each part is escaped
        "".join(
            format_html(" {}", name) if value is True else format_html(' {}="{}"', name, value)
            for name, value in attrs.items()
            if value is not False
        )
    )


@register.simple_tag
def select_options(groups: Iterable[tuple[Any, list[dict[str, Any]], int]]) -> SafeString:
    """Draw the options of a select, in their groups."""
    drawn = []
    for name, options, _index in groups:
        if name:
            drawn.append(format_html('\n  <optgroup label="{}">', name))
        drawn += [
            _option(str(option["value"]), option["label"], attributes(option["attrs"]))
            for option in options
        ]
        if name:
            drawn.append(mark_safe("\n  </optgroup>"))
    return mark_safe("".join(drawn))  # noqa: S308 - each part is escaped


@drawn_once()
def _option(value: str, label: Any, attrs: SafeString) -> SafeString:
    return format_html('\n  <option value="{}"{}>{}</option>', value, attrs, label)
