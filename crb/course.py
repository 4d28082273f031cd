"""Where a running meeting is: its current item, what comes next, and for how long."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.utils import timezone

from accounts.models import User

from . import permissions, queries
from .live.rooms import Snapshot
from .models import AgendaItem, Seat


@dataclass
class Course:
    """The course of a meeting as one person sees it, who looks at ``chosen``."""

    snapshot: Snapshot
    user: User
    chosen: AgendaItem | None

    @cached_property
    def current(self) -> AgendaItem | None:
        """The item that the running meeting is at."""
        meeting = self.snapshot.meeting
        if not meeting.is_running:
            return None
        return self._item(meeting.current_item_id)

    def _item(self, pk: int | None) -> AgendaItem | None:
        return next((item for item in self.snapshot.items if item.pk == pk), None)

    @property
    def place(self) -> int:
        """Which number on the agenda the current item has."""
        return self.snapshot.items.index(self.current) + 1 if self.current else 0

    @property
    def total(self) -> int:
        return len(self.snapshot.items)

    @property
    def chosen_place(self) -> int:
        return self.snapshot.items.index(self.chosen) + 1 if self.chosen else 0

    @property
    def is_here(self) -> bool:
        """Whether the person looks at what the meeting is at."""
        return self.current is not None and self.current == self.chosen

    @cached_property
    def following(self) -> AgendaItem | None:
        """The next open item in order, from the current one on and then from the beginning."""
        return queries.next_open(self.snapshot.items, self.current.pk if self.current else None)

    @cached_property
    def previous(self) -> AgendaItem | None:
        """What comes before the current item on the agenda."""
        before = self.snapshot.items[: max(0, self.place - 1)]
        shown = [item for item in before if item.state in permissions.SHOWN]
        return shown[-1] if shown else None

    @property
    def chosen_open(self) -> bool:
        """Whether the meeting could turn to the item that the person looks at."""
        return self.chosen is not None and self.chosen.is_open

    @property
    def mine(self) -> str:
        """Whether this person presents what the meeting is at (``now``), or what comes ``next``."""
        current, following = self.current, self.following
        if current is not None and current.is_open and current.presenter_id == self.user.pk:
            return "now"
        if current is None or following is None:
            return ""
        return "next" if following.presenter_id == self.user.pk else ""

    @property
    def records_and_goes_on(self) -> bool:
        """Whether recording the outcome of what this person looks at may move the meeting on."""
        return self.is_here and self.following is not None and self.runs

    @property
    def next_style(self) -> str:
        """The next step stands out once the current item is settled."""
        return "" if self.current and self.current.is_open else "btn-primary"

    @property
    def here(self) -> list[Seat]:
        """The seats whose members have arrived."""
        snapshot = self.snapshot
        return [seat for seat in snapshot.meeting.members if seat.user_id in snapshot.attended]

    @cached_property
    def runs(self) -> bool:
        """Whether this person moves the meeting on."""
        return bool(permissions.can_go_to_item(self.user, self.snapshot.meeting))

    @property
    def shows_notes(self) -> bool:
        current = self.current
        return bool(current and current.notes and permissions.may_see_notes(self.user, current))

    @property
    def ends_today(self) -> bool:
        """Whether the meeting is planned to end today, where this person is."""
        return timezone.localdate(self.snapshot.meeting.ends_at) == timezone.localdate()

    @property
    def since(self) -> datetime | None:
        return self.snapshot.meeting.current_since

    @property
    def begun_at(self) -> datetime | None:
        """When the current item would have begun had it been discussed in one go."""
        current = self.current
        if current is None or self.since is None:
            return None
        return self.since - timedelta(seconds=current.seconds_spent)

    @property
    def past_box(self) -> timedelta | None:
        """How long ago the time box of the current item was used up, if it is."""
        return _past(self.ends_at)

    @property
    def past_end(self) -> timedelta | None:
        """How much longer the meeting takes than planned, if it does."""
        return _past(self.snapshot.meeting.ends_at)

    @property
    def ends_at(self) -> datetime | None:
        """When the time box of the current item is used up."""
        current, begun = self.current, self.begun_at
        if current is None or begun is None or not current.time_box:
            return None
        return begun + timedelta(minutes=current.time_box)


def _past(moment: datetime | None) -> timedelta | None:
    past = timezone.now() - moment if moment else timedelta()
    return past if past > timedelta() else None
