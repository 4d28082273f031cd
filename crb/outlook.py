"""What the next meetings will be like: how full their agendas are and whether there is quorum."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef, Prefetch, Q

from .models import Absence, Board, Meeting, Membership, Seat
from .models.board import able


@dataclass(frozen=True)
class Table:
    """Who sits on the board on one day; ``away`` are members for whom nobody stands in."""

    seats: list[Seat]
    away: frozenset[int]

    @property
    def expected(self) -> int:
        """How many can be expected to come."""
        return len(self.seats) - len(self.away)


def tables_on(board: Board, days: Sequence[date]) -> dict[date, Table]:
    """Return who sits on the board on each of these days, in two queries for all of them.

    The same people as ``Board.members_on`` returns for one day.
    """
    if not days:
        return {}
    first, last = min(days), max(days)
    absences = (
        Absence.objects.filter(withdrawn_at=None, starts_on__lte=last, ends_on__gte=first)
        .annotate(alternate_is_able=Exists(able(OuterRef("alternate"))))
        .select_related("alternate")
    )
    members = (
        board.memberships.filter(Q(ends_on=None) | Q(ends_on__gte=first), starts_on__lte=last)
        .annotate(is_able=Exists(able(OuterRef("user"))))
        .select_related("user")
        .prefetch_related(Prefetch("absences", absences, to_attr="away"))
    )
    loaded = list(members)
    return {day: _table(loaded, day) for day in days}


def _table(members: Sequence[Membership], day: date) -> Table:
    seats, away = [], set()
    for member in members:
        if member.starts_on > day or (member.ends_on and member.ends_on < day):
            continue
        absence = next((one for one in _away(member) if one.starts_on <= day <= one.ends_on), None)
        if absence is not None and getattr(absence, "alternate_is_able", False):
            seats.append(Seat(member, absence.alternate, absent=member.user))
        elif getattr(member, "is_able", False):
            seats.append(Seat(member, member.user))
            if absence is not None:
                away.add(member.user_id)
    return Table(seats, frozenset(away))


def _away(member: Membership) -> list[Absence]:
    return getattr(member, "away", [])


@dataclass(frozen=True)
class Outlook:
    """How full the agenda of a meeting to come is, and who can be expected."""

    meeting: Meeting
    items: int
    minutes: int
    without_time_box: int
    table: Table

    @property
    def is_too_long(self) -> bool:
        """Whether the time boxes together are longer than the meeting."""
        return self.minutes > self.meeting.length_minutes

    @property
    def needed(self) -> int:
        """How many votes quorum takes when nobody is recused."""
        return self.meeting.board.quorum.needed(len(self.table.seats))

    @property
    def has_quorum(self) -> bool:
        """Whether enough members can be expected; a recusal may still change it for one item."""
        return self.table.expected >= self.needed


def outlooks(meetings: Sequence[Meeting], tables: dict[date, Table]) -> list[Outlook]:
    """Return the outlook of meetings that ``queries.open_meetings`` has counted."""
    return [
        Outlook(
            meeting=one,
            items=getattr(one, "count_open", 0),
            minutes=getattr(one, "minutes_open", None) or 0,
            without_time_box=getattr(one, "count_untimed", 0),
            table=tables[one.date],
        )
        for one in meetings
    ]
