"""Who may see and do what on the board: ``can_<step>(user, …) -> Decision``.

The same shape as ``changes.permissions``: the first check that objects gives the reason, and
pages and ``crb.lifecycle`` ask here alike.
"""

from expansive_cm.workflow.decisions import Decision, Refusal

from .absences import can_answer_invitation, can_make_feed, can_record_absence, can_withdraw_absence
from .agenda import (
    can_add_late,
    can_defer_item,
    can_plan_item,
    can_publish_agenda,
    can_pull_from_consent,
    can_record_consent,
    can_reorder_agenda,
)
from .ballots import can_end_ballot, can_extend_ballot, can_open_ballot
from .emergencies import can_go_ahead
from .meetings import (
    can_call_meeting,
    can_cancel_meeting,
    can_close_meeting,
    can_join_meeting,
    can_mark_attendance,
    can_move_meeting,
    can_start_meeting,
)
from .minutes import (
    can_add_addendum,
    can_complete_action,
    can_drop_action,
    can_edit_action,
    can_hand_over_action,
    can_publish_minutes,
    can_record_action,
    can_write_minutes,
    minutes_of,
    runs_then_or_now,
)
from .running import SHOWN, can_go_to_item, may_see_notes
from .sight import (
    may_see_board,
    may_see_record,
    may_see_votes,
    stands_aside,
    tally_open_to,
    votes_open_to,
)
from .votes import (
    can_cast_vote,
    can_reconsider_decision,
    can_record_outcome,
    can_recuse,
    can_replan_promise,
    can_take_back_outcome,
    outcome_of,
)

__all__ = [
    "Decision",
    "Refusal",
    "can_call_meeting",
    "can_cancel_meeting",
    "can_cast_vote",
    "can_close_meeting",
    "can_end_ballot",
    "can_extend_ballot",
    "can_join_meeting",
    "can_mark_attendance",
    "can_make_feed",
    "can_move_meeting",
    "can_record_absence",
    "can_open_ballot",
    "can_record_outcome",
    "can_reconsider_decision",
    "can_go_ahead",
    "can_replan_promise",
    "can_take_back_outcome",
    "outcome_of",
    "can_recuse",
    "can_start_meeting",
    "can_withdraw_absence",
    "can_answer_invitation",
    "may_see_board",
    "may_see_record",
    "may_see_votes",
    "stands_aside",
    "tally_open_to",
    "votes_open_to",
    "can_add_addendum",
    "can_complete_action",
    "can_drop_action",
    "can_edit_action",
    "can_hand_over_action",
    "can_publish_minutes",
    "can_record_action",
    "can_write_minutes",
    "minutes_of",
    "runs_then_or_now",
    "SHOWN",
    "can_go_to_item",
    "may_see_notes",
    "can_add_late",
    "can_defer_item",
    "can_plan_item",
    "can_publish_agenda",
    "can_pull_from_consent",
    "can_record_consent",
    "can_reorder_agenda",
]
