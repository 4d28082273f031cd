"""What the screen of the room shows: only what everybody in the room may see."""

from typing import Any

from django.template.loader import get_template
from django.utils import timezone

from accounts.models import User

from ..course import Course
from ..models import AgendaItem
from ..pages import side_rows
from .rooms import Snapshot


def stage(snapshot: Snapshot, user: User | None = None) -> dict[str, Any]:
    """Return what the screen's template shows; ``user`` moves the meeting on by keyboard."""
    course = Course(snapshot, user or User(), None)
    item = course.current
    context: dict[str, Any] = {
        "meeting": snapshot.meeting,
        "board": snapshot.meeting.board,
        "course": course,
        "item": item,
        "decided": [one for one in snapshot.items if not one.is_open],
    }
    if item is not None:
        count = item.counted  # type: ignore[attr-defined]
        context |= {
            "change": item.change,
            "count": count,
            "outcome": getattr(item, "outcome", None),
            "sides": side_rows(count) if shows_tally(snapshot, item) else [],
        }
    return context


def shows_tally(snapshot: Snapshot, item: AgendaItem) -> bool:
    """Whether the room sees how many are for what, never who.

    While votes are hidden until one has voted, the screen must not tell somebody who is there and
    has yet to vote: it waits until everybody present has voted, and there is quorum.
    """
    count = item.counted  # type: ignore[attr-defined]
    if not item.is_open:
        return True
    if not snapshot.meeting.board.hides_votes:
        return bool(count.voted)
    return bool(count.has_quorum and not count.missing & snapshot.attended.keys())


class Screen:
    """One screen: the same for everybody, in the board's own time."""

    def __init__(self) -> None:
        self.sent = ""

    def __call__(self, snapshot: Snapshot) -> dict[str, Any] | None:
        """Return the stage if it is new to this screen."""
        drawn = snapshot.once("stage", lambda: draw_stage(snapshot))
        if drawn == self.sent:
            return None
        self.sent = drawn
        now = int(timezone.now().timestamp() * 1000)
        return {"version": snapshot.version, "now": now, "parts": {"stage": drawn}}


def draw_stage(snapshot: Snapshot) -> Any:
    """Draw the stage for the room, in the zone in which the meeting takes place."""
    with timezone.override(snapshot.meeting.zone):
        return get_template("crb/partials/stage.html").render(stage(snapshot))
