"""What the board has on the change calendar: its meetings."""

from collections.abc import Iterator
from datetime import date, timedelta

from django.utils import timezone

from changes.calendar import Entry, Wanted

from .models import Meeting
from .states import MeetingKind, MeetingState

MOST = 300
"""So many meetings one page of the calendar reads; a board that meets every day has 42."""


def meetings_on(wanted: Wanted) -> Iterator[tuple[date, Entry]]:
    """Yield the meetings of these days, each on the day on which its reader has it. One query."""
    found = (
        Meeting.objects.filter(starts_at__gte=wanted.starts, starts_at__lt=wanted.ends)
        .exclude(state=MeetingState.CANCELLED)
        .exclude(kind=MeetingKind.BALLOT)
        .select_related("board")
        .order_by("starts_at", "pk")[:MOST]
    )
    for one in found:
        ends = one.starts_at + timedelta(minutes=one.length_minutes)
        entry = Entry("meeting", str(one.board), one.get_absolute_url(), one.starts_at, ends)
        yield timezone.localdate(one.starts_at), entry
