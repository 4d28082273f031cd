"""The agenda, which fills itself with what waits for the board until it is published."""

import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate

from django.db import OperationalError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from changes.lifecycle.board import to_correct
from changes.models import Change, Event
from changes.process import past_words
from changes.states import State
from expansive_cm.statements import Given, ObjectStatement, Statement, given_keys, is_one_of
from expansive_cm.workflow.acts import acting

from .. import agenda_messages, queries
from ..models import AgendaItem, Board, Meeting
from ..states import ItemState
from .core import lock_board, save
from .offers import withdraw_offers
from .versions import record_version

logger = logging.getLogger(__name__)

Kind = AgendaItem.Kind
ORDER = (Kind.RETURNING, Kind.CORRECTION, Kind.CARRIED, Kind.NEW)
"""What comes first on an agenda."""
LONGEST = 200
"""New changes join an agenda by themselves while it has fewer open items than this."""
MOST_AT_ONCE = 500
"""So many changes join in one transaction at most; the next minute goes on with the rest."""


def fill_agenda(
    board: Board, *, actor: User | None = None, meeting: Meeting | None = None
) -> list[AgendaItem]:
    """Give every change that waits for the board an item on the next agenda.

    That is the next one which is not published yet; while there is none, changes wait without an
    item. Idempotent, and safe when run twice at once. Effects: items of changes that no longer
    wait are dropped, from published agendas too; items of meetings that are not held move on
    with their votes; changes without an item get one, those that return with answers first, then
    those carried over, then new ones by urgency and age, as far as the agenda has room for them
    (``LONGEST``); the members are told of answers that have come. A change that cannot join is
    logged and stops no other. ``meeting`` names the agenda to fill instead. Returns the new items.
    """
    with acting():
        board = lock_board(board.pk)
        drop_departed(board, actor=actor)
        withdraw_offers(board, actor=actor)
        target = meeting or queries.next_agenda(board)
        if target is None:
            return []
        for source in queries.left_behind(board):
            if source == target:
                continue
            remark = source.cancel_reason or _("The meeting was not held.")
            move_items(source, target, actor=actor, remark=remark)
        added = _waiting_without_item(board, target)
        for agenda in {item.meeting for item in added}:
            joining = [item for item in added if item.meeting == agenda]
            _join(agenda, joining, actor)
        added = [item for item in added if item.pk]
    return added


def _join(agenda: Meeting, items: Sequence[AgendaItem], actor: User | None) -> None:
    """Put new items on an agenda and tell of answers; one by one where it fails for all."""
    try:
        with transaction.atomic():  # a savepoint: one bad row stops nothing but itself
            place(agenda, items, actor=actor, reason="put on the agenda")
            for item in items:
                if item.kind == Kind.RETURNING:
                    agenda_messages.returned(item)
    except OperationalError:
        raise
    except Exception:
        for item in items:
            item.pk, item._state.adding = None, True
        if len(items) > 1:
            for item in items:
                _join(agenda, [item], actor)
        else:
            logger.exception("Could not put %s on an agenda; tried again later", items[0].change)


def drop_departed(board: Board, *, actor: User | None) -> None:
    """Take changes off the agenda that were withdrawn, reclassified or went to another board.

    A published agenda gets a new version that says so.
    """
    departed = DEPARTED.objects(board=board.pk)
    dropped: dict[Meeting, list[str]] = defaultdict(list)
    why = _why_departed([item.change_id for item in departed])
    for item in departed:
        item.drop(" ".join([_("The change no longer waits for this board."), *why[item.change_id]]))
        save(item, actor=actor, reason="taken off the agenda")
        dropped[item.meeting].append(item.change.reference)
    for meeting, references in dropped.items():
        reason = _("Taken off: %s.") % ", ".join(references)
        record_version(meeting, actor=actor, reason=reason)


def _departed() -> QuerySet[AgendaItem]:
    board = Given("board")
    return (
        AgendaItem.objects.select_for_update(no_key=True, of=("self",))
        .select_related("change", "meeting__board")
        .filter(state=ItemState.OPEN, meeting__board=board)
        .filter(
            ~Q(change__state=State.BOARD)
            | ~Q(change__path=F("path"))
            | ~Q(change__in=queries.changes_of(board))
        )
        .order_by("pk")
    )


DEPARTED = ObjectStatement(_departed)


def _why_departed(changes: Sequence[int]) -> dict[int, list[str]]:
    """Return who took each change away from the board and why, where somebody did."""
    found: dict[int, list[str]] = {change: [] for change in changes}
    for event in LEFT_BOARD.objects(changes=list(changes)) if changes else ():
        who = event.actor_name or _("The system")
        words = {"name": who, "act": past_words(event.verb), "reason": event.reason}
        found[event.change_id] = [
            _("%(name)s %(act)s: %(reason)s") % words
            if event.reason
            else _("%(name)s %(act)s.") % words
        ]
    return found


LEFT_BOARD = ObjectStatement(
    lambda: (
        Event.objects.filter(is_one_of("change", given_keys("changes")), from_state=State.BOARD)
        .exclude(to_state=State.BOARD)
        .order_by("pk")
    )
)


def follow_departure(change: Change, event: Event) -> None:
    """Take a change off its agenda as soon as somebody has taken it away from the board.

    Every minute does the same (``fill_agenda``), should this fail.
    """
    if event.from_state != State.BOARD or event.to_state == State.BOARD:
        return
    item = queries.open_item_of(change)
    if item is not None:
        with acting():
            drop_departed(lock_board(item.meeting.board_id), actor=None)


def move_items(source: Meeting, target: Meeting, *, actor: User | None, remark: str) -> None:
    """Move the open items of a meeting that is not held, with the votes cast so far."""
    items = lock_open_items(source)
    for item in items:
        item.meeting, item.remark, item.late_reason = target, remark_on(item, remark), ""
    place(target, items, actor=actor, reason=f"moved to {target}: {remark}")


def lock_open_items(meeting: Meeting) -> list[AgendaItem]:
    """Return the open items of a meeting under their locks, which no vote can then pass."""
    return _known_there(meeting, OPEN_LOCKED)


def lock_items(meeting: Meeting) -> list[AgendaItem]:
    """Return all items of a meeting under their locks, in order, consent items last."""
    return _known_there(meeting, LOCKED)


def _known_there(meeting: Meeting, statement: ObjectStatement[AgendaItem]) -> list[AgendaItem]:
    """Return the items of a meeting that a statement finds; they know their meeting."""
    found = statement.objects(meeting=meeting.pk)
    for item in found:
        item.meeting = meeting
    return found


def _locked() -> QuerySet[AgendaItem]:
    items = AgendaItem.objects.filter(meeting=Given("meeting"))
    return items.select_for_update(no_key=True, of=("self",))


OPEN_LOCKED = ObjectStatement(lambda: _locked().filter(state=ItemState.OPEN).order_by("pk"))
LOCKED = ObjectStatement(
    lambda: _locked().select_related("change").order_by("is_consent", "position", "pk")
)


def _waiting_without_item(board: Board, meeting: Meeting) -> list[AgendaItem]:
    """Return an unsaved item for each change that waits and for which there is room.

    What was deferred from this very agenda goes to the one after it, or waits until there is one.
    """
    there = OPEN_OR_DEFERRED.rows(meeting=meeting.pk)
    deferred = {change for state, change in there if state == ItemState.DEFERRED}
    held = sum(state == ItemState.OPEN for state, _change in there)
    waiting = queries.waiting_to_join(board, max(LONGEST - held, 0), MOST_AT_ONCE)
    after = queries.next_agenda(board, after=meeting) if deferred else None
    places = [(change, after if change.pk in deferred else meeting) for change in waiting]
    return [new_item(change, agenda) for change, agenda in places if agenda is not None]


OPEN_OR_DEFERRED = Statement(
    lambda: AgendaItem.objects.filter(
        meeting=Given("meeting"), state__in=(ItemState.OPEN, ItemState.DEFERRED)
    ).values_list("state", "change"),
    planned_once=True,
)


def new_item(change: Change, meeting: Meeting) -> AgendaItem:
    """Return an unsaved item that says why the change comes: with answers, undecided, newly.

    What is carried over keeps presenter, time box and speaker notes; it is voted on anew. On the
    agenda of another board it comes without the notes, which are for those who sat there.
    """
    last = next(iter(LAST_VISIT.objects(change=change.pk, path=change.path)), None)
    item = AgendaItem(change=change, meeting=meeting, path=change.path)
    if last is not None and last.state == ItemState.DEFERRED:
        item.kind = Kind.CARRIED
        item.presenter, item.time_box = last.presenter, last.time_box
        if last.meeting.board_id == meeting.board_id:
            item.notes = last.notes
    standing = list(change.board_decisions.filter(taken_back_at=None, path=change.path))
    if item.kind != Kind.CARRIED:
        item.kind = Kind.RETURNING if standing else Kind.NEW
    if any(one.settles for one in standing):
        item.remark = what_it_corrects(change)
    if item.remark:
        newest = max(standing, key=lambda one: one.pk)
        item.kind = Kind.CORRECTION if newest.settles else Kind.RETURNING
    return item


LAST_VISIT = ObjectStatement(
    lambda: (
        AgendaItem.objects.filter(change=Given("change"), path=Given("path"))
        .exclude(state=ItemState.DROPPED)
        .select_related("meeting")
        .order_by("-pk")[:1]
    )
)


def what_it_corrects(change: Change) -> str:
    """Say which decision the board decides again, and why; "" where it does not."""
    former = to_correct(change)
    asked = change.events.filter(verb="reconsider_decision").order_by("-pk").first()
    if former is None or asked is None:
        return ""
    return _("Correction of the decision of %(day)s (%(outcome)s): %(reason)s") % {
        "day": date_format(timezone.localtime(former.recorded_at), "j F Y"),
        "outcome": former.get_outcome_display(),
        "reason": asked.reason,
    }


def remark_on(item: AgendaItem, words: str) -> str:
    """Return a new remark on an item, below what it corrects: that is told wherever it goes."""
    comes_again = item.kind in (Kind.CORRECTION, Kind.RETURNING)
    corrects = what_it_corrects(item.change) if comes_again else ""
    return "\n".join(filter(None, (corrects, words)))


def rank(item: AgendaItem) -> tuple[object, ...]:
    """Return what decides where an item joins an agenda: why it comes, urgency, age."""
    change = item.change
    asked_at = change.submitted_at or change.created_at
    return (ORDER.index(Kind(item.kind)), -(change.urgency or 0), asked_at, change.pk)


def place(
    meeting: Meeting,
    items: Sequence[AgendaItem],
    *,
    actor: User | None,
    reason: str,
    at_the_end: bool = False,
) -> None:
    """Save items where they belong on an agenda, the consent items after all others.

    The order among the others stands, as the chair may have made it: each joins behind the last
    item that goes before it by ``rank``, or behind everything but the consent items.
    """
    joining = {item.pk for item in items if item.pk}
    standing = [item for item in lock_items(meeting) if item.pk not in joining]
    others = [item for item in standing if not item.is_consent]
    # What comes first of all that stands from each place on. These ranks rise, so the last item
    # that goes before a joining one is found by bisection.
    lowest = list(accumulate((rank(item) for item in reversed(others)), min))[::-1]
    behind: dict[int, list[AgendaItem]] = defaultdict(list)
    for item in sorted(items, key=rank):
        number = len(others) if at_the_end else bisect_right(lowest, rank(item))
        behind[number].append(item)
    order = list(behind[0])
    for number, item in enumerate(others, 1):
        order += [item, *behind[number]]
    order += [item for item in standing if item.is_consent]
    number_items(arranged(order), actor=actor, joining=items, reason=reason)


def arranged(items: Sequence[AgendaItem]) -> list[AgendaItem]:
    """Return the items as they stand, behind them the consent items by ``rank``."""
    consent = [item for item in items if item.is_consent]
    return [item for item in items if not item.is_consent] + sorted(consent, key=rank)


def number_items(
    order: Sequence[AgendaItem],
    *,
    actor: User | None,
    joining: Sequence[AgendaItem] = (),
    reason: str = "",
) -> None:
    """Give locked items the positions in which they come; saves what changes or joins."""
    joins = {id(item) for item in joining}
    for position, item in enumerate(order, 1):
        if id(item) in joins or item.position != position:
            item.position = position
            words = reason if id(item) in joins else "moved on the agenda"
            save(item, actor=actor, reason=words)
