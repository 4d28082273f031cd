"""Which owners of actions are to be reminded now; a question to the database.

An owner is reminded twice, in the morning where the board meets: one working day before the
day, and on the day. What was sent is read from the history of the action.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils import timezone

from .models import OPEN_ACTION, Action
from .schedule import SATURDAY, holiday_on

MORNING = 8
"""The hour of the board's day from which reminders go out."""
FORGIVEN_DAYS = 14
"""After a standstill longer than this nobody is reminded of what was due before it."""
LONGEST_BREAK_DAYS = 14


class Kind(StrEnum):
    """Why somebody is reminded."""

    BEFORE = "before"
    DUE = "due"


def marker(kind: Kind, due_on: date) -> str:
    """Return what the history of an action says of a reminder; a moved day asks for new ones."""
    words = {
        Kind.BEFORE: "reminded the owner one working day before",
        Kind.DUE: "reminded the owner on the day",
    }
    return f"{words[kind]}: {due_on.isoformat()}"


def due_reminders(now: datetime | None = None) -> list[tuple[int, Kind]]:
    """Return (action, kind) of every reminder to send now, the earliest day first.

    Of two that have become due only the later one is: on the day nobody is told of tomorrow.
    """
    now = now or timezone.now()
    day = now.date()
    open_ones = Action.objects.filter(
        OPEN_ACTION,
        due_on__gte=day - timedelta(days=FORGIVEN_DAYS),
        due_on__lte=day + timedelta(days=LONGEST_BREAK_DAYS),
    )
    found = {
        action.pk: (kind, marker(kind, action.due_on))
        for action in open_ones.select_related("meeting__board").order_by("due_on", "pk")
        if (kind := _kind_now(action, now)) is not None
    }
    sent = set(
        Action.history.filter(
            id__in=found, history_change_reason__in={words for _kind, words in found.values()}
        ).values_list("id", "history_change_reason")
    )
    return [(pk, kind) for pk, (kind, words) in found.items() if (pk, words) not in sent]


def _kind_now(action: Action, now: datetime) -> Kind | None:
    board = action.meeting.board
    local = timezone.localtime(now, ZoneInfo(board.zone))
    if local.hour < MORNING:
        local -= timedelta(days=1)  # yesterday's morning is the latest that has come
    if local.date() >= action.due_on:
        return Kind.DUE
    if local.date() >= working_day_before(action.due_on, board.holiday_region):
        return Kind.BEFORE
    return None


def working_day_before(day: date, region: str) -> date:
    """Return the last working day before a day."""
    for _attempt in range(LONGEST_BREAK_DAYS):
        day -= timedelta(days=1)
        if day.weekday() < SATURDAY and not holiday_on(day, region):
            break
    return day
