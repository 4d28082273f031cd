"""Who may publish, change and plan an agenda, and who may take part in the consent batch."""

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from changes.permissions.rules import gate
from expansive_cm.workflow.decisions import Check, Decision, decide

from ..models import AgendaItem, Meeting
from ..states import ItemState, MeetingState
from .checks import chair, in_state, item_open, member

OPEN = (MeetingState.SCHEDULED, MeetingState.RUNNING)


def can_publish_agenda(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy publishes an agenda before its cut-off, once."""
    return decide(
        chair(user, meeting), in_state(meeting, MeetingState.SCHEDULED), _unpublished(meeting)
    )


def can_add_late(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy, once the agenda is published; before, changes join by themselves."""
    return decide(
        chair(user, meeting), in_state(meeting, *OPEN), _no_ballot(meeting), _published(meeting)
    )


def can_reorder_agenda(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy, before the meeting and while it runs."""
    return decide(chair(user, meeting), in_state(meeting, *OPEN))


def can_plan_item(user: User, item: AgendaItem) -> Decision:
    """The chair or the deputy, as long as the item is open."""
    return decide(chair(user, item.meeting), in_state(item.meeting, *OPEN), item_open(item))


def can_defer_item(user: User, item: AgendaItem) -> Decision:
    """The chair or the deputy, before the meeting and while it runs."""
    return decide(
        chair(user, item.meeting),
        in_state(item.meeting, *OPEN),
        _no_ballot(item.meeting),
        item_open(item),
    )


def can_pull_from_consent(user: User, item: AgendaItem) -> Decision:
    """Any member, until the batch is recorded."""
    return decide(
        member(user, item.meeting),
        in_state(item.meeting, *OPEN),
        item_open(item),
        gate("" if item.is_consent else _("This item is not among the consent items.")),
    )


def can_record_consent(user: User, meeting: Meeting) -> Decision:
    """The chair or the deputy, in the running meeting, if there is a batch."""
    early = decide(chair(user, meeting), in_state(meeting, MeetingState.RUNNING))
    if not early:
        return early
    batch = meeting.items.filter(state=ItemState.OPEN, is_consent=True)
    return decide(gate("" if batch.exists() else _("There are no consent items.")))


def _published(meeting: Meeting) -> Check:
    words = _("The agenda is not published yet: what waits for the board joins it by itself.")
    return gate("" if meeting.is_published else words)


def _unpublished(meeting: Meeting) -> Check:
    if meeting.agenda_published_at is None:
        return None
    day = date_format(timezone.localtime(meeting.agenda_published_at), "j F Y")
    return gate(_("The agenda was published on %s.") % day)


def _no_ballot(meeting: Meeting) -> Check:
    return gate(_("A ballot is about what it was called for.") if meeting.is_ballot else "")
