"""Whose turn it is on a change that waits for the board: those with a seat where it is decided.

On an agenda they are the seats of its meeting, as they were kept once it has begun; before, those
of the board that decides for the customer. ``queries.still_to_vote`` says the same in SQL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.roles import Role
from changes.models import Change
from changes.turns.askers import askers
from changes.turns.narrower import Narrower
from changes.turns.parts import name_of_roles
from changes.turns.who import Lacking, Who
from expansive_cm.statements import Given, Statement
from expansive_cm.workflow.decisions import Check, Refusal, refuse

from . import queries
from .models import AgendaItem, Seat, Vote
from .voting import Choice

NO_BOARD = Lacking(
    gettext_lazy("No board decides for this customer: an administrator can set one up.")
)
NO_SEATS = Lacking(
    gettext_lazy("Nobody with a seat on the board can vote: an administrator can name members.")
)
ALL_ASIDE = Lacking(
    gettext_lazy("Every member of the board stands aside: an administrator can name other members.")
)
ALL_VOTED = Lacking(
    gettext_lazy("Nobody is left to vote: the chair or the deputy records what was decided."),
    is_stuck=False,
)
TOO_FEW_VOTED = Lacking(
    gettext_lazy("Nobody else can vote now, and too few have: it goes on to a later agenda."),
    is_stuck=False,
)


PLACE = "open_agenda_item"
"""Under this name a change is told its place on an agenda, by ``know_place``; no query then."""


def know_place(item: AgendaItem) -> None:
    """Let the change of an open item know where it is decided."""
    item.change.__dict__[PLACE] = item


class Deciding:
    """Where a change is decided, read once: its place on an agenda, or the board to come."""

    def __init__(self, change: Change) -> None:
        self.change = change

    @cached_property
    def item(self) -> AgendaItem | None:
        item = self.change.__dict__.get(PLACE) or queries.open_item_of(self.change)
        if item is not None:
            item.change = self.change
        return item

    @cached_property
    def seats(self) -> Sequence[Seat] | None:
        """Who can vote there; None where no board decides."""
        if self.item is not None:
            return [seat for seat in self.item.meeting.members if seat.is_able]
        board = queries.board_for(self.change)
        return board.seats_today if board else None

    @cached_property
    def aside(self) -> set[int]:
        """Who has no part in deciding it."""
        if self.item is not None:
            return queries.set_aside(self.item)
        recused = RECUSED.rows(change=self.change.pk, path=self.change.path)
        return askers(self.change) | {member for (member,) in recused}

    @property
    def has_quorum(self) -> bool:
        """Whether enough have voted; not before it is on an agenda."""
        return self.item is not None and queries.tally_of(self.item).has_quorum

    @cached_property
    def left(self) -> list[User]:
        """Who has yet to vote, and may."""
        seats = self.seats or ()
        if self.item is None:
            return [seat.user for seat in seats if seat.user_id not in self.aside]
        if self.item.meeting.is_over:
            return []
        awaited = queries.tally_of(self.item).awaited
        return [seat.user for seat in seats if seat.user_id in awaited]


RECUSED = Statement(
    lambda: Vote.objects.filter(
        item__change=Given("change"), item__path=Given("path"), choice=Choice.RECUSE
    ).values_list("member"),
    planned_once=True,
)


@dataclass(frozen=True)
class AtTheBoard(Who):
    """Those whose votes are awaited. Nothing is read before they are named."""

    place: Deciding | None = None

    def members(self) -> list[User]:
        """Return who has yet to vote."""
        return self.place.left if self.place else []

    def asked_for(self) -> list[User]:
        """Return everybody who can vote there, whether they have or not."""
        return [seat.user for seat in (self.place and self.place.seats) or ()]

    def lacking(self) -> Lacking:
        """Say why nobody has to vote."""
        if self.place is None or self.place.seats is None:
            return NO_BOARD
        if not self.place.seats:
            return NO_SEATS
        aside = all(seat.user_id in self.place.aside for seat in self.place.seats)
        if aside:
            return ALL_ASIDE
        return ALL_VOTED if self.place.has_quorum else TOO_FEW_VOTED


def _who(change: Change) -> AtTheBoard:
    return AtTheBoard(name_of_roles(Role.CRB_MEMBER), place=Deciding(change))


def _has_no_seat(user: User, change: Change) -> Check:
    """Object to who has no seat there and does not lead it; not where no board decides."""
    place = Deciding(change)
    if place.seats is None or any(seat.user_id == user.pk for seat in place.seats):
        return None
    if place.item is not None and place.item.meeting.is_led_by(user):
        return None
    return refuse(Refusal.PERSON, _("This is for those with a seat on the board that decides."))


BOARD = Narrower(_who, queries.still_to_vote, _has_no_seat)
