"""Every step of the board, one public function each.

The same visible shape as ``changes.lifecycle`` (``take_step`` in ``core.py``): ``atomic -> lock ->
authorise on fresh rows -> transition -> save with a change reason``. Each function takes ``actor``
by keyword and either does everything its docstring says, or raises a ``StepError`` and does
nothing.
Locks are taken in one order: board, meeting, item, change.
"""

from .absences import note_decline, record_absence, will_attend, withdraw_absence
from .actions import (
    complete_action,
    drop_action,
    edit_action,
    hand_over_actions,
    record_action,
    remind_of_action,
)
from .agenda import fill_agenda
from .arranging import add_late, defer_item, plan_item, reorder_agenda, settle_finished_order
from .attendance import join_meeting, mark_attendance, take_back_mark
from .ballots import end_ballot, extend_ballot, open_ballot, settle_ballot
from .consent import pull_from_consent, record_consent
from .dissolving import dissolve_board
from .emergencies import go_ahead
from .feeds import make_feed, revoke_feed
from .hindrances import tell_of_missing_lead, tell_of_missing_quorum
from .invitations import send_invitations
from .meetings import close_meeting, start_meeting
from .minutes import Prose, add_addendum, publish_minutes, write_minutes
from .outcomes import record_outcome
from .planning import call_meeting, cancel_meeting, move_meeting
from .preview import preview_outcome
from .promises import replan_promise
from .publishing import publish_agenda
from .running import go_to_item, record_and_go_on
from .scheduling import schedule_meetings
from .taking_back import reconsider_decision, take_back_outcome
from .votes import cast_vote, recuse

__all__ = [
    "Prose",
    "schedule_meetings",
    "call_meeting",
    "move_meeting",
    "send_invitations",
    "tell_of_missing_lead",
    "tell_of_missing_quorum",
    "note_decline",
    "will_attend",
    "fill_agenda",
    "dissolve_board",
    "start_meeting",
    "join_meeting",
    "mark_attendance",
    "take_back_mark",
    "go_to_item",
    "cast_vote",
    "recuse",
    "record_outcome",
    "record_and_go_on",
    "take_back_outcome",
    "reconsider_decision",
    "go_ahead",
    "replan_promise",
    "preview_outcome",
    "close_meeting",
    "cancel_meeting",
    "record_absence",
    "withdraw_absence",
    "make_feed",
    "revoke_feed",
    "open_ballot",
    "extend_ballot",
    "end_ballot",
    "settle_ballot",
    "record_action",
    "edit_action",
    "hand_over_actions",
    "drop_action",
    "complete_action",
    "remind_of_action",
    "write_minutes",
    "publish_minutes",
    "add_addendum",
    "publish_agenda",
    "add_late",
    "reorder_agenda",
    "settle_finished_order",
    "plan_item",
    "defer_item",
    "pull_from_consent",
    "record_consent",
]
