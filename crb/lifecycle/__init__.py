"""Every step of the board, one public function each.

The same visible shape as ``changes.lifecycle``: ``atomic -> lock -> authorise on fresh rows ->
transition -> save with a change reason``. Each function takes ``actor`` by keyword and either
does everything its docstring says, or raises a ``changes.errors.StepError`` and does nothing.
Locks are taken in one order: board, meeting, item, change.
"""

from .agenda import fill_agenda
from .consent import pull_from_consent, record_consent
from .meetings import (
    cancel_meeting,
    close_meeting,
    join_meeting,
    schedule_meetings,
    start_meeting,
)
from .outcomes import record_outcome
from .planning import add_late, defer_item, plan_item, reorder_agenda
from .publishing import publish_agenda
from .votes import cast_vote, recuse

__all__ = [
    "schedule_meetings",
    "fill_agenda",
    "publish_agenda",
    "add_late",
    "reorder_agenda",
    "plan_item",
    "defer_item",
    "start_meeting",
    "join_meeting",
    "cast_vote",
    "recuse",
    "record_outcome",
    "pull_from_consent",
    "record_consent",
    "close_meeting",
    "cancel_meeting",
]
