"""The steps of a board, in the words of who tells of one that was taken."""

from django.utils.translation import gettext_lazy as _

from expansive_cm.texts import Text

PAST: dict[str, Text] = {
    # Its calendar
    "call_meeting": _("called the meeting"),
    "move_meeting": _("moved the meeting"),
    "cancel_meeting": _("cancelled the meeting"),
    "record_absence": _("recorded an absence"),
    "withdraw_absence": _("withdrew an absence"),
    "send_invitations": _("sent invitations"),
    "note_decline": _("noted that a calendar declined"),
    "will_attend": _("will be there, though their calendar declined"),
    "make_feed": _("made a calendar address"),
    "revoke_feed": _("ended a calendar address"),
    # The agenda
    "publish_agenda": _("published the agenda"),
    "add_late": _("added an item late"),
    "reorder_agenda": _("put the agenda into another order"),
    "plan_item": _("planned the item"),
    "defer_item": _("deferred the item"),
    "pull_from_consent": _("took the item out of the consent items"),
    # A meeting
    "start_meeting": _("opened the meeting"),
    "join_meeting": _("was there"),
    "mark_attendance": _("marked who is there"),
    "take_back_mark": _("took a mark of attendance back"),
    "go_to_item": _("went to the item"),
    "cast_vote": _("voted"),
    "record_outcome": _("recorded the outcome"),
    "record_consent": _("recorded the consent items"),
    "reconsider_decision": _("put a decision on the agenda again, to be corrected"),
    "replan_promise": _("moved what was promised"),
    "go_ahead": _("let an emergency change go ahead"),
    "take_back_outcome": _("took the outcome back"),
    "close_meeting": _("closed the meeting"),
    # A ballot
    "open_ballot": _("opened the ballot"),
    "extend_ballot": _("extended the ballot"),
    "end_ballot": _("ended the ballot"),
    # Minutes and actions
    "write_minutes": _("wrote the minutes"),
    "publish_minutes": _("published the minutes"),
    "add_addendum": _("added to the minutes"),
    "record_action": _("recorded an action"),
    "edit_action": _("changed an action"),
    "hand_over_action": _("gave an action to a successor"),
    "drop_action": _("dropped an action"),
    "complete_action": _("said that an action is done"),
}
"""Every step, as an event says that it was taken. A vote is one whatever it is for."""


def past_words(verb: str) -> Text:
    """Return what somebody did who took this step."""
    return PAST.get(verb, verb)
