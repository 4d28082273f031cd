"""What only rows of changes need: `{% load change_list %}`."""

from collections.abc import Callable, Sequence
from datetime import date, datetime

from django import template
from django.forms.boundfield import BoundField
from django.template import Context
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import conditional_escape, escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from changes.columns import Column
from changes.models import Change
from changes.models.label import shown
from changes.plain import Status
from changes.promises import day_of, is_past, is_planned_beyond
from changes.risk import RiskLevel, Urgency
from changes.states import FINAL, ChangeType
from changes.templatetags.change_ui import LEVEL_LOOKS, TYPE_LOOKS, state_badge
from expansive_cm.texts import Text
from expansive_cm.ui.drawing import drawn_once
from expansive_cm.ui.forms import choices_of
from expansive_cm.ui.templatetags.ui import (
    age,
    badge,
    day_words,
    icon,
    person_chip,
    shape,
    span,
    when,
)

register = template.Library()

NOTHING = mark_safe('<span class="text-secondary">–</span>')
MENUS_KEPT = 64
"""One holds every customer or every person that can be chosen."""


@register.simple_tag
def list_menu(field: BoundField, only_chosen: bool = False) -> SafeString:
    """Draw what a filter of the list offers: boxes to tick, or one to choose.

    ``only_chosen`` leaves out what is not chosen, and reads nothing where nothing is.
    """
    widget = field.field.widget
    chosen = widget.format_value(field.value())
    if only_chosen and not chosen:
        return mark_safe("")
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
        '<label><input type="{}" name="{}" value="{}"{}>{}</label>',
        (
            (kind, name, value, mark_safe(" checked") if value in chosen else "", label)
            for value, label in options
        ),
    )


@register.simple_tag
def emergency_mark(change: Change) -> SafeString:
    """Mark an emergency change in a list."""
    if not change.is_emergency:
        return mark_safe("")
    return badge(_("Emergency"), "red", "bolt")


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
        '<span class="type-mark {}" title="{}">{}</span>',
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


@register.simple_tag(takes_context=True)
def change_rows(context: Context, changes: Sequence[Change]) -> SafeString:
    """Draw the rows of the list: reference, title, and the cells of its columns.

    Of the context it takes ``cells`` (the columns), ``are_usual``, ``told`` (to a customer's
    people, where each change is), ``acts`` and the reader. A cell ends where the next begins or
    the row ends: HTML needs no tag for it, and fifty rows are 3 KiB lighter.
    """
    untitled = _("No title yet")
    is_internal = context["user"].is_internal
    cells = [_cell(one, context["are_usual"], context["told"]) for one in context["cells"]]
    return mark_safe(  # noqa: S308  (texts are escaped, the rest is drawn by tags)
        "".join(
            f"<tr><td>{many_box(context, change)}"
            f'<th scope="row"><a href="{change.get_absolute_url()}">'
            f"{escape(change.title or untitled)}</a>"
            f"{emergency_mark(change) if is_internal else ''}"
            f"{''.join([cell(change) for cell in cells])}</tr>"
            for change in changes
        )
    )


def _cell(column: Column, are_usual: bool, told: dict[int, Status]) -> Callable[[Change], str]:
    """Return what draws a cell of a column; a phone says its label.

    Where all columns are the usual ones, their places say what most of them are.
    """
    label = "" if are_usual and not column.is_labelled else str(column.label)
    opening = _opening(label)
    if column.name == "since":
        return lambda change: _since(change, label)
    if column.name == "words":
        return lambda change: f"{opening}{conditional_escape(_in_words(told[change.pk]))}"
    draws, field = CELLS[column.name], SAME_BY.get(column.name)
    if field is None:
        return lambda change: f"{opening}{conditional_escape(draws(change))}"
    drawn: dict[object, str] = {}

    def once(change: Change) -> str:
        value = getattr(change, field)
        if value not in drawn:
            drawn[value] = f"{opening}{conditional_escape(draws(change))}"
        return drawn[value]

    return once


def _since(change: Change, label: str) -> SafeString:
    """Draw the cell of how long a change is in its state: the whole cell says the moment."""
    return format_html(
        '<td title="{}"{}>{}',
        _moment_of_state(change),
        format_html(' data-label="{}"', label) if label else "",
        _words_of_state(change),
    )


@drawn_once()
def _opening(label: Text) -> SafeString:
    return format_html('<td data-label="{}">', label) if label else mark_safe("<td>")


@register.simple_block_tag(takes_context=True)
def many_form(context: Context, content: str, back: str) -> SafeString:
    """Let rows with ``many_box`` in it be acted on at once; ``back`` is the page that they are on.

    Whoever has none of the acts (``acts``) gets what is in it alone. Nothing in it is a form.
    """
    acts = context.get("acts")
    if not acts:
        return SafeString(content)
    inner = {"acts": acts, "back": back, "content": content}
    return SafeString(render_to_string("changes/partials/many_form.html", inner))


@register.simple_tag(takes_context=True)
def many_box(context: Context, change: Change) -> SafeString:
    """Write the reference of a row; with a box for whoever has an act to take on many."""
    if not context.get("acts"):
        return SafeString(change.reference)
    box = f"<input type=checkbox name=change value={change.pk}>"  # fifty of them on a page
    return SafeString(f"<label>{box}{change.reference}</label>")


@register.simple_tag
def in_state(change: Change) -> SafeString:
    """Show how long a change has been in its state; the moment is the title."""
    return format_html(
        '<span title="{}">{}</span>', _moment_of_state(change), _words_of_state(change)
    )


def _moment_of_state(change: Change) -> str:
    local = timezone.localtime(change.state_since)
    return f"{day_words(local.date(), 'j M Y')}, {local:%H:%M} ({local.tzname()})"


def _words_of_state(change: Change) -> str:
    now = timezone.now()
    recent = (now - change.state_since).total_seconds() < 60
    return _("just now") if recent else span(change.state_since, now)


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


def _asked_by(change: Change) -> SafeString:
    customer = conditional_escape(change.organisation.name if change.organisation else "–")
    if change.requester is None:
        return customer
    who, address = change.requester, change.requester.email
    return format_html('<span class="asker" title="{}">{}</span> {}', address, who, customer)


def _in_words(status: Status) -> Text:
    if not status.on_reader:
        return str(status.now)
    return format_html("{} <strong>{}</strong>", status.now, status.next)


def labels_of(change: Change) -> SafeString:
    """Show the labels of a change, which are loaded."""
    found = shown(change.labels.all())
    names = format_html_join(" ", "{}", ((badge(one.name, one.colour),) for one in found))
    return format_html('<span class="badges-list row-labels">{}</span>', names) if found else names


def _day(day: date | None) -> Text:
    return NOTHING if day is None else day_words(day, "j M Y")


def _moment(moment: datetime | None) -> SafeString:
    return when(moment, "date")


CELLS: dict[str, Callable[[Change], Text]] = {
    "state": lambda change: state_badge({}, change.state),
    "type": lambda change: type_mark(change.type),
    "organisation": _asked_by,
    "requester": lambda change: person_chip(change.requester) if change.requester else "",
    "customer": lambda change: change.organisation.name if change.organisation else NOTHING,
    "owner": lambda change: person_chip(change.owner, _("Nobody")),
    "risk": lambda change: risk_mark(change.risk),
    "since": in_state,
    "due": due,
    "updated": lambda change: age(change.updated_at),
    "submitted": lambda change: _moment(change.submitted_at),
    "closed": lambda change: _moment(change.closed_at),
    "desired": lambda change: _day(change.desired_on),
    "urgency": lambda change: NOTHING if change.urgency is None else Urgency(change.urgency).label,
    "services": lambda change: ", ".join(one.name for one in change.services.all()) or NOTHING,
    "release": lambda change: change.release.name if change.release else NOTHING,
    "raised_by": lambda change: person_chip(change.raised_by),
    "channel": lambda change: change.get_channel_display(),
    "labels": lambda change: labels_of(change) or NOTHING,
}
"""What each column of ``changes.columns`` shows of a row, of what ``worklist.for_list`` loads.

The one in words is told of the page's changes together.
"""

SAME_BY = {
    "state": "state",
    "type": "type",
    "requester": "requester_id",
    "customer": "organisation_id",
    "owner": "owner_id",
    "risk": "risk",
    "desired": "desired_on",
    "urgency": "urgency",
    "release": "release_id",
    "raised_by": "raised_by_id",
    "channel": "channel",
}
"""Columns that show the same in every row with the same value, and where that value stands.

A page draws each of them once.
"""
