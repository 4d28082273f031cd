"""A board of seven, with a meeting and changes that wait for it."""

from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.roles import Role
from changes.models import Change
from crb import lifecycle, queries
from crb.models import AgendaItem, Board, Meeting, Membership, Vote
from tests.people import Cast, person
from tests.remembered import remembered
from tests.stories import assessed

MEMBER_NAMES = ("Max Member", "Ben Board", "Bea Board", "Bob Board", "Bo Board", "Dora Deputy")


@dataclass
class Table:
    """A board around its table: the chair first, the deputy last."""

    board: Board
    cast: Cast
    members: list[User] = field(default_factory=list)

    @property
    def chair(self) -> User:
        return self.members[0]

    @property
    def deputy(self) -> User:
        return self.members[-1]

    def meeting(self, days: int = 7, **fields: Any) -> Meeting:
        """Schedule a meeting some days from today."""
        values = {"date": self.board.today + timedelta(days=days), "start": time(14), **fields}
        return Meeting.objects.create(
            board=self.board, zone=self.board.zone, length_minutes=90, **values
        )

    @remembered
    def change(self, title: str = "Rooms at night", **fields: Any) -> Change:
        """A code change that waits for the board."""
        return assessed(self.cast, "code", title=title, **fields)

    @remembered
    def item(self, title: str = "Rooms at night") -> AgendaItem:
        """A change on the agenda of the next meeting, which is scheduled if there is none.

        To a meeting whose agenda is published, as that of a running one is, it is added late.
        """
        change = self.change(title)
        if not self.board.meetings.exists():
            self.meeting()
        meeting = queries.next_meeting(self.board)
        if meeting is not None and meeting.is_published:
            reason = "It cannot wait."
            return lifecycle.add_late(change, meeting, actor=self.chair, reason=reason)
        lifecycle.fill_agenda(self.board)
        return AgendaItem.objects.get(change=change, state="open")

    @remembered
    def running_item(self, title: str = "Rooms at night") -> AgendaItem:
        """An item in a meeting that the chair has opened."""
        item = self.item(title)
        if not item.meeting.is_running:
            lifecycle.start_meeting(item.meeting, actor=self.chair)
        return AgendaItem.objects.get(pk=item.pk)

    @remembered
    def vote(self, item: AgendaItem, *choices: str) -> list[Vote]:
        """Let the members vote in turn, the chair first."""
        extras = {
            "information_required": {"question": "How many rooms?"},
            "rejected": {"category": "not_strategic"},
        }
        pairs = zip(self.members, choices, strict=False)
        return [
            lifecycle.recuse(item, actor=member, reason="My own project.")
            if choice == "recuse"
            else lifecycle.cast_vote(item, actor=member, choice=choice, **extras.get(choice, {}))
            for member, choice in pairs
            if choice
        ]

    @remembered
    def decide(self, item: AgendaItem, outcome: str, **fields: Any) -> Change:
        """Let four members vote for an outcome and the chair record it."""
        self.vote(item, *[outcome] * 4)
        lifecycle.record_outcome(item, actor=self.chair, outcome=outcome, **fields)
        return Change.objects.get(pk=item.change_id)


def new_board(**fields: Any) -> Board:
    """A board that meets every second Tuesday at 14:00 in London."""
    values = {
        "name": "Change Request Board",
        "weekday": 1,
        "start": time(14),
        "first_date": date(2026, 1, 6),
        "quorum_count": 3,
        "quorum_share": 50,
        **fields,
    }
    return Board.objects.create(**values)


def seat(board: Board, user: User, **fields: Any) -> Membership:
    """Give somebody a term that has long begun."""
    values = {"starts_on": date(2020, 1, 1), **fields}
    return Membership.objects.create(board=board, user=user, **values)


@pytest.fixture
def table(cast: Cast) -> Table:
    """Seven members; quorum is three votes and half of those who are not recused."""
    return seven(cast)


@remembered
def seven(cast: Cast) -> Table:
    """Seat a board."""
    board = new_board()
    others = [person(name, Role.CRB_MEMBER) for name in MEMBER_NAMES[1:]]
    members = [cast.chair, cast.crb_member, *others]
    for user in members:
        seat(board, user, is_chair=user == members[0], is_deputy=user == members[-1])
    return Table(board, cast, members)
