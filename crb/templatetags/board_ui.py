"""How the board looks on its pages: `{% load board_ui %}`."""

from datetime import datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.html import conditional_escape, format_html, format_html_join, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _

from changes.models import BoardDecision, parse_reference
from crb.lifecycle.outcomes import REFERENCE
from crb.models import AgendaItem, Meeting, Vote
from crb.overtime.figures import PromiseState
from crb.pages import LOOKS
from crb.presence import Presence
from crb.states import ItemState, MeetingState
from expansive_cm.sure import sure
from expansive_cm.ui.markdown import render
from expansive_cm.ui.templatetags.ui import badge, days_away

register = template.Library()


@register.filter
def markdown_words(text: str) -> str:
    """Return the words of a Markdown text, without its signs."""
    return unescape(strip_tags(render(text)))


MEETING_LOOKS = {
    MeetingState.SCHEDULED: ("blue", "calendar-event"),
    MeetingState.RUNNING: ("green", "player-play"),
    MeetingState.CLOSED: ("grey", "circle-check"),
    MeetingState.CANCELLED: ("red", "ban"),
}
ITEM_LOOKS = {
    ItemState.OPEN: ("blue", "circle-dashed"),
    ItemState.DECIDED: ("green", "gavel"),
    ItemState.DEFERRED: ("amber", "arrow-right"),
    ItemState.DROPPED: ("grey", "archive"),
}

PROMISE_LOOKS = {
    PromiseState.OPEN: ("blue", "hourglass"),
    PromiseState.OVERDUE: ("red", "clock-exclamation"),
    PromiseState.KEPT: ("green", "circle-check"),
    PromiseState.LATE: ("amber", "clock"),
    PromiseState.WITHDRAWN: ("grey", "archive"),
    PromiseState.VOID: ("grey", "switch-horizontal"),
}
PRESENCE_LOOKS = {
    Presence.PRESENT: ("green", "check"),
    Presence.ALTERNATE: ("blue", "switch-horizontal"),
    Presence.ABSENT: ("grey", "minus"),
}


@register.simple_tag
def promise_badge(promise: str) -> SafeString:
    """Show what has become of a promise; a dash where nothing was promised."""
    if not promise:
        return mark_safe('<span class="text-secondary">–</span>')
    return badge(PromiseState(promise).label, *PROMISE_LOOKS[PromiseState(promise)])


@register.simple_tag
def presence_badge(presence: str) -> SafeString:
    """Show how a member's seat was taken."""
    return badge(Presence(presence).label, *PRESENCE_LOOKS[Presence(presence)])


@register.simple_tag
def meeting_badge(meeting: Meeting) -> SafeString:
    """Show where a meeting is in its life."""
    tone, icon = MEETING_LOOKS[MeetingState(meeting.state)]
    return badge(meeting.get_state_display(), tone, icon)


@register.simple_tag
def item_badge(item: AgendaItem) -> SafeString:
    """Show what has become of an item."""
    tone, icon = ITEM_LOOKS[ItemState(item.state)]
    return badge(item.get_state_display(), tone, icon)


@register.simple_tag
def outcome_badge(outcome: str) -> SafeString:
    """Show one of the four outcomes."""
    return badge(BoardDecision.Outcome(outcome).label, *LOOKS[outcome])


@register.simple_tag
def vote_badge(vote: Vote) -> SafeString:
    """Show a vote."""
    return badge(vote.get_choice_display(), *LOOKS[vote.choice])


@register.filter
def linked_references(text: str) -> SafeString:
    """Show a text in which each reference of a change leads to it; for people who see them all."""
    parts: list[tuple[str]] = []
    end = 0
    for match in REFERENCE.finditer(text):
        number = parse_reference(match.group())
        parts.append((conditional_escape(text[end : match.start()]),))
        address = reverse("changes:detail", args=[number])
        parts.append((format_html('<a href="{}">{}</a>', address, match.group()),))
        end = match.end()
    parts.append((conditional_escape(text[end:]),))
    return format_html_join("", "{}", parts)


@register.simple_tag
def meeting_time(meeting: Meeting) -> SafeString:
    """Show when a meeting is, in the board's own time; the viewer's if that is another."""
    zone = ZoneInfo(meeting.zone)
    begins, ends = (moment.astimezone(zone) for moment in (meeting.starts_at, meeting.ends_at))
    own = f"{_clock(begins)}–{_clock(ends)}"
    here = timezone.localtime(meeting.starts_at)
    if here.utcoffset() == begins.utcoffset():
        return format_html('<span class="meeting-time">{} {}</span>', own, begins.tzname())
    return format_html(
        '<span class="meeting-time">{} {} <span class="text-secondary">({})</span></span>',
        own,
        begins.tzname(),
        _("%(time)s your time") % {"time": _day_and_clock(here, begins)},
    )


@register.simple_tag
def ballot_deadline(ballot: Meeting) -> str:
    """Say until when votes count, in the viewer's time, and how much of it is left."""
    moment = timezone.localtime(ballot.deadline)
    until = f"{date_format(moment, 'j F Y, H:i')} {moment.tzname()}"
    if not ballot.is_running:
        return _("Votes counted until %s.") % until
    if ballot.is_over:
        return _("Votes counted until %s; outcomes can still be recorded.") % until
    return _("Votes count until %(until)s: %(left)s left.") % {
        "until": until,
        "left": timeuntil(sure(ballot.deadline)),
    }


def _clock(moment: datetime) -> str:
    return time_format(moment.time(), "H:i")


def _day_and_clock(here: datetime, there: datetime) -> str:
    if here.date() == there.date():
        return _clock(here)
    return f"{date_format(here, 'j M')} {_clock(here)}"


@register.filter
def epoch(moment: datetime | None) -> int | str:
    """Return a moment in milliseconds, as the page's clocks count."""
    return int(moment.timestamp() * 1000) if moment else ""


@register.filter
def stopwatch(passed: timedelta | None) -> str:
    """Return how long something took, as the page's clocks write it: 4:05:09, or 05:09."""
    minutes, seconds = divmod(int(passed.total_seconds()) if passed else 0, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


@register.simple_tag
def in_days(meeting: Meeting) -> str:
    """Say how far off a meeting's day is, where the board meets."""
    return days_away((meeting.date - timezone.localdate(timezone=ZoneInfo(meeting.zone))).days)
