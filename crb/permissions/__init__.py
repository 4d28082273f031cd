"""Who may see and do what on the board: ``can_<step>(user, …) -> Decision``.

The same shape as ``changes.permissions``: the first check that objects gives the reason, and
pages and ``crb.lifecycle`` ask here alike.
"""

from changes.permissions import Decision, Refusal

from .agenda import (
    can_add_late,
    can_defer_item,
    can_plan_item,
    can_publish_agenda,
    can_pull_from_consent,
    can_record_consent,
    can_reorder_agenda,
)
from .meetings import (
    can_cancel_meeting,
    can_close_meeting,
    can_join_meeting,
    can_start_meeting,
)
from .sight import may_see_board, may_see_votes, tally_open_to, votes_open_to
from .votes import can_cast_vote, can_record_outcome, can_recuse

__all__ = [
    "Decision",
    "Refusal",
    "can_add_late",
    "can_cancel_meeting",
    "can_cast_vote",
    "can_close_meeting",
    "can_defer_item",
    "can_join_meeting",
    "can_plan_item",
    "can_publish_agenda",
    "can_pull_from_consent",
    "can_record_consent",
    "can_record_outcome",
    "can_recuse",
    "can_reorder_agenda",
    "can_start_meeting",
    "may_see_board",
    "may_see_votes",
    "tally_open_to",
    "votes_open_to",
]
