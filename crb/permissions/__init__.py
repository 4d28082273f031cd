"""Who may see and do what on the board: ``can_<step>(user, …) -> Decision``.

The same shape as ``changes.permissions``: the first check that objects gives the reason, and
pages and ``crb.lifecycle`` ask here alike.
"""

from changes.permissions import Decision, Refusal

from .meetings import (
    can_cancel_meeting,
    can_close_meeting,
    can_join_meeting,
    can_start_meeting,
)
from .minutes import (
    can_add_addendum,
    can_complete_action,
    can_drop_action,
    can_edit_action,
    can_publish_minutes,
    can_record_action,
    can_write_minutes,
    minutes_of,
)
from .sight import may_see_board, may_see_votes, tally_open_to, votes_open_to
from .votes import can_cast_vote, can_record_outcome, can_recuse

__all__ = [
    "Decision",
    "Refusal",
    "can_add_addendum",
    "can_cancel_meeting",
    "can_cast_vote",
    "can_close_meeting",
    "can_complete_action",
    "can_drop_action",
    "can_edit_action",
    "can_join_meeting",
    "can_publish_minutes",
    "can_record_action",
    "can_record_outcome",
    "can_recuse",
    "can_start_meeting",
    "can_write_minutes",
    "may_see_board",
    "may_see_votes",
    "minutes_of",
    "tally_open_to",
    "votes_open_to",
]
