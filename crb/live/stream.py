"""What one browser is sent: everything once, then whatever is new to it, until it has to ask again.

Server-Sent Events. ``parts`` carries JSON: ``version``; ``now``, the server's clock; ``item``, the
item that is shown; ``parts``, the HTML of each part that is new, empty where it is gone;
``notes``, what to say beside a form that is left in place because somebody is writing in it;
``article``, the whole item where another one is to be shown. ``beat`` says that the line is alive,
``again`` that the browser is to ask again at once, ``rights`` that it is to ask whether its reader
still may look, ``over`` that nothing more will happen.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import connections

from .hub import Listener
from .parts import Picture, Viewer, note_for
from .rooms import Room, Snapshot, room_of

BEAT_SECONDS = 15
LIFE_SECONDS = 300
"""After this a browser asks again, and with that whether it still may."""
RETRY_MS = 1000
KEPT = ("vote-box", "outcome-box")
"""Parts in which people write: a browser leaves them in place while somebody does."""

Draw = Callable[[Snapshot], dict[str, Any] | None]

_drawing = ThreadPoolExecutor(1, thread_name_prefix="drawing")
"""The one thread of a web process in which meetings are read and drawn for all its streams."""


def event(name: str, data: Any, number: int | None = None) -> bytes:
    """Return one event as it travels."""
    lines = [f"event: {name}", f"data: {json.dumps(data, separators=(',', ':'))}"]
    if number is not None:
        lines.insert(0, f"id: {number}")
    return "\n".join([*lines, "", ""]).encode()


async def events(
    listener: Listener, meeting: int, draw: Draw, reader: int, had: int
) -> AsyncGenerator[bytes, None]:
    """Yield what ``draw`` makes of each new reading of a meeting; holds no thread while waiting.

    It ends as soon as roles, account, seat or session of the ``reader``, by key, may be others
    than when they ``had`` that number: ``draw`` knows the person as they were then.
    """
    ends_at = time.monotonic() + LIFE_SECONDS
    yield f"retry: {RETRY_MS}\n\n".encode()
    with room_of(listener, meeting) as room:
        seen = -1
        while not listener.ended:
            if listener.rights(reader) != had:
                yield event("rights", {})
                return
            if listener.version(meeting) != seen:
                look = await _in_turn(room, draw)
                seen = look.version
                if look.sent:
                    yield look.sent
                if look.is_over:
                    yield event("over", {})
                    return
            left = ends_at - time.monotonic()
            if left <= 0:
                break
            pause = min(BEAT_SECONDS, left)
            changed = await listener.follow(meeting, seen, pause, reader, had)
            if not (changed or listener.ended or listener.rights(reader) != had):
                yield event("beat", {})
    if not listener.ended:
        yield event("again", {})


@dataclass(frozen=True)
class Look:
    """What one browser is sent of one reading, if anything."""

    version: int
    sent: bytes
    is_over: bool


async def _in_turn(room: Room, draw: Draw) -> Look:
    """Draw for one browser when it is its turn, and what is shared if nobody has yet."""
    await asyncio.sleep(room.pause)  # here, not in the thread that others need
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_drawing, _look, room, draw)


def _look(room: Room, draw: Draw) -> Look:
    try:
        snapshot = room.snapshot()
        with snapshot.lock:
            message = draw(snapshot)
        sent = event("parts", message, snapshot.version) if message is not None else b""
        return Look(snapshot.version, sent, not snapshot.meeting.is_open)
    finally:
        connections.close_all()


def now(listener: Listener, meeting: int, draw: Draw) -> dict[str, Any]:
    """Return all that a browser without a stream is to show, ``over`` if nothing follows."""
    with room_of(listener, meeting) as room:
        snapshot = room.snapshot()
        with snapshot.lock:
            message = draw(snapshot)
    return {**(message or {}), "over": not snapshot.meeting.is_open}


class Follower:
    """One browser on a meeting's page: what it shows and what it has been sent.

    With ``batch`` it shows the consent items together, and no item until it asks again.
    """

    def __init__(
        self, viewer: Viewer, wanted: int | None, follows: bool, *, batch: bool = False
    ) -> None:
        self.viewer = viewer
        self.shown = wanted
        self.follows = follows
        self.batch = batch
        self.sent: dict[str, Hashable] = {}
        self.before: Picture | None = None
        self.revision: int | None = None

    def __call__(self, snapshot: Snapshot) -> dict[str, Any] | None:
        """Return what is new to this browser, if anything is."""
        current = snapshot.meeting.current_item_id if snapshot.meeting.is_running else None
        moved = self._follow(current)
        picture = Picture(self.viewer, snapshot, self.shown, batch=self.batch)
        if self.shown is None and picture.item is not None and not self.batch:
            self.shown = picture.item.pk
        moved = self._revised(picture) or moved
        new = {name: key for name, key in picture.keys.items() if self.sent.get(name) != key}
        gone = self.sent.keys() - picture.keys.keys()
        if not (new or gone or moved):
            return None
        message = self._message(picture, new, moved) | {"version": snapshot.version}
        self.sent, self.before = dict(picture.keys), picture
        return message

    def _follow(self, current: int | None) -> bool:
        """Go where the meeting goes, if this browser does; returns whether it has to turn."""
        if not self.follows or current is None or current == self.shown:
            return False
        self.shown = current
        return True

    def _revised(self, picture: Picture) -> bool:
        """Whether what is asked for was edited since this browser was shown it."""
        before = self.revision
        self.revision = picture.item.change.revision if picture.item else None
        same = self.before is not None and self.before.item == picture.item
        return same and before != self.revision

    def _message(self, picture: Picture, new: dict[str, Hashable], moved: bool) -> dict[str, Any]:
        first = not self.sent
        drawn = {name: picture.html(name) for name in new}
        message: dict[str, Any] = {
            "now": int(time.time() * 1000),
            "item": self.shown,
            "parts": drawn,
        }
        if moved:
            message["article"] = picture.article()
        kept = [name for name in KEPT if name in new]
        if kept and not first and not moved:
            note = note_for(self.before, picture)
            message["notes"] = {name: note for name in kept if note}
        return message
