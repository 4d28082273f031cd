"""What the calendar's pages show: no markup, no rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.fields import DateTimeField
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.ui.components import Tab
from expansive_cm.ui.paging import Order, Page, page_of

from . import permissions, queries
from .models import Absence, Board, Meeting, Membership
from .outlook import Roster
from .schedule import months_ahead
from .states import ItemState, MeetingKind, MeetingState

MONTHS_BACK = 3
"""How far back a person's calendar goes."""
PAGE = 25
OWN = 20
LISTS = {
    "upcoming": Order("meetings to come", F("starts_at"), DateTimeField()),
    "past": Order("meetings held", F("starts_at"), DateTimeField(), descending=True),
}


@dataclass(frozen=True)
class AbsenceRow:
    """One absence, and whether the viewer may take it back."""

    absence: Absence
    withdraw: bool


def side(roster: Roster, user: User) -> dict[str, Any]:
    """Return what stands beside a board's main column: who sits, who is away, what one may do."""
    board = roster.board
    away = [one for one in roster.absences if one.ends_on >= board.today]
    absent_now = {
        absence.membership_id: absence for absence in away if absence.starts_on <= board.today
    }
    return {
        "members": [(seat, absent_now.get(seat.membership.pk)) for seat in board.seats_today],
        "later_terms": [one for one in roster.terms if one.starts_on > board.today],
        "absences": [
            AbsenceRow(absence, bool(permissions.can_withdraw_absence(user, absence)))
            for absence in away
        ],
        "may_record_absence": any(
            permissions.can_record_absence(user, one) for one in roster.terms
        ),
        "may_call": permissions.can_call_meeting(user, board).allowed,
    }


def alternates(board: Board, terms: Sequence[Membership]) -> list[User]:
    """Return who could stand in: people with the role whose own term does not go on for ever."""
    settled = {one.user_id for one in terms if one.ends_on is None and one.starts_on <= board.today}
    return [person for person in queries.possible_members() if person.pk not in settled]


def list_tabs(which: str) -> list[Tab]:
    """Return the two lists of a board's meetings."""
    return [
        Tab(_("To come"), "?show=upcoming", "calendar-event", active=which == "upcoming"),
        Tab(_("Past and cancelled"), "?show=past", "history", active=which == "past"),
    ]


def list_page(board: Board, which: str, token: str) -> Page[Meeting]:
    """Return one page of a board's meetings. Raises BadToken."""
    upcoming = Q(state=MeetingState.RUNNING) | Q(
        state=MeetingState.SCHEDULED, date__gte=board.today
    )
    chosen = board.meetings.exclude(kind=MeetingKind.BALLOT)
    chosen = chosen.filter(upcoming) if which == "upcoming" else chosen.exclude(upcoming)
    return page_of(chosen, LISTS[which], token, PAGE, _with_counts)


def _with_counts(rows: QuerySet[Meeting]) -> QuerySet[Meeting]:
    counted = Q(items__state__in=(ItemState.OPEN, ItemState.DECIDED, ItemState.DEFERRED))
    return rows.select_related("board").annotate(
        count_items=Count("items__change", filter=counted, distinct=True)
    )


def own_meetings(user: User) -> list[Meeting]:
    """Return the next meetings at which a person has a seat, from today where the board meets."""
    yesterday = timezone.now().date() - timedelta(days=1)
    found = queries.meetings_of(user, yesterday)
    planned = found.filter(state__in=(MeetingState.SCHEDULED, MeetingState.RUNNING))
    to_come = (one for one in planned if one.date >= timezone.localdate(timezone=one.tzinfo))
    return list(islice(to_come, OWN))


def feed_meetings(user: User) -> list[Meeting]:
    """Return what a person's own calendar shows: the last months, and all that is planned."""
    return list(queries.meetings_of(user, months_ahead(timezone.localdate(), -MONTHS_BACK)))
