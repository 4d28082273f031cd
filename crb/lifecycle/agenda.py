"""The agenda, which fills itself with what waits for the board."""

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from accounts.models import User
from changes.models import Change
from changes.states import State

from .. import queries
from ..models import AgendaItem, Board, Meeting
from ..states import ItemState
from .core import lock_board, save

Kind = AgendaItem.Kind
ORDER = (Kind.RETURNING, Kind.CARRIED, Kind.NEW)
"""What comes first on an agenda."""


def fill_agenda(
    board: Board, *, actor: User | None = None, meeting: Meeting | None = None
) -> list[AgendaItem]:
    """Give every change that waits for the board an item on its next meeting.

    Idempotent, and safe when run twice at once. Effects: items of changes that no longer wait
    are dropped; items of meetings that nobody opened move on with their votes; changes without
    an item get one, those that return with answers first, then those carried over, then new
    ones. ``meeting`` names the meeting to fill instead of the next one. Returns the new items.
    """
    with transaction.atomic():
        board = lock_board(board.pk)
        drop_departed(board, actor=actor)
        target = meeting or queries.next_meeting(board)
        if target is None:
            return []
        for missed in queries.not_held(board).exclude(pk=target.pk):
            move_items(missed, target, actor=actor, remark=_("The meeting was not held."))
        return _add_waiting(board, target, actor)


def drop_departed(board: Board, *, actor: User | None) -> None:
    """Take changes off the agenda that were withdrawn, reclassified or went to another board."""
    departed = (
        AgendaItem.objects.select_for_update(no_key=True, of=("self",))
        .filter(state=ItemState.OPEN, meeting__board=board)
        .filter(
            ~Q(change__state=State.BOARD)
            | ~Q(change__path=F("path"))
            | ~Q(change__in=queries.changes_of(board))
        )
        .order_by("pk")
    )
    for item in departed:
        item.drop(_("The change no longer waits for this board."))
        save(item, actor=actor, reason="taken off the agenda")


def move_items(source: Meeting, target: Meeting, *, actor: User | None, remark: str) -> None:
    """Move the open items of a meeting that is not held, with the votes cast so far."""
    for item in lock_open_items(source):
        item.meeting = target
        item.remark = remark
        item.position = _last_position(target) + 1
        save(item, actor=actor, reason=f"moved to {target}: {remark}")


def lock_open_items(meeting: Meeting) -> list[AgendaItem]:
    """Return the open items of a meeting under their locks, which no vote can then pass."""
    items = meeting.items.filter(state=ItemState.OPEN)
    return list(items.select_for_update(no_key=True, of=("self",)).order_by("pk"))


def _last_position(meeting: Meeting) -> int:
    return max(meeting.items.values_list("position", flat=True), default=0)


def _add_waiting(board: Board, meeting: Meeting, actor: User | None) -> list[AgendaItem]:
    waiting = queries.waiting_for(board).exclude(agenda_items__state=ItemState.OPEN)
    ordered = waiting.order_by(F("urgency").desc(nulls_last=True), "submitted_at", "pk")
    added = [
        AgendaItem(change=change, meeting=meeting, path=change.path, kind=kind_of(change))
        for change in ordered
    ]
    added.sort(key=lambda item: ORDER.index(item.kind))
    if added:
        _place(meeting, added, actor)
    return added


def kind_of(change: Change) -> str:
    """Say why a change comes: with answers, undecided from an earlier meeting, or newly."""
    visits = change.agenda_items.filter(path=change.path).order_by("-pk")
    last = visits.exclude(state=ItemState.DROPPED).first()
    if last is not None and last.state == ItemState.DEFERRED:
        return Kind.CARRIED
    decided = change.board_decisions.filter(path=change.path).exists()
    return Kind.RETURNING if decided else Kind.NEW


def _place(meeting: Meeting, added: list[AgendaItem], actor: User | None) -> None:
    """Save new items behind those of the same kind; the order among the others stands.

    While the meeting runs everything new goes to the end, so that nothing moves under the
    people's eyes.
    """
    existing = list(meeting.items.select_for_update(no_key=True).order_by("position", "pk"))
    order = existing + added
    if not meeting.is_running:
        order.sort(key=lambda item: ORDER.index(item.kind))
    for position, item in enumerate(order, 1):
        if item.pk is None or item.position != position:
            reason = "put on the agenda" if item.pk is None else "moved on the agenda"
            item.position = position
            save(item, actor=actor, reason=reason)
