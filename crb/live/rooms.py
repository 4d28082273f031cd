"""A meeting as it was read once for all streams of a process that look at it."""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic

from django.utils.safestring import SafeString

from changes import story
from changes.models import Change

from .. import queries
from ..consequences import consequences
from ..models import AgendaItem, AgendaVersion, Meeting, Standing
from .hub import Listener

PAUSE_SECONDS = 0.1
"""A meeting is read at most so often: twenty votes in one second are a few readings."""
KEPT_SECONDS = 30.0
"""So long the reading of a meeting is kept that nobody looks at: pages that ask come again."""


@dataclass
class Snapshot:
    """One reading of a meeting. Whoever looks at it holds its lock: rows are shared.

    ``made`` keeps what has been drawn from it, under everything that the drawing depends on.
    """

    version: int
    meeting: Meeting
    items: list[AgendaItem]
    attended: dict[int, Standing]
    agenda_version: AgendaVersion | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    made: dict[Hashable, SafeString] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)
    links: dict[int, list[Change]] = field(default_factory=dict)

    def once(self, key: Hashable, draw: Callable[[], SafeString]) -> SafeString:
        """Return what was drawn under this key, drawn now if it is the first time."""
        if key not in self.made:
            self.made[key] = draw()
        return self.made[key]

    @cached_property
    def consequences(self) -> dict[str, str]:
        """What each outcome would mean today; asks the database, once."""
        return consequences(self.meeting.board.today)

    def tell(self, item: AgendaItem) -> None:
        """Load the story of an item's change, once."""
        if item.pk not in self.told:
            story.tell(item.change)
            self.told.add(item.pk)


def read(meeting: Meeting, version: int = 0) -> Snapshot:
    """Read the agenda with its votes, and who is there. Tallies are counted once per reading."""
    items = queries.agenda_of(meeting)
    meeting.members  # noqa: B018 - read now, in this thread
    attended = queries.attendance_of(meeting)
    for item in items:
        queries.count_once(item)
    published = queries.last_version(meeting) if meeting.is_published else None
    return Snapshot(version, meeting, items, attended, published)


class Room:
    """The streams of one process on one meeting, and the latest reading for them."""

    def __init__(self, listener: Listener, meeting: int) -> None:
        self.listener = listener
        self.meeting = meeting
        self.streams = 0
        self.left_at = 0.0
        self._reading = threading.Lock()
        self._kept: Snapshot | None = None
        self._read_at = 0.0

    def snapshot(self) -> Snapshot:
        """Return the meeting as it is now; of all who ask at once, one reads it."""
        with self._reading:
            kept = self._kept
            if kept is not None and kept.version == self.listener.version(self.meeting):
                return kept
            self._pause()
            version = self.listener.version(self.meeting)  # before reading, so none is missed
            self._kept = read(queries.meeting_shown(self.meeting), version)
            self._read_at = monotonic()
            return self._kept

    @property
    def pause(self) -> float:
        """How long it is until the meeting may be read again, in seconds."""
        return max(0.0, self._read_at + PAUSE_SECONDS - monotonic())

    def _pause(self) -> None:
        """Let what happens at the same time happen before it is read."""
        if left := self.pause:
            threading.Event().wait(left)


_guard = threading.Lock()
_rooms: dict[tuple[int, int], Room] = {}


@contextmanager
def room_of(listener: Listener, meeting: int) -> Iterator[Room]:
    """Join the room of a meeting; one that all have left is closed after a while."""
    key = (id(listener), meeting)
    with _guard:
        room = _rooms.setdefault(key, Room(listener, meeting))
        room.streams += 1
    try:
        yield room
    finally:
        with _guard:
            room.streams -= 1
            room.left_at = monotonic()
            for other, one in list(_rooms.items()):
                if not one.streams and (
                    one.listener.ended or one.left_at < monotonic() - KEPT_SECONDS
                ):
                    del _rooms[other]
