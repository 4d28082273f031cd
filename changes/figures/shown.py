"""The figures as they are shown: each beside that of as many days before, and with its list."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from expansive_cm.texts import Text
from expansive_cm.ui.components import Series

from .counted import NOTHING, Measure, Measures
from .kinds import FIGURES, GROUPS, Figure, Group, Says
from .span import Span

Address = Callable[..., str]
"""From a figure, its days and more filters to the list behind it."""
HOUR, MINUTE = 1 / 24, 1 / 1440


def lasting(days: float | None) -> str:
    """Write how long something took as people say it: days, or hours or minutes of less than two.

    A dash of nothing.
    """
    if days is None:
        return "–"
    if days >= 2:
        return _("%s days") % _tenths(days)
    if days >= 2 * HOUR:
        return _("%s hours") % _tenths(days / HOUR)
    minutes = round(days / MINUTE)
    return ngettext("%d minute", "%d minutes", minutes) % minutes


def _tenths(number: float) -> str:
    rounded = round(number, 1)
    return number_format(rounded, decimal_pos=0 if rounded == int(rounded) else 1)


def per_cent(part: int, whole: int) -> str:
    """Write a share; a dash of nothing."""
    return _("%d %%") % round(100 * part / whole) if whole else "–"


@dataclass(frozen=True)
class Cell:
    """One figure in some days: what is read, what it is based on, and its list."""

    text: str
    url: str
    note: str = ""
    slow_url: str = ""
    """Where the tenth is listed that took longest."""


NO_CELL = Cell("–", "")
"""A time or a share of nothing, which has no list either."""


@dataclass(frozen=True)
class Row:
    """One figure, in the days asked for and in those before."""

    label: Text
    means: Text
    now: Cell
    before: Cell


@dataclass(frozen=True)
class Table:
    """A group of figures."""

    group: Group
    rows: list[Row]


def tables(found: Measures, span: Span, to: Address) -> list[Table]:
    """The groups, each figure with both of its cells."""
    return [
        Table(
            group,
            [
                Row(
                    one.label,
                    one.means,
                    _cell(one, found, span, to, recent=True),
                    _cell(one, found, span.before, to, recent=False),
                )
                for one in group.figures
            ],
        )
        for group in GROUPS
    ]


def _cell(figure: Figure, found: Measures, span: Span, to: Address, *, recent: bool) -> Cell:
    measure, url = figure.measure(found, recent=recent), to(figure.name, span)
    if figure.says is Says.TIME:
        return timed(measure, url, to(figure.name, span, over=measure.p90 or 0))
    if figure.says is Says.SHARE:
        whole = FIGURES[figure.whole].measure(found, recent=recent).count
        note = _("%(part)d of %(whole)d") % {"part": measure.count, "whole": whole}
        return Cell(per_cent(measure.count, whole), url, note) if whole else NO_CELL
    return Cell(number_format(measure.count), url)


def timed(measure: Measure, url: str, slow_url: str = "") -> Cell:
    """A time: the median, and within how long nine in ten were."""
    if not measure.count:
        return NO_CELL
    note = ngettext("of %d", "of %d", measure.count) % measure.count
    if measure.count > 1:
        note = _("nine in ten within %(time)s, of %(number)d") % {
            "time": lasting(measure.p90),
            "number": measure.count,
        }
    return Cell(lasting(measure.median), url, note, slow_url if measure.count > 1 else "")


HEADLINE = (
    ("submitted", "inbox", "blue"),
    ("lead-time", "stopwatch", "teal"),
    ("deployments", "rocket", "purple"),
    ("failed-deployments", "arrow-back-up", "orange"),
    ("silent", "user-question", "amber"),
)


def stats(found: Measures, span: Span, to: Address) -> Iterator[dict[str, Any]]:
    """The cards above all: five figures, each with what it was before."""
    for name, icon, tone in HEADLINE:
        figure = FIGURES[name]
        now = _cell(figure, found, span, to, recent=True)
        before = _cell(figure, found, span.before, to, recent=False)
        yield {
            "label": figure.label,
            "value": now.text,
            "icon": icon,
            "tone": tone,
            "url": now.url,
            "note": _("before: %s") % before.text,
        }


def chart(points: Mapping[tuple[str, Any], Measure], span: Span, to: Address) -> dict[str, Any]:
    """What was submitted and what ended, in each week or month."""
    parts = [span.part(first) for first in span.parts]
    form = "j M Y" if span.by_weeks else "M Y"
    series = [
        Series(
            FIGURES[name].label,
            [points.get((name, first), NOTHING).count for first in span.parts],
            tone,
            [to(name, part) for part in parts],
        )
        for name, tone in (("submitted", "blue"), ("ended", "green"))
    ]
    labels = [
        date_format(part.since if span.by_weeks else first, form)
        for part, first in zip(parts, span.parts, strict=True)
    ]
    return {"labels": labels, "series": series}


HEADINGS = (
    gettext_lazy("Group"),
    gettext_lazy("Figure"),
    gettext_lazy("From"),
    gettext_lazy("To"),
    gettext_lazy("Number"),
    gettext_lazy("Of"),
    gettext_lazy("Median, days"),
    gettext_lazy("Nine in ten within, days"),
)


def lines(found: Measures, span: Span) -> Iterator[list[Any]]:
    """Yield the cells of each figure as a file has them: in the days asked for, then before."""
    for group in GROUPS:
        for figure in group.figures:
            for days, recent in ((span, True), (span.before, False)):
                measure = figure.measure(found, recent=recent)
                whole: Any = ""
                if figure.says is Says.SHARE:
                    whole = FIGURES[figure.whole].measure(found, recent=recent).count
                times = ["", ""]
                if figure.says is Says.TIME:
                    times = [_exact(measure.median), _exact(measure.p90)]
                yield [
                    group.title,
                    figure.label,
                    days.since,
                    days.until,
                    measure.count,
                    whole,
                    *times,
                ]


def _exact(days: float | None) -> str:
    return "" if days is None else f"{days:.4f}"
