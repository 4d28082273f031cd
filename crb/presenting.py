"""Who presents an item of a published agenda sees it on Home, until it is dealt with."""

from itertools import groupby

from django.db.models import F
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from changes.notices import Notice
from changes.states import State
from expansive_cm.statements import Given, ObjectStatement

from . import permissions
from .agenda_messages import path_of
from .models import AgendaItem, Meeting
from .states import NOT_CLOSED, ItemState, MeetingKind


def notices(user: User) -> list[Notice]:
    """Say what this person presents, a sentence a meeting. One query for own people, else none."""
    if not permissions.may_see_board(user):
        return []
    items = [item for item in PRESENTED.objects(user=user.pk) if not _is_missed(item.meeting)]
    found = groupby(items, key=lambda item: item.meeting)
    return [_notice(meeting, list(items)) for meeting, items in found]


def _is_missed(meeting: Meeting) -> bool:
    """Whether its day passed without it; its items wait there while the board has no next one."""
    return not meeting.is_running and meeting.date < meeting.board.today


def _notice(meeting: Meeting, items: list[AgendaItem]) -> Notice:
    words = ngettext(
        "You present “%(title)s” at the meeting of %(day)s, %(start)s (%(zone)s).",
        "You present %(number)d items at the meeting of %(day)s, %(start)s (%(zone)s); the first "
        "is “%(title)s”.",
        len(items),
    )
    about = {
        "number": len(items),
        "title": items[0].change.title,
        "day": date_format(meeting.date, "l j F Y"),
        "start": time_format(meeting.start, "H:i"),
        "zone": meeting.zone,
    }
    return Notice(words % about, path_of(items[0]), _("Open the item"))


PRESENTED = ObjectStatement(
    lambda: (
        AgendaItem.objects.filter(
            presenter=Given("user"),
            state=ItemState.OPEN,
            change__state=State.BOARD,
            path=F("change__path"),
            meeting__state__in=NOT_CLOSED,
            meeting__agenda_published_at__isnull=False,
        )
        .exclude(meeting__kind=MeetingKind.BALLOT)
        .select_related("meeting__board", "change")
        .order_by("meeting__starts_at", "meeting", "is_consent", "position", "pk")
    )
)
