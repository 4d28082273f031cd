"""The board's figures as they are shown: stat cards and charts, each leading to its list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from expansive_cm.texts import Text
from expansive_cm.ui.components import Series

from ..pages import LOOKS
from ..periods import Period
from ..presence import MemberAttendance
from ..schedule import months_ahead
from .figures import (
    Duration,
    Headline,
    MeetingFigures,
    Outcome,
    PromiseState,
)

Address = Callable[..., str]
"""From the name of a list and its filters to where it is."""

MEETINGS_SHOWN = 30


@dataclass(frozen=True)
class Stat:
    """One figure of a row of cards."""

    label: str
    value: Any
    icon: str
    url: str
    note: str = ""
    tone: str = "blue"


@dataclass(frozen=True)
class Chart:
    """What ``{% chart %}`` draws."""

    labels: list[str] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    label_links: list[str] = field(default_factory=list)
    left_out: int = 0


def days_words(days: float | None) -> str:
    """Write a number of days: halves and tenths only where there are any."""
    if days is None:
        return "–"
    return number_format(round(days, 1), decimal_pos=0 if float(days).is_integer() else 1)


def stats(found: Headline, period: Period, to: Address) -> list[Stat]:
    """The headline figures of a board."""
    span = {"since": period.since, "until": period.until}
    return [_decisions(found, period, to, span), _duration(found, to, span)] + [
        _questions(found, to),
        _attendance(found, to, span),
        _promises(found, to),
    ]


def _decisions(found: Headline, period: Period, to: Address, span: dict[str, date]) -> Stat:
    note = _("every outcome, in the last %d months") % period.months
    return Stat(_("Decisions"), found.decided, "gavel", to("decisions", **span), note)


def _duration(found: Headline, to: Address, span: dict[str, date]) -> Stat:
    duration = found.duration
    url = to("decisions", outcome="settled", **span)
    if not duration.count:
        note = _("nothing was accepted or rejected")
    else:
        note = _("median; nine in ten within %s") % days_words(duration.p90)
    label = _("Days to a decision")
    return Stat(label, days_words(duration.median), "stopwatch", url, note, "teal")


def _questions(found: Headline, to: Address) -> Stat:
    note = _("everything is answered")
    if found.oldest_question:
        note = _("the oldest since %s") % timesince(found.oldest_question, depth=1)
    url = to("questions", state="unanswered")
    tone = "amber" if found.questions else "green"
    return Stat(_("Unanswered questions"), found.questions, "message-question", url, note, tone)


def _attendance(found: Headline, to: Address, span: dict[str, date]) -> Stat:
    url = to("attendance", **span)
    label = _("Attendance")
    if found.attendance is None:
        return Stat(label, "–", "users-group", url, _("no meeting was held"), "purple")
    note = _("%(taken)d of %(seats)d seats taken") % {"taken": found.taken, "seats": found.seats}
    return Stat(label, f"{found.attendance} %", "users-group", url, note, "purple")


def _promises(found: Headline, to: Address) -> Stat:
    url = to("decisions", promise=PromiseState.OVERDUE)
    note = ngettext(
        "of %d open promise, whenever made", "of %d open promises, whenever made", found.promised
    )
    note %= found.promised
    tone = "red" if found.overdue else "green"
    return Stat(_("Promises overdue now"), found.overdue, "clock-exclamation", url, note, tone)


def outcomes_chart(figures: Sequence[MeetingFigures], to: Address) -> Chart:
    """Decisions by outcome, one bar per meeting; of many meetings the latest."""
    shown = figures[-MEETINGS_SHOWN:]
    series = []
    for outcome in Outcome:
        links = [to("decisions", meeting=one.meeting.pk, outcome=outcome) for one in shown]
        values = [one.counts.get(outcome, 0) for one in shown]
        series.append(Series(outcome.label, values, LOOKS[outcome][0], links))
    return Chart(
        labels=[_meeting_label(one) for one in shown],
        series=series,
        label_links=[one.meeting.get_absolute_url() for one in shown],
        left_out=len(figures) - len(shown),
    )


def _meeting_label(figures: MeetingFigures) -> str:
    day = date_format(figures.meeting.counted_on, "j M Y")
    return _("%s (ballot)") % day if figures.meeting.is_ballot else day


def duration_chart(months: dict[date, Duration], period: Period, to: Address) -> Chart:
    """Median and ninetieth percentile of the days to a decision, month by month.

    Begins with the first month that has any; a month without leaves a gap.
    """
    shown = _months(min(months), period.until)
    spans = [period.month(month) for month in shown]
    found = [months.get(month, Duration()) for month in shown]
    counts = [one.count for one in found]
    everything = [
        to("decisions", outcome="settled", since=since, until=until) for since, until in spans
    ]
    slowest = [
        to("decisions", outcome="settled", since=since, until=until, over=duration.over)
        for (since, until), duration in zip(spans, found, strict=True)
    ]
    return Chart(
        labels=[date_format(month, "M Y") for month in shown],
        series=[
            Series(_("Median"), [_rounded(one.median) for one in found], "blue", everything),
            Series(_("Nine in ten within"), [_rounded(one.p90) for one in found], "amber", slowest),
            Series(_("Accepted or rejected"), counts, "grey", everything, is_drawn=False),
        ],
    )


def _months(first: date, until: date) -> list[date]:
    months = []
    while first <= until:
        months.append(first)
        first = months_ahead(first, 1)
    return months


def _rounded(days: float | None) -> float | None:
    """A tenth of a day is as exact as anybody wants it."""
    if days is None:
        return None
    return int(days) if float(days).is_integer() else round(days, 1)


@dataclass(frozen=True)
class AttendanceRow:
    """One member's attendance with the lists behind its figures."""

    member: MemberAttendance
    held_url: str
    present_url: str
    alternate_url: str
    absent_url: str


def attendance_rows(
    members: Sequence[MemberAttendance], period: Period, to: Address
) -> list[AttendanceRow]:
    """The table of attendance."""

    def link(member: MemberAttendance, presence: str = "") -> str:
        span = {"since": period.since, "until": period.until}
        return to("attendance", member=member.user_id, presence=presence, **span)

    return [
        AttendanceRow(
            one, link(one), link(one, "present"), link(one, "alternate"), link(one, "absent")
        )
        for one in members
    ]


def promise_rows(
    counts: dict[str, int], period: Period, to: Address
) -> list[tuple[Text, int, str]]:
    """What has become of the acceptances of the period, with the lists behind the figures.

    "Promises overdue now" counts those of every period, so the state alone would not do here.
    """
    return [
        (
            _("Overdue, of this period") if state == PromiseState.OVERDUE else state.label,
            counts.get(state, 0),
            to("decisions", promise=state, since=period.since, until=period.until),
        )
        for state in PromiseState
    ]
