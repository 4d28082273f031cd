"""Agendas as they were published: every version is kept."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User

from .. import queries
from ..models import AgendaItem, AgendaVersion, Meeting
from ..states import ItemState

ON_THE_AGENDA = (ItemState.OPEN, ItemState.DECIDED)
"""What was deferred or taken off stands on no later version."""


def record_version(meeting: Meeting, *, actor: User | None, reason: str) -> AgendaVersion | None:
    """Keep the agenda of a locked meeting as it is now, if it is published and has changed.

    What happens to it once the meeting is over is no version of it. A new order that no version
    shows yet is part of this one, and named with it.

    The board's lock, which every caller holds, makes the numbers follow one another.
    """
    if not (meeting.is_published and meeting.is_open):
        return None
    entries = entries_of(meeting)
    last = meeting.agenda_versions.order_by("-number").first()
    if last is not None and last.entries == entries:
        return None
    if last is not None and reason != new_order() and last_reorder(meeting):
        reason = f"{new_order()} {reason}"
    return AgendaVersion.objects.create(
        meeting=meeting,
        number=last.number + 1 if last else 1,
        published_by=actor,
        reason=reason,
        entries=entries,
    )


def new_order() -> str:
    """The reason of a version that shows nothing but another order."""
    return _("Put into another order.")


def last_reorder(meeting: Meeting) -> Any | None:
    """Return the last step of a new order that no version shows yet: who took it, and when."""
    last = meeting.agenda_versions.order_by("-number").first()
    steps = meeting.history.filter(history_change_reason=queries.REORDERED)
    return steps.filter(history_date__gt=last.published_at).first() if last else None


def settle_order(meeting: Meeting) -> AgendaVersion | None:
    """Make a version of the order that somebody has given to the agenda of a locked meeting."""
    step = last_reorder(meeting)
    if step is None:
        return None
    return record_version(meeting, actor=step.history_user, reason=new_order())


def entries_of(meeting: Meeting) -> list[dict[str, Any]]:
    """Return one entry per item, in order."""
    items = [item for item in queries.entries_on(meeting) if item.state in ON_THE_AGENDA]
    return [_entry(item) for item in items]


def _entry(item: AgendaItem) -> dict[str, Any]:
    return {
        "item": item.pk,
        "reference": item.change.reference,
        "title": item.change.title,
        "kind": item.kind,
        "organisation": str(item.change.organisation),
        "presenter": str(item.presenter) if item.presenter else "",
        "time_box": item.time_box,
        "is_consent": item.is_consent,
        "late_reason": item.late_reason,
    }
