"""Who leads through a running meeting, and who sees what is noted for that."""

from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.decisions import Check, Decision, Refusal, decide, refuse

from ..models import AgendaItem, Meeting
from ..states import ItemState, MeetingState
from .checks import chair, in_state
from .sight import may_see_votes

SHOWN = (ItemState.OPEN, ItemState.DECIDED)
"""What can be talked about: a deferred or dropped item has left the meeting."""


def can_go_to_item(user: User, meeting: Meeting, item: AgendaItem | None = None) -> Decision:
    """The chair or the deputy says which item a running meeting is at."""
    checks = [chair(user, meeting), in_state(meeting, MeetingState.RUNNING), _held(meeting)]
    if item is not None:
        checks.append(_on_its_agenda(meeting, item))
    return decide(*checks)


def _held(meeting: Meeting) -> Check:
    if not meeting.is_ballot:
        return None
    return refuse(Refusal.STATE, _("A ballot without a meeting has no current item."))


def _on_its_agenda(meeting: Meeting, item: AgendaItem) -> Check:
    if item.meeting_id == meeting.pk and item.state in SHOWN:
        return None
    return refuse(Refusal.STATE, _("This item is not on the agenda of this meeting any more."))


def may_see_notes(user: User, item: AgendaItem) -> bool:
    """Whether speaker notes exist for this person: the board, and the presenter."""
    return item.presenter_id == user.pk or may_see_votes(user, item.meeting)
