"""An agenda is published at its cut-off: frozen, versioned, and mailed to the members."""

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User

from .. import agenda_messages
from ..models import AgendaVersion, Meeting
from ..states import MeetingState
from .agenda import arranged, fill_agenda, lock_items, number_items
from .core import save, take_step
from .offers import refresh_offers
from .versions import record_version


def publish_agenda(meeting: Meeting, *, actor: User | None = None) -> AgendaVersion | None:
    """Publish the agenda of a meeting: at its cut-off, or before by the chair or the deputy.

    Without an actor the cut-off itself acts: once it has passed, however long ago, and only if
    nobody was quicker; otherwise nothing happens and None is returned. Effects: what waits until
    now joins the agenda, consent items are named and come last, version 1 is kept, and every
    seat is mailed the agenda with what is left for that person to vote on. From now on nothing
    joins by itself.
    """
    with take_step("publish_agenda", meeting, actor=actor) as step:
        if actor is None and not _is_due(step.on):
            step.happened = False
            return None
        return publish(step.on, actor=actor)


def _is_due(meeting: Meeting) -> bool:
    """Whether the cut-off has passed; asked again under the lock, as meetings are moved."""
    waits = meeting.state == MeetingState.SCHEDULED and not meeting.is_published
    return waits and meeting.cutoff_at <= timezone.now()


def publish(
    meeting: Meeting, *, actor: User | None, fills: bool = True, reason: str = ""
) -> AgendaVersion | None:
    """Publish the agenda of a locked meeting; what waits joins it unless it was chosen."""
    if fills:
        fill_agenda(meeting.board, actor=actor, meeting=meeting)
    refresh_offers(meeting, actor=actor)
    number_items(arranged(lock_items(meeting)), actor=actor)
    meeting.agenda_published_at = timezone.now()
    save(meeting, actor=actor, reason="published the agenda")
    version = record_version(meeting, actor=actor, reason=reason)
    agenda_messages.agenda_published(meeting)
    return version


def settle_agenda(meeting: Meeting, *, actor: User) -> None:
    """Fix the agenda of a locked meeting that is about to begin; publish it if need be.

    From now on no vote makes an item a consent item; one that loses its consent is named when
    the batch is recorded.
    """
    if not meeting.is_published:
        publish(meeting, actor=actor)
        return
    refresh_offers(meeting, actor=actor)
    number_items(arranged(lock_items(meeting)), actor=actor)
    record_version(meeting, actor=actor, reason=_("As the meeting was opened."))
