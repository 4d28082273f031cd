"""Who is at a meeting, as the card of its page shows it: members, presenters and guests."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as _

from accounts.models import User

from .. import permissions, queries
from ..models import AgendaItem, Meeting, Seat, Standing
from ..states import Mark

LOOKS: dict[str, tuple[str, str]] = {
    Mark.PRESENT: ("green", "user-check"),
    Mark.LATE: ("amber", "clock"),
    Mark.TELEPHONE: ("blue", "phone"),
    Mark.LEFT: ("grey", "logout"),
    Mark.EXCUSED: ("grey", "minus"),
}
"""Tone and icon of each mark."""


@dataclass(frozen=True)
class Offer:
    """One mark that can be chosen, with how it looks."""

    mark: Mark
    icon: str
    chosen: bool


@dataclass(frozen=True)
class RollRow:
    """One person on the card; ``error`` is why what was sent about them was not done."""

    standing: Standing
    seat: Seat | None = None
    presents: bool = False
    error: str = ""
    typed: str = ""

    @property
    def key(self) -> str:
        """What names the row on the page."""
        user = self.standing.user
        return f"roll-{user.pk}" if user else f"roll-guest-{self.standing.marks[0].pk}"

    @property
    def looks(self) -> tuple[str, str]:
        return LOOKS[self.standing.mark]

    @property
    def shows_own(self) -> bool:
        """Whether what they said themselves is told beside a mark of somebody else."""
        last = self.standing.last
        return last is not None and not last.is_own and self.standing.said is not None

    @property
    def offers(self) -> list[Offer]:
        """The marks; a guest is not expected, and so not excused."""
        offered = [one for one in Mark if self.standing.user or one != Mark.EXCUSED]
        marked = self.standing.last.mark if self.standing.last else ""
        return [Offer(one, LOOKS[one][1], one == marked) for one in offered]

    @property
    def may_take_back(self) -> bool:
        """Whether there is a mark of the chair's to take back, if it is not too late for it."""
        last, standing = self.standing.last, self.standing
        return last is not None and (not last.is_own or standing.contradicted is not None)

    @property
    def is_away(self) -> bool:
        """Whether an absence was recorded beforehand, and nothing is known of them since."""
        return self.seat is not None and self.seat.is_away and not self.standing.mark


@dataclass(frozen=True)
class Sent:
    """What was sent about somebody and not done, to be shown again where it was written."""

    key: str
    error: str
    at: str = ""
    guest: str = ""


NEW_GUEST = "roll-new-guest"
"""The key of the form by which somebody is added."""


class RollCard:
    """Everybody who is at a meeting or expected there, for one person; asks no query.

    ``done`` names the row that was marked just now; ``sent`` what could not be done.
    """

    def __init__(
        self,
        meeting: Meeting,
        items: Iterable[AgendaItem],
        user: User,
        *,
        done: str = "",
        sent: Sent | None = None,
    ) -> None:
        self.meeting = meeting
        self.items = list(items)
        self.done = done
        self.sent = sent
        self.may_mark = bool(permissions.can_mark_attendance(user, meeting))

    @cached_property
    def rows(self) -> list[RollRow]:
        """The seats in their order, then who is to present, then whoever else was there."""
        roster = self.meeting.roster
        seats = {seat.user_id: seat for seat in self.meeting.members}
        presenters = {one.presenter.pk: one.presenter for one in self.items if one.presenter}
        people = {pk: seat.user for pk, seat in seats.items()}
        if self.meeting.is_running and not self.meeting.is_ballot:
            people |= presenters
        people |= {pk: one.user for pk, one in roster.people.items() if one.user}
        return [
            self._row(roster.of(user), seats.get(pk), pk in presenters)
            for pk, user in people.items()
        ]

    @cached_property
    def guests(self) -> list[RollRow]:
        return [
            self._row(one, None, one.is_presenter) for one in self.meeting.roster.guests.values()
        ]

    @property
    def unplaced(self) -> str:
        """Why what was sent was not done, where no form is left to say it beside."""
        keys = {row.key for row in (*self.rows, *self.guests)} | {NEW_GUEST}
        shown = self.sent is None or (self.may_mark and self.sent.key in keys)
        return "" if shown or self.sent is None else self.sent.error

    def _row(self, standing: Standing, seat: Seat | None, presents: bool) -> RollRow:
        row = RollRow(standing, seat, presents)
        if self.sent is None or row.key != self.sent.key:
            return row
        return RollRow(standing, seat, presents, self.sent.error, self.sent.at)

    @property
    def here(self) -> int:
        """How many seats are taken: now or, of a meeting that is over, at any time."""
        known = queries.attendance_of(self.meeting)
        return sum(seat.user_id in known for seat in self.meeting.members)

    @property
    def quorum_words(self) -> str:
        """Say whether enough members are there for quorum, while the meeting runs."""
        if not self.meeting.is_running or self.meeting.is_ballot:
            return ""
        figures = {"here": self.here, "needed": self._needed}
        if self.has_quorum:
            return _("Enough members for quorum: %(here)d here, %(needed)d needed.") % figures
        return _("Too few members for quorum: %(here)d here, %(needed)d needed.") % figures

    @property
    def has_quorum(self) -> bool:
        return self.here >= self._needed

    @property
    def _needed(self) -> int:
        """How many votes quorum takes on an item from which nobody is recused."""
        return self.meeting.board.quorum.needed(len(self.meeting.members))
