"""What the next meetings will be like: how full their agendas are and whether there is quorum."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import DateField, Exists, OuterRef, QuerySet

from accounts.models import User
from expansive_cm.statements import Given, ObjectStatement
from expansive_cm.sure import sure

from . import queries
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


def _terms() -> QuerySet[Membership]:
    found = queries.memberships(Given("board"), Given("since", DateField()))
    return found.annotate(is_able=Exists(able(OuterRef("user"))))


def _absences() -> QuerySet[Absence]:
    found = queries.absences(Given("board"), Given("since", DateField()))
    return found.annotate(alternate_is_able=Exists(able(OuterRef("alternate"))))


TERMS, ABSENCES = ObjectStatement(_terms), ObjectStatement(_absences)


class Roster:
    """The terms on a board and the absences in them, from a day on: two queries for all days."""

    def __init__(self, board: Board, since: date) -> None:
        self.board = board
        self.terms = TERMS.objects(board=board.pk, since=since)
        self.absences = ABSENCES.objects(board=board.pk, since=since)
        for term in self.terms:
            term.board = board
        known = {term.pk: term for term in self.terms}
        for absence in self.absences:
            absence.membership = known.get(absence.membership_id, absence.membership)
            absence.membership.board = board

    def on(self, day: date) -> Table:
        """Return who sits on the board on a day: whom ``Board.members_on`` returns."""
        away_then = {
            one.membership_id: one for one in self.absences if one.starts_on <= day <= one.ends_on
        }
        seats, away = [], set()
        for term in self._terms_on(day):
            absence = away_then.get(term.pk)
            if absence is not None and getattr(absence, "alternate_is_able", False):
                seats.append(Seat(term, sure(absence.alternate), absent=term.user))
            elif getattr(term, "is_able", False):
                seats.append(Seat(term, term.user, is_away=absence is not None))
                if absence is not None:
                    away.add(term.user_id)
        return Table(seats, frozenset(away))

    def _terms_on(self, day: date) -> list[Membership]:
        return [
            term
            for term in self.terms
            if term.starts_on <= day and (term.ends_on is None or day <= term.ends_on)
        ]

    def is_led_by(self, user: User) -> bool:
        """Whether the person is chair or deputy by term today, away or not."""
        return any(
            term.user_id == user.pk and (term.is_chair or term.is_deputy)
            for term in self._terms_on(self.board.today)
        )


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


def outlooks(meetings: Sequence[Meeting], roster: Roster) -> list[Outlook]:
    """Return the outlook of meetings that ``queries.open_meetings`` has counted."""
    return [
        Outlook(
            meeting=one,
            items=getattr(one, "count_open", 0),
            minutes=getattr(one, "minutes_open", None) or 0,
            without_time_box=getattr(one, "count_untimed", 0),
            table=roster.on(one.date),
        )
        for one in meetings
    ]
