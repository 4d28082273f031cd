"""Page components: `{% load ui %}`. docs/interface.md shows each of them in use."""

import hashlib
import itertools
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django import template
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.html import avoid_wrapping, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.utils.timesince import TIME_CHUNKS, TIME_STRINGS
from django.utils.translation import gettext as _

from expansive_cm.texts import Text
from expansive_cm.ui.components import Series, Stage, StageStatus, TimelineItem
from expansive_cm.ui.drawing import drawn_once
from expansive_cm.ui.icons import ICONS

register = template.Library()

TONES = frozenset({"grey", "blue", "teal", "green", "amber", "orange", "red", "purple"})
PERSON_TONES = ("blue", "teal", "green", "amber", "orange", "red", "purple")


def _tone(tone: str) -> str:
    if tone not in TONES:
        raise ValueError(f"{tone!r} is not a tone; choose one of {', '.join(sorted(TONES))}")
    return tone


@register.simple_tag
@drawn_once()
def icon(name: str, label: Text = "", css: str = "") -> SafeString:
    """Draw an icon. Without a label it is decoration, of which screen readers say nothing.

    Raises ValueError for a name that is not in `expansive_cm.ui.icons.ICONS`.
    """
    reading = format_html(' role="img" aria-label="{}"', label) if label else ""
    more = f" {css}" if css else ""
    return format_html('<i class="icon {}{}"{}></i>', shape(name), more, reading)


def shape(name: str) -> str:
    """Return the class of an icon, for `icon` and for what draws one before its words.

    Raises ValueError for a name that is not in `expansive_cm.ui.icons.ICONS`.
    """
    if name not in ICONS:
        raise ValueError(f"{name!r} is not in expansive_cm.ui.icons.ICONS")
    return f"i-{name}"


@register.simple_tag
@drawn_once()
def badge(label: Text, tone: str = "grey", icon_name: str = "", title: Text = "") -> SafeString:
    """Show a short status: always with its words, with an icon where one helps."""
    mark = f" {shape(icon_name)}" if icon_name else ""
    hint = format_html(' title="{}"', title) if title else ""
    return format_html('<span class="badge tone-{}{}"{}>{}</span>', _tone(tone), mark, hint, label)


# --- Time -----------------------------------------------------------------------------


@drawn_once()
def day_words(day: date, shape: str) -> str:
    """Write a day with its names of month and weekday, in a shape of Django's `date` filter."""
    return format_date(day, shape)


def span(begun: datetime, ended: datetime) -> str:
    """Write how much time lies between two moments, in its largest unit: "3 weeks".

    The words are those of Django's `timesince` with a depth of 1.
    """
    begun = begun.astimezone(ended.tzinfo)
    months = (ended.year - begun.year) * 12 + ended.month - begun.month
    if (begun.day, begun.time()) > (ended.day, ended.time()):
        months -= 1
    if months > 0:
        return _span_words("year", months // 12) if months >= 12 else _span_words("month", months)
    seconds = int((ended - begun).total_seconds())
    for unit, length in zip(("week", "day", "hour"), TIME_CHUNKS, strict=False):
        if seconds >= length:
            return _span_words(unit, seconds // length)
    return _span_words("minute", max(seconds, 0) // 60)


@drawn_once()
def _span_words(unit: str, number: int) -> str:
    return avoid_wrapping(TIME_STRINGS[unit] % {"num": number})


def _full(local: datetime) -> str:
    """Return a moment in full, with its zone's name and abbreviation."""
    zone = timezone.get_current_timezone_name()
    return f"{day_words(local.date(), 'l j F Y')}, {local:%H:%M} {zone} ({local.tzname()})"


@register.simple_tag
def when(moment: datetime | None, style: str = "datetime") -> SafeString:
    """Show a moment in the viewer's time zone, with the zone's full name as its title.

    `style` is "datetime", "date" or "time". Nothing is shown as a dash.
    """
    if moment is None:
        return mark_safe('<span class="text-secondary">–</span>')
    local = timezone.localtime(moment)
    day, clock = day_words(local.date(), "j M Y"), f"{local:%H:%M}"
    shown = {"datetime": f"{day}, {clock}", "date": day, "time": clock}[style]
    return _time(moment, _full(local), shown)


def _time(moment: datetime, title: str, words: str) -> SafeString:
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), title, words)


@register.filter
def excerpt(text: str, longest: int) -> str:
    """Cut a long text at the end of a word; one endless word is cut where it must be."""
    if len(text) <= longest:
        return text
    kept = text[:longest]
    if not text[longest].isspace():
        kept = (kept.rsplit(maxsplit=1) or [kept])[0] if any(c.isspace() for c in kept) else kept
    return f"{kept.rstrip()}…"


@register.simple_tag
def age(moment: datetime | None) -> SafeString:
    """Show how long ago a moment was, or how far ahead it lies; in full as its title."""
    if moment is None:
        return mark_safe('<span class="text-secondary">–</span>')
    now = timezone.now()
    if abs((now - moment).total_seconds()) < 60:
        words = _("just now")
    elif moment < now:
        words = _("%(time)s ago") % {"time": span(moment, now)}
    else:
        words = _("in %(time)s") % {"time": span(now, moment)}
    return _time(moment, _full(timezone.localtime(moment)), words)


def days_away(days: int) -> str:
    """Say how far off a day is: "tomorrow", "in 12 days", "in 3 weeks", "5 days ago"."""
    near = {0: _("today"), 1: _("tomorrow"), -1: _("yesterday")}
    if days in near:
        return near[days]
    if days < 0:
        return _("%d days ago") % -days
    return _("in %d days") % days if days < 14 else _("in %d weeks") % round(days / 7)


@register.filter
def away(day: date) -> str:
    """Say how far off a day is from today, in the viewer's zone."""
    return days_away((day - timezone.localdate()).days)


# --- People ---------------------------------------------------------------------------


def _initials(name: str) -> str:
    words = name.split()
    letters = [word[0] for word in (words[:1] + words[1:][-1:]) if word]
    return "".join(letters).upper() or "?"


@register.simple_tag
def avatar(person: Any, size: str = "sm") -> SafeString:
    """Draw a person's initials. The name must stand beside it: this is decoration."""
    return _avatar(str(person), size)


@drawn_once()
def _avatar(name: str, size: str) -> SafeString:
    return format_html(
        '<span class="avatar avatar-{} tone-{}" aria-hidden="true">{}</span>',
        size,
        _tone_of(name),
        _initials(name),
    )


def _tone_of(name: str) -> str:
    number = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    return PERSON_TONES[number % len(PERSON_TONES)]


@register.simple_tag(name="person")
def person_chip(person: Any, empty: Text = "") -> SafeString:
    """Show a person by initials and name; `empty` (or a dash) stands for nobody."""
    if not person:
        return format_html('<span class="text-secondary">{}</span>', empty or "–")
    return _person(str(person))


@drawn_once()
def _person(name: str) -> SafeString:
    return format_html(
        '<span class="person tone-{}" data-initials="{}"><span>{}</span></span>',
        _tone_of(name),
        _initials(name),
        name,
    )


# --- Where one is ---------------------------------------------------------------------


@register.simple_tag
@drawn_once()
def nav_entry(label: Text, url: str, icon_name: str, is_here: bool, waiting: int) -> SafeString:
    """Draw an entry of the header, with how many wait behind it."""
    hidden = _("waiting:")
    counted = format_html(
        '<span class="badge tone-amber ms-1"><span class="visually-hidden">{} </span>{}</span>',
        hidden,
        "99+" if waiting > 99 else waiting,
    )
    return format_html(
        '<li class="nav-item{}"><a class="nav-link {}" href="{}"{}>{}{}</a></li>',
        " active" if is_here else "",
        shape(icon_name),
        url,
        mark_safe(' aria-current="page"') if is_here else "",
        label,
        counted if waiting else "",
    )


@register.simple_tag
def breadcrumbs(*parts: Text) -> SafeString:
    """Draw the path to a page: label, address, label, address, …, label of this page."""
    *pairs, last = parts
    links = zip(pairs[::2], pairs[1::2], strict=True)
    items = format_html_join("", '<li class="breadcrumb-item"><a href="{1}">{0}</a></li>', links)
    return format_html(
        '<nav aria-label="{}"><ol class="breadcrumb">{}'
        '<li class="breadcrumb-item active" aria-current="page">{}</li></ol></nav>',
        _("Breadcrumb"),
        items,
        last,
    )


@register.inclusion_tag("components/stage_bar.html")
def stage_bar(stages: Sequence[Stage], label: Text = "") -> dict[str, Any]:
    """Show the stages of a process: what is done, where it stands, what is to come."""
    here = next(
        (
            (number, stage)
            for number, stage in enumerate(stages, 1)
            if stage.status in (StageStatus.CURRENT, StageStatus.STOPPED)
        ),
        None,
    )
    return {"stages": stages, "label": label, "here": here, "total": len(stages)}


@register.inclusion_tag("components/timeline.html")
def timeline(items: Sequence[TimelineItem]) -> dict[str, Any]:
    """Show what happened, in the order given."""
    return {"items": items}


# --- Things to press ------------------------------------------------------------------

_ACTION_NUMBERS = itertools.count(1)


def _action(label: Text, allowed: bool, reason: Text, options: dict[str, Any]) -> dict[str, Any]:
    identity = f"action-{slugify(str(label))}-{next(_ACTION_NUMBERS) % 100_000}"
    return {"label": label, "allowed": allowed, "reason": reason, "id": identity, **options}


@register.inclusion_tag("components/action.html")
def action(
    label: Text,
    url: str,
    allowed: bool = True,
    reason: Text = "",
    icon_name: str = "",
    style: str = "",
) -> dict[str, Any]:
    """Offer a step that begins on a page of its own, or say beside it why it is not open."""
    options = {"url": url, "icon_name": icon_name, "style": style, "method": "get"}
    return _action(label, allowed, reason, options)


@register.inclusion_tag("components/action.html", takes_context=True)
def post_action(
    context: template.Context,
    label: Text,
    url: str,
    allowed: bool = True,
    reason: Text = "",
    icon_name: str = "",
    style: str = "",
    confirm: Text = "",
) -> dict[str, Any]:
    """Offer a step that one press takes; `confirm` is asked first in a dialog."""
    options = {
        "url": url,
        "icon_name": icon_name,
        "style": style,
        "method": "post",
        "confirm": confirm,
        "csrf_token": context.get("csrf_token"),
    }
    return _action(label, allowed, reason, options)


# --- Figures --------------------------------------------------------------------------


@register.inclusion_tag("components/chart.html")
def chart(
    identity: str,
    title: Text,
    labels: Sequence[Text],
    series: Sequence[Series],
    kind: str = "bar",
    unit: Text = "",
    label_links: Sequence[str] = (),
    note: Text = "",
) -> dict[str, Any]:
    """Draw a chart in a card, with the same figures as a table underneath.

    In the table a label leads to its place in `label_links`, a figure to that of its series.
    `note` says how it is counted.

    `kind` is "bar", "stacked", "line" or "doughnut". The page loads js/charts.js and Chart.js
    in its `scripts` block with `{% include "components/chart_scripts.html" %}`.
    """
    if kind not in ("bar", "stacked", "line", "doughnut"):
        raise ValueError(f"{kind!r} is not a kind of chart")
    data = {
        "kind": kind,
        "labels": [str(label) for label in labels],
        "series": [
            {"label": str(one.label), "values": list(one.values), "tone": _tone(one.tone)}
            for one in series
            if one.is_drawn
        ],
        "unit": str(unit),
    }
    rows = [
        (
            label,
            _at(label_links, index),
            [(one.values[index], _at(one.links, index)) for one in series],
        )
        for index, label in enumerate(labels)
    ]
    figures = {"data": data, "series": series, "rows": rows}
    return {"id": identity, "title": title, "note": note, **figures}


def _at(links: Sequence[str], index: int) -> str:
    return links[index] if index < len(links) else ""


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """Return the page's query string with some parameters changed; None removes one."""
    parameters = context["request"].GET.copy()
    for name, value in changes.items():
        if value is None:
            parameters.pop(name, None)
        else:
            parameters[name] = value
    return "?" + parameters.urlencode()
