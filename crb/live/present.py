"""What the screen of the room shows: only what everybody in the room may see."""

from typing import Any

from django.template.loader import get_template
from django.utils import timezone

from accounts.models import User

from .. import permissions, queries
from ..course import Course
from ..models import AgendaItem
from ..pages import side_rows
from .rooms import Snapshot


def stage(snapshot: Snapshot, user: User) -> dict[str, Any]:
    """Return what the screen's template shows; ``user`` has opened it, and moves on by keyboard."""
    course = Course(snapshot, user, None)
    item = course.current
    context: dict[str, Any] = {
        "meeting": snapshot.meeting,
        "board": snapshot.meeting.board,
        "course": course,
        "item": item,
        "decided": [one for one in snapshot.items if not one.is_open],
    }
    if item is not None:
        count = queries.tally_of(item)
        context |= {
            "change": item.change,
            "count": count,
            "outcome": getattr(item, "outcome", None),
            "sides": side_rows(count) if shows_tally(snapshot, item, user) else [],
        }
    return context


def shows_tally(snapshot: Snapshot, item: AgendaItem, user: User) -> bool:
    """Whether the screen shows how many are for what, never who.

    Not what the own page of whoever opened it hides. And while votes are hidden until one has
    voted, it must not tell somebody who is there and has no vote on the item: it waits until
    everybody present has voted, and there is quorum.
    """
    count = queries.tally_of(item)
    if not item.is_open:
        return True
    if not permissions.tally_open_to(user, item, count):
        return False
    if not snapshot.meeting.board.hides_votes:
        return bool(count.voted)
    present = count.members & snapshot.attended.keys()
    return bool(count.has_quorum and present <= count.positions.keys())


class Screen:
    """One screen, in the board's own time: the same for all whose own page shows them as much."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.sent = ""

    def __call__(self, snapshot: Snapshot) -> dict[str, Any] | None:
        """Return the stage if it is new to this screen."""
        item = Course(snapshot, self.user, None).current
        tally = item is not None and shows_tally(snapshot, item, self.user)
        drawn = snapshot.once(("stage", tally), lambda: draw_stage(snapshot, self.user))
        if drawn == self.sent:
            return None
        self.sent = drawn
        now = int(timezone.now().timestamp() * 1000)
        return {"version": snapshot.version, "now": now, "parts": {"stage": drawn}}


def draw_stage(snapshot: Snapshot, user: User) -> Any:
    """Draw the stage for the room, in the zone in which the meeting takes place."""
    with timezone.override(snapshot.meeting.zone):
        return get_template("crb/partials/stage.html").render(stage(snapshot, user))
