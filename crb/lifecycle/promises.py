"""The board moves what it promised."""

from datetime import date

from django.utils.formats import date_format

from accounts.models import User
from changes import lifecycle as change_lifecycle
from changes.models import Change, Release

from .. import permissions, promised
from ..models import AgendaItem
from .core import lock_item_with_meeting, require_on_change, take_step


def replan_promise(
    item: AgendaItem,
    *,
    actor: User,
    reason: str,
    due_on: date | None = None,
    release: Release | None = None,
    seen: int | None = None,
) -> Change:
    """Promise another day, or a release, of what the board accepted with this item.

    The chair or the deputy of today, of the board that promised, or, where that no longer meets,
    of the one that decides for the customer now. ``seen`` is the change's version on the page.
    Raises, and does to the change, what ``changes.lifecycle.replan_promise`` says. The record of
    the board keeps both days and the reason.
    """
    with take_step(
        "replan_promise",
        item,
        actor=actor,
        reason=reason,
        lock=lock_item_with_meeting,
        asks=False,
    ) as step:
        fresh = step.on
        require_on_change(permissions.can_replan_promise, actor, fresh, seen)
        before = fresh.change.due_on
        board = promised.board_of(fresh.change) or fresh.meeting.board
        change = change_lifecycle.replan_promise(
            fresh.change,
            actor=actor,
            reason=reason,
            today=board.today,
            zone=board.zone,
            due_on=due_on,
            release=release,
            seen=seen,
        )
        step.reason = f"{_day(before)} → {_day(change.due_on)}. {step.reason}"
    return change


def _day(when: date | None) -> str:
    return date_format(when, "j F Y") if when else "–"
