"""Agendas: what is on them, what could be, and which of them are due."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from changes.models import BoardDecision, Change
from changes.story import known_as
from changes.turns import askers
from expansive_cm.numbers import LARGEST_KEY
from expansive_cm.statements import Given, ObjectStatement
from expansive_cm.sure import sure

from ..models import AgendaItem, AgendaVersion, Board, BoardOutcome, Meeting, Vote
from ..states import NOT_CLOSED, ItemState, MeetingState
from .among import among
from .boards import waiting_for, waiting_with_items
from .meetings import first_of, meetings, meetings_shown, upcoming, upcoming_there

LEFT = (ItemState.DEFERRED, ItemState.DROPPED)
"""What has left an agenda without an outcome."""
ORDER_RESTS = timedelta(minutes=5)
"""So long after the last step a new order is taken to be finished."""
LONGEST_CUTOFF = timedelta(days=75)
"""More than the working days that a board can set for its cut-off, whatever the holidays."""


def open_item_of(change: Change) -> AgendaItem | None:
    """The item under which the change is on an agenda now."""
    return next(iter(OPEN_ITEM.objects(change=change.pk)), None)


OPEN_ITEM = ObjectStatement(
    lambda: (
        AgendaItem.objects.filter(change=Given("change"), state=ItemState.OPEN)
        .select_related("meeting__board")
        .order_by("pk")
    )
)


def waiting_to_join(board: Board, room: int, most: int) -> list[Change]:
    """Changes that wait for a board without an item, in the order in which they join an agenda.

    Those that return with answers or were carried over are all there, new ones as far as there is
    room; together they are at most so many.
    """
    known = _first_to_join(board, most, came_before=True)
    return known + _first_to_join(board, min(room, most) - len(known), came_before=False)


def _first_to_join(board: Board, most: int, *, came_before: bool) -> list[Change]:
    if most <= 0:
        return []
    # One statement for all up to a power of two: each connection keeps the plan of each.
    enough = 1 << (most - 1).bit_length()
    return _joining(enough, came_before=came_before).objects(board=board.pk)[:most]


@cache
def _joining(most: int, *, came_before: bool) -> ObjectStatement[Change]:
    """Return the statement for so many changes at most that were at a board before, or were not."""
    of_change = {"change": OuterRef("pk"), "path": OuterRef("path")}
    deferred = AgendaItem.objects.filter(state=ItemState.DEFERRED, **of_change)
    standing = BoardDecision.objects.filter(taken_back_at=None, **of_change)
    before = Exists(deferred) | Exists(standing)

    def wanted() -> QuerySet[Change]:
        waiting = waiting_for(Given("board")).exclude(agenda_items__state=ItemState.OPEN)
        waiting = waiting.order_by(F("urgency").desc(nulls_last=True), "submitted_at", "pk")
        return (waiting.filter(before) if came_before else waiting.exclude(before))[:most]

    return ObjectStatement(wanted)


def next_agenda(board: Board, after: Meeting | None = None) -> Meeting | None:
    """The next meeting whose agenda still fills itself, as it is not published yet.

    ``after`` names a meeting that it must come after.
    """
    if after is None:
        return first_of(board, NEXT_AGENDA, today=board.today)
    found = upcoming(board).filter(agenda_published_at=None)
    return found.exclude(pk=after.pk).filter(starts_at__gte=after.starts_at).first()


NEXT_AGENDA = ObjectStatement(lambda: upcoming_there().filter(agenda_published_at=None)[:1])


def due_agendas(now: datetime) -> list[Meeting]:
    """Meetings whose cut-off has passed and whose agenda is not published, the first first.

    A meeting whose day is over is left out: nobody needs its agenda any more.
    """
    day = now.date()
    found = meetings().filter(
        state=MeetingState.SCHEDULED,
        agenda_published_at=None,
        board__is_active=True,
        date__range=(day - timedelta(days=1), day + LONGEST_CUTOFF),
    )
    return [
        meeting
        for meeting in found.order_by("starts_at", "pk")
        if meeting.cutoff_at <= now and meeting.date >= meeting.board.today
    ]


def orders_to_settle(now: datetime) -> QuerySet[Meeting]:
    """Meetings with a new order, finished some minutes ago, that no published version shows."""
    opened = meetings_shown().filter(state__in=NOT_CLOSED, date__gte=now.date() - timedelta(days=2))
    finished = opened.filter(reordered_at__gt=F("agenda_at"), reordered_at__lte=now - ORDER_RESTS)
    return finished.order_by("pk")


def late_candidates(meeting: Meeting) -> list[Change]:
    """Changes that wait for the board and are not on this agenda, the most urgent first.

    Each knows by ``open_items`` the agenda it is on, if any. What is being voted on elsewhere,
    in a running meeting or a ballot, is left out.
    """
    elsewhere = AgendaItem.objects.filter(
        Q(meeting=meeting) | Q(meeting__state=MeetingState.RUNNING),
        change=OuterRef("pk"),
        state=ItemState.OPEN,
    )
    waiting = waiting_with_items(meeting.board).filter(~Exists(elsewhere))
    return list(waiting.order_by(F("urgency").desc(nulls_last=True), "submitted_at", "pk"))


def moved_from(meeting: Meeting) -> QuerySet[AgendaItem]:
    """Items that were once on this meeting's agenda and are on another now."""
    once = AgendaItem.history.filter(meeting=meeting).values("id")
    moved = AgendaItem.objects.filter(pk__in=once).exclude(meeting=meeting)
    return moved.select_related("meeting__board", "change").order_by("meeting__starts_at", "pk")


def open_items_of(meeting: Meeting) -> QuerySet[AgendaItem]:
    """The items of a meeting that are still to be decided, in the order of the agenda."""
    return meeting.items.filter(state=ItemState.OPEN).order_by("is_consent", "position", "pk")


def agenda_of(meeting: Meeting) -> list[AgendaItem]:
    """Return the items of a meeting with people, votes and outcomes, in two queries.

    They come in the order in which they are taken: consent items last. Each change knows all of
    its visits to the board by ``agenda_items``, and they their votes. A change that was deferred
    or taken off and has come back to this very agenda stands on it once.
    """
    return _on_agenda(meeting, VISITS, VOTES)


def votes_of(meeting: Meeting) -> list[AgendaItem]:
    """Return the items of ``agenda_of`` with what counting their votes takes, in two queries."""
    return _on_agenda(meeting, VISITS_IN_SHORT, VOTES_IN_SHORT)


def _visits(*related: str) -> QuerySet[AgendaItem]:
    """Every visit to the board of the changes on an agenda."""
    on_it = AgendaItem.objects.filter(meeting=Given("meeting"))
    visits = AgendaItem.objects.filter(among("change", on_it.values("change")))
    asked = {askers.EARLIER: askers.with_earlier("change")}
    return visits.annotate(**asked).select_related(*related).order_by("position", "pk")


def _votes(*related: str) -> QuerySet[Vote]:
    """Every vote at these visits."""
    on_it = AgendaItem.objects.filter(meeting=Given("meeting"))
    votes = Vote.objects.filter(among("item__change", on_it.values("change")))
    return votes.select_related(*related) if related else votes


VISITS = ObjectStatement(
    lambda: _visits(
        "meeting__board",
        "change__organisation__success_team",
        "change__requester",
        "change__raised_by",
        "change__owner",
        "change__promised_release",
        "outcome__decision",
        "outcome__recorded_by",
        "presenter",
        "pulled_by",
    )
)
VOTES = ObjectStatement(lambda: _votes("member", "for_member"))
VISITS_IN_SHORT = ObjectStatement(lambda: _visits("change", "outcome__decision"))
VOTES_IN_SHORT = ObjectStatement(_votes)


def _on_agenda(
    meeting: Meeting, visits: ObjectStatement[AgendaItem], votes: ObjectStatement[Vote]
) -> list[AgendaItem]:
    found: list[AgendaItem] = []
    visiting = visits.objects(meeting=meeting.pk)
    cast: dict[int, list[Vote]] = defaultdict(list)
    for vote in votes.objects(meeting=meeting.pk) if visiting else ():
        cast[vote.item_id].append(vote)
    for visit in visiting:
        for vote in cast[visit.pk]:
            vote.item = visit
        known_as(visit, "votes", cast[visit.pk])
    for of_change in _by_change(visiting):
        known_as(of_change[0].change, "agenda_items", of_change)
        setattr(of_change[0].change, askers.EARLIER, getattr(of_change[0], askers.EARLIER))
        found += _standing([visit for visit in of_change if visit.meeting_id == meeting.pk])
    for item in found:
        item.meeting = meeting
    return sorted(found, key=_as_taken)


def _corrected(one: BoardOutcome) -> int:
    """Return the item whose outcome this one corrects."""
    return sure(sure(one.decision.corrects).board_outcome.item_id)


def corrections_of(meeting: Meeting) -> dict[int, BoardOutcome]:
    """Return the outcomes that correct what was decided at a meeting, by its items. One query."""
    found = BoardOutcome.objects.filter(
        decision__corrects__board_outcome__item__meeting=meeting, item__isnull=False
    )
    later = found.select_related("decision__corrects__board_outcome", "item", "recorded_by")
    return {_corrected(one): one for one in later}


def entries_on(meeting: Meeting) -> list[AgendaItem]:
    """Return the items of ``agenda_of`` with what a line of the agenda says, in one query."""
    found = []
    for of_change in _by_change(ENTRIES.objects(meeting=meeting.pk)):
        found += _standing(of_change)
    for item in found:
        item.meeting = meeting
    return sorted(found, key=_as_taken)


def next_open(items: Sequence[AgendaItem], current: int | None) -> AgendaItem | None:
    """Return the next open one of an agenda in its order: from the current one on, then before it.

    ``current`` is the key of the item that the meeting is at; without one it is the first.
    """
    start = next((place for place, item in enumerate(items, 1) if item.pk == current), 0)
    order = [*items[start:], *items[: max(0, start - 1)]]
    return next((item for item in order if item.is_open), None)


ENTRIES = ObjectStatement(
    lambda: (
        AgendaItem.objects.filter(meeting=Given("meeting"))
        .select_related("change__organisation", "presenter")
        .order_by("position", "pk")
    )
)


def item_there(key: int) -> AgendaItem:
    """Return an item with its meeting and board. Raises AgendaItem.DoesNotExist."""
    if key > LARGEST_KEY:
        raise AgendaItem.DoesNotExist
    return ITEM.get(item=key)


ITEM = ObjectStatement(
    lambda: AgendaItem.objects.filter(pk=Given("item")).select_related("meeting__board")
)


def _as_taken(item: AgendaItem) -> tuple[bool, int, int]:
    return item.is_consent, item.position, item.pk


def _standing(visits: list[AgendaItem]) -> list[AgendaItem]:
    """Leave out the visits of one change to a meeting that a later one stands in for."""
    last = max((visit.pk for visit in visits), default=None)
    return [visit for visit in visits if visit.pk == last or visit.state not in LEFT]


def _by_change(visits: Iterable[AgendaItem]) -> Iterable[list[AgendaItem]]:
    """Return the visits of each change, which they share as one object."""
    found: dict[int, list[AgendaItem]] = {}
    for visit in visits:
        of_change = found.setdefault(visit.change_id, [])
        of_change.append(visit)
        visit.change = of_change[0].change
    return found.values()


def last_version(meeting: Meeting) -> AgendaVersion | None:
    """The agenda of a meeting as it was last published, without its entries.

    Costs no query where the meeting was loaded by ``meetings_shown``.
    """
    shown: Any = meeting
    if not hasattr(meeting, "agenda_number"):
        return meeting.agenda_versions.defer("entries").order_by("-number").first()
    if shown.agenda_number is None:
        return None
    return AgendaVersion(meeting=meeting, number=shown.agenda_number, published_at=shown.agenda_at)
