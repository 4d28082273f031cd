"""A change as one person reads of it at one moment, and what is said of several states."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User

from ..models import Change, Question
from .board_dates import BoardDate
from .dates import day, local_day


@dataclass(frozen=True)
class Status:
    """Where a change is (``now``), what happens next, and what date it is promised for."""

    now: str
    next: str
    promise: str = ""
    on_reader: bool = False

    @property
    def text(self) -> str:
        """All of it in one line."""
        return " ".join(part for part in (self.now, self.next, self.promise) if part)


@dataclass(frozen=True)
class Case:
    """A change as one person reads of it at one moment."""

    change: Change
    reader: User | None
    board: BoardDate | None
    at: datetime

    @property
    def is_requesters(self) -> bool:
        """Whether the reader is the one to whom "you" is said."""
        return self.reader is not None and self.reader.pk == self.change.requester_id

    @property
    def today(self) -> date:
        return local_day(self.at)

    @property
    def since(self) -> str:
        """The day since when the change is in its state."""
        return self.day(self.change.state_since)

    def day(self, when: date | datetime) -> str:
        return day(when, self.today)

    def before(self, relation: str) -> Any:
        """Return the newest record of the round of delivery before this one, if any."""
        records = [
            record
            for record in getattr(self.change, relation).all()
            if (record.path, record.round) == (self.change.path, self.change.round - 1)
        ]
        return max(records, key=lambda record: record.pk, default=None)

    def newest(self, relation: str) -> Any:
        """Return the newest record of this path, if any."""
        records = [r for r in getattr(self.change, relation).all() if r.path == self.change.path]
        return max(records, key=lambda record: record.pk, default=None)

    def questions(self) -> list[Question]:
        """Return what the board asked and nobody has answered."""
        return self.change.open_questions


def put_right(case: Case) -> str:
    """Say that what was not as expected is being put right, and since when."""
    if case.is_requesters:
        words = _("You told us it is not as expected; since %(day)s we are putting that right.")
    else:
        words = _("It was not as %(name)s expected; since %(day)s we are putting that right.")
    return words % {"name": case.change.requester, "day": case.since}


def asked_afterwards(case: Case) -> str:
    """Say whom we ask once the change is in place."""
    if case.is_requesters:
        return _("After that we ask you whether it meets your needs.")
    return _("After that we ask %s whether it meets the need.") % case.change.requester


def nothing_more() -> str:
    """Say that the request is over."""
    return _("Nothing more happens here. For anything further, please send us a new request.")
