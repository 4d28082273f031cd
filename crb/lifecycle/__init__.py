"""Every step of the board, one public function each.

The same visible shape as ``changes.lifecycle``: ``atomic -> lock -> authorise on fresh rows ->
transition -> save with a change reason``. Each function takes ``actor`` by keyword and either
does everything its docstring says, or raises a ``changes.errors.StepError`` and does nothing.
Locks are taken in one order: board, meeting, item, change.
"""

from .actions import (
    complete_action,
    drop_action,
    edit_action,
    record_action,
    remind_of_action,
)
from .agenda import fill_agenda
from .meetings import (
    cancel_meeting,
    close_meeting,
    join_meeting,
    schedule_meetings,
    start_meeting,
)
from .minutes import add_addendum, publish_minutes, write_minutes
from .outcomes import record_outcome
from .votes import cast_vote, recuse

__all__ = [
    "schedule_meetings",
    "fill_agenda",
    "start_meeting",
    "join_meeting",
    "cast_vote",
    "recuse",
    "record_outcome",
    "close_meeting",
    "cancel_meeting",
    "record_action",
    "edit_action",
    "drop_action",
    "complete_action",
    "remind_of_action",
    "write_minutes",
    "publish_minutes",
    "add_addendum",
]
