"""Meetings: opened and closed."""

from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.decisions import Refusal

from ..models import Meeting
from ..models.seat import keep_seats
from .agenda import drop_departed, fill_agenda, lock_open_items
from .attendance import attend
from .core import save, save_meeting, take_step
from .publishing import settle_agenda
from .running import leave_item, turn_to, turn_to_first
from .versions import settle_order

MOVED = (Refusal.STATE,)
"""What moved only on the agenda since the page was made is no reason to refuse."""


def start_meeting(meeting: Meeting, *, actor: User, seen: int | None = None) -> Meeting:
    """Open a meeting. The chair or the deputy.

    Effects: the agenda is published if it has not been, and its consent items are fixed; state
    ``running``; the actor is recorded as present; the first open item is the current one. Raises
    StepIllegal while another meeting of the board runs.
    """
    with take_step("start_meeting", meeting, actor=actor, seen=seen, stale_first=MOVED) as step:
        fresh = step.on
        settle_agenda(fresh, actor=actor)
        keep_seats(fresh)
        fresh.begin()
        turn_to_first(fresh)
        save_meeting(fresh, actor, "opened the meeting")
        attend(fresh, actor)
    return fresh


def close_meeting(meeting: Meeting, *, actor: User, seen: int | None = None) -> Meeting:
    """Close a running meeting. The chair or the deputy.

    Effects: each undecided item is deferred, and its change gets a new item on the next agenda
    that is not published yet, where it is voted on anew; the time on the current item is noted;
    state ``closed``. A vote that is being cast counts, or is refused because the item is no
    longer open: the items are locked first.
    """
    with take_step("close_meeting", meeting, actor=actor, seen=seen, stale_first=MOVED) as step:
        fresh = step.on
        settle_order(fresh)
        leave_item(fresh, actor=actor)
        turn_to(fresh, None)
        drop_departed(fresh.board, actor=actor)
        for item in lock_open_items(fresh):
            item.defer(_("Not decided in this meeting."))
            save(item, actor=actor, reason="deferred to the next meeting")
        fresh.close()
        save_meeting(fresh, actor, "closed the meeting")
        fill_agenda(fresh.board, actor=actor)
    return fresh
