"""Who may write, publish and amend minutes, and who looks after actions."""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from expansive_cm.workflow.decisions import Check, Decision, Refusal, decide, refuse

from ..models import Action, Meeting, Minutes
from ..states import MeetingState
from .checks import chair


def can_write_minutes(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy, from the opening of the meeting until the minutes are published."""
    return decide(chair_then_or_now(user, meeting), held(meeting), unpublished(meeting))


def can_publish_minutes(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy, once, when the meeting is closed."""
    return decide(
        chair_then_or_now(user, meeting), held(meeting), over(meeting), unpublished(meeting)
    )


def can_add_addendum(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy, after the minutes are published."""
    return decide(chair_then_or_now(user, meeting), published(meeting))


def can_record_action(user: User, meeting: Meeting) -> Decision:
    """As for writing: later actions are for an addendum or the next meeting."""
    return can_write_minutes(user, meeting)


def can_edit_action(user: User, action: Action) -> Decision:
    """The chair or the deputy, as long as it is open, also after publication."""
    return decide(chair_then_or_now(user, action.meeting), still_open(action))


def can_hand_over_action(user: User, action: Action) -> Decision:
    """An administrator, who deactivates its owner."""
    known = user.has_role(Role.ADMINISTRATOR)
    refusal = refuse(Refusal.PERSON, _("Only an administrator hands over what others are to do."))
    return decide(None if known else refusal, still_open(action))


def can_drop_action(user: User, action: Action) -> Decision:
    """As for editing."""
    return can_edit_action(user, action)


def can_complete_action(user: User, action: Action) -> Decision:
    """Its owner, the chair or the deputy."""
    return decide(owner_or_chair(user, action), still_open(action))


# Single checks


def chair_then_or_now(user: User, meeting: Meeting) -> Check:
    """Whoever ran meetings on that day, or does so today: minutes outlive a chair's term."""
    objection = chair(user, meeting)
    if objection is None or not user.is_active:
        return objection
    now = next((seat for seat in meeting.seats_now if seat.user_id == user.pk), None)
    return None if now is not None and now.runs_meetings else objection


def runs_then_or_now(user: User, meeting: Meeting) -> bool:
    """Whether this person looks after the minutes and actions of a meeting."""
    return chair_then_or_now(user, meeting) is None


def owner_or_chair(user: User, action: Action) -> Check:
    if user.is_active and user.pk == action.owner_id:
        return None
    if chair_then_or_now(user, action.meeting) is None:
        return None
    return refuse(Refusal.PERSON, _("This is for the owner of the action and the chair."))


def held(meeting: Meeting) -> Check:
    words = {
        MeetingState.SCHEDULED: _("The meeting has not been opened yet."),
        MeetingState.CANCELLED: _("The meeting was cancelled: it has no minutes."),
    }
    reason = words.get(MeetingState(meeting.state))
    return refuse(Refusal.STATE, reason) if reason else None


def over(meeting: Meeting) -> Check:
    if meeting.state == MeetingState.CLOSED:
        return None
    return refuse(Refusal.STATE, _("Close the meeting first; then its minutes are published."))


def minutes_of(meeting: Meeting) -> Minutes | None:
    """Return the minutes that somebody has begun to write, read once per loaded meeting."""
    return getattr(meeting, "minutes", None)


def unpublished(meeting: Meeting) -> Check:
    minutes = minutes_of(meeting)
    if minutes is None or not minutes.is_published:
        return None
    return refuse(
        Refusal.STATE,
        _("The minutes are published and stay as they are. Add an addendum instead."),
    )


def published(meeting: Meeting) -> Check:
    minutes = minutes_of(meeting)
    if minutes is not None and minutes.is_published:
        return None
    return refuse(Refusal.STATE, _("The minutes are not published yet: edit them instead."))


def still_open(action: Action) -> Check:
    if action.dropped_at is not None:
        return refuse(Refusal.STATE, _("This action was dropped."))
    if action.done_at is not None:
        return refuse(
            Refusal.STATE,
            _("This action is already done: recorded by %s.") % (action.done_by or ""),
        )
    return None
