"""What only rows of changes need: `{% load change_list %}`."""

from django import template
from django.forms.boundfield import BoundField
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from changes.models import Change
from changes.promises import day_of, is_past, is_planned_beyond
from changes.risk import RiskLevel
from changes.states import FINAL, ChangeType
from changes.templatetags.change_ui import LEVEL_LOOKS, TYPE_LOOKS
from expansive_cm.ui.drawing import drawn_once
from expansive_cm.ui.forms import choices_of
from expansive_cm.ui.templatetags.ui import badge, day_words, icon, shape, span

register = template.Library()

NOTHING = mark_safe('<span class="text-secondary">–</span>')
MENUS_KEPT = 64
"""One holds every customer or every person that can be chosen."""


@register.simple_tag
def list_menu(field: BoundField, only_chosen: bool = False) -> SafeString:
    """Draw what a filter of the list offers: boxes to tick, or one to choose."""
    widget = field.field.widget
    chosen = widget.format_value(field.value())
    options = tuple(
        (str(value), str(label))
        for value, label in choices_of(field.form, field.name)
        if not only_chosen or str(value) in chosen
    )
    return _menu(widget.input_type, field.html_name, options, *chosen)


@drawn_once(most=MENUS_KEPT)
def _menu(kind: str, name: str, options: tuple[tuple[str, str], ...], *chosen: str) -> SafeString:
    return format_html_join(
        "\n",
        '<label><input class="form-check-input" type="{}" name="{}" value="{}"{}>{}</label>',
        (
            (kind, name, value, mark_safe(" checked") if value in chosen else "", label)
            for value, label in options
        ),
    )


@register.simple_tag
@drawn_once()
def type_mark(change_type: str) -> SafeString:
    """Show a type in the width of a table's cell."""
    if not change_type:
        return NOTHING
    _tone, icon_name = TYPE_LOOKS[change_type]
    words = {
        ChangeType.CONFIGURATION: pgettext("type of change, in a narrow cell", "Configuration"),
        ChangeType.CODE: pgettext("type of change, in a narrow cell", "Code"),
    }
    return format_html(
        '<span class="type-mark {}" title="{}"><span>{}</span></span>',
        shape(icon_name),
        ChangeType(change_type).label,
        words[ChangeType(change_type)],
    )


@register.simple_tag
@drawn_once()
def risk_mark(level: int | None) -> SafeString:
    """Show a level of risk in the width of a table's cell."""
    if level is None:
        return NOTHING
    found = RiskLevel(level)
    tone, icon_name = LEVEL_LOOKS[found]
    return badge(found.label, tone, icon_name, _("%(level)s risk") % {"level": found.label})


@register.simple_tag
def in_state(change: Change) -> SafeString:
    """Show how long a change has been in its state; the moment is the title."""
    local = timezone.localtime(change.state_since)
    title = f"{day_words(local.date(), 'j F Y')}, {local:%H:%M} ({local.tzname()})"
    now = timezone.now()
    recent = (now - change.state_since).total_seconds() < 60
    words = _("just now") if recent else span(change.state_since, now)
    return format_html('<span title="{}">{}</span>', title, words)


@register.simple_tag
def due(change: Change) -> SafeString | str:
    """Show the date by which a change is promised, and whether it has passed."""
    if change.due_on is None:
        if change.promise and change.state not in FINAL:
            return format_html(
                '<span class="text-secondary">{}</span>', _("Release not planned yet")
            )
        return NOTHING
    shown = day_words(change.due_on, "j M Y")
    today = day_of(change.promise_zone, timezone.now())
    if change.state in FINAL or not is_past(change.due_on, today):
        release = change.promised_release.name if change.promised_release else ""
        if is_planned_beyond(change):
            words = _("planned later than promised")
            sign = icon("clock-exclamation")
            hidden = '<span title="{}">{} {}<span class="visually-hidden"> {}</span></span>'
            return format_html(hidden, words, shown, sign, words)
        return format_html('<span title="{}">{}</span>', release, shown) if release else shown
    return format_html(
        '<span class="due-late">{}{}<span class="visually-hidden"> {}</span></span>',
        icon("clock-exclamation"),
        shown,
        _("overdue"),
    )
