"""When the board decides about a change, for those who never see the board."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.utils import timezone

from changes.plain import BoardDate

from .models import AgendaItem, Meeting
from .states import NOT_CLOSED, ItemState


def dates_for(changes: Iterable[int]) -> dict[int, BoardDate]:
    """Return, for primary keys of changes, the meeting or ballot that has them on its agenda."""
    items = AgendaItem.objects.filter(
        change__in=list(changes), state=ItemState.OPEN, meeting__state__in=NOT_CLOSED
    ).select_related("meeting")
    return {item.change_id: _date_of(item.meeting) for item in items}


def _date_of(meeting: Meeting) -> BoardDate:
    if meeting.deadline is None:
        return BoardDate(meeting.date)
    last = timezone.localtime(meeting.deadline, ZoneInfo(meeting.zone))
    return BoardDate(last.date(), is_ballot=True)
