"""Items for what is called for certain changes: a ballot, an extraordinary meeting."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from changes.models import Change
from expansive_cm.workflow.errors import StepIllegal

from .. import queries
from ..models import AgendaItem, Board, Meeting
from ..states import ItemState
from .agenda import new_item


def take_up(
    target: Meeting, changes: Sequence[Change]
) -> tuple[list[AgendaItem], dict[Meeting, list[AgendaItem]]]:
    """Return an item of each change for ``target``, and for each meeting those that leave it.

    That is the open item with its plan and votes, under its lock, or a new one; the caller
    places and saves them. Raises StepIllegal for a change that does not wait for this board, is
    in another ballot or on the agenda of a running meeting. The board is locked.
    """
    _check_waiting(target.board, changes)
    pks = [change.pk for change in changes]
    locked = AgendaItem.objects.select_for_update(no_key=True, of=("self",)).order_by("pk")
    found = {item.change_id: item for item in locked.filter(change__in=pks, state=ItemState.OPEN)}
    sources = {one.pk: one for one in Meeting.objects.filter(items__in=found.values())}
    items = []
    left: dict[Meeting, list[AgendaItem]] = {}
    for change in changes:
        item = found.get(change.pk) or new_item(change, target)
        if item.pk:
            source = sources[item.meeting_id]
            _check_movable(item, source)
            left.setdefault(source, []).append(item)
        item.meeting, item.is_consent, item.late_reason = target, False, ""
        items.append(item)
    return items, left


def _check_waiting(board: Board, changes: Sequence[Change]) -> None:
    waiting = set(queries.waiting_for(board).values_list("pk", flat=True))
    for change in changes:
        if change.pk not in waiting:
            raise StepIllegal(_("%s no longer waits for this board.") % change.reference)


def _check_movable(item: AgendaItem, source: Meeting) -> None:
    reference = item.change.reference
    if source.is_ballot:
        raise StepIllegal(_("%s is in another ballot already.") % reference)
    if source.is_running:
        raise StepIllegal(_("%s is on the agenda of the running meeting.") % reference)
