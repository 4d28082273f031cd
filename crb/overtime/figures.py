"""The board over time: every figure is counted from a queryset that a page can list.

Which decisions count
    All that stand. What was taken back is none, and of one that the board corrected later only
    the correction counts, on its own day. A change that was asked about and came back has two,
    and one that was reclassified later keeps its own. An item that was deferred has no decision
    yet.

Days from submission to decision
    Whole days, where the board meets, from the change's first submission to the decision that
    settled the request: accepted, accepted as a priority or rejected. "Information required"
    settles nothing, so the time until the answers came and the board met again is counted in.
    Reclassifying does not start the count anew: the requester has been waiting all along.

What has become of a promise
    Kept or late is the day on which the change was closed: ``changes/promises`` says so. It goes
    by what was promised at first, open and overdue by what is promised now: no board makes a
    better past by moving its promises.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypedDict, cast
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import (
    Case,
    Count,
    DateField,
    Exists,
    F,
    Func,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, JSONObject, TruncDate, TruncMonth
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.standing import Anybody, Standing, given_of
from changes import promises as promises_of
from changes.models import BoardDecision
from changes.models.board import ACCEPTING
from changes.queries import visible_to
from changes.states import OPEN, State
from expansive_cm.database.aggregates import Percentile
from expansive_cm.statements import Given, ObjectStatement, Statement

from .. import queries
from ..models import Board, BoardOutcome, Meeting
from ..periods import GIVEN, Period, counted_on
from ..presence import SEATS, seats_held
from ..queries.meetings import found_of, of_given_board
from ..states import MeetingState

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Figured(TypedDict):
        counted_on: date
        days: int
        promise: str

    Figured = WithAnnotations[BoardOutcome, _Figured]

Outcome = BoardDecision.Outcome
SETTLING = (*ACCEPTING, Outcome.REJECTED)
"""The outcomes that settle a request."""

IS_SETTLED = Q(decision__outcome__in=SETTLING, item__change__submitted_at__isnull=False)
AT = "item__change__"
"""From an outcome to its change."""
PROMISES = Q(
    decision__outcome__in=ACCEPTING,
    item__change__path=F("decision__path"),
    item__change__state__in=sorted(OPEN),
) & ~Q(item__change__promise="")
"""Whose promise is open, overdue or not. The last two conditions are those of an index."""

IS_CORRECTED = Exists(
    BoardDecision.objects.filter(corrects=OuterRef("decision"), taken_back_at=None)
)
"""Of a decision and its correction only the correction counts."""


class PromiseState(models.TextChoices):
    """What has become of what an acceptance promised."""

    OPEN = "open", _("Open")
    OVERDUE = "overdue", _("Overdue")
    KEPT = "kept", _("Kept")
    LATE = "late", _("Kept late")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    VOID = "void", _("Void, reclassified")


DATED = frozenset({PromiseState.OPEN, PromiseState.OVERDUE, PromiseState.KEPT, PromiseState.LATE})
"""Promises whose date says something."""


# Decisions ----------------------------------------------------------------------------------


def decisions(board: Board, user: User, now: datetime | Given | None = None) -> "QuerySet[Figured]":
    """What the board decided on changes that the person sees, as ``with_figures`` has it."""
    found = BoardOutcome.objects.filter(
        item__meeting__board=board, item__change__in=visible_to(user)
    )
    return with_figures(found.exclude(IS_CORRECTED), board, now)


def with_figures(
    found: QuerySet[BoardOutcome], board: Board, now: datetime | Given | None = None
) -> "QuerySet[Figured]":
    """Say of each decision when it counts, how many days it took and what became of its promise.

    A promise is judged as of now, unless another moment is given.
    """
    day, promise = counted_on(board, "item__meeting__"), _promise(now or timezone.now())
    return found.annotate(counted_on=day, days=_days(board), promise=promise)


def within(found: "QuerySet[Figured]", since: date, until: date) -> "QuerySet[Figured]":
    """Decisions of the meetings of these days, both included."""
    return found.filter(counted_on__gte=since, counted_on__lte=until)


def _days(board: Board) -> Func:
    zone = ZoneInfo(board.zone)
    return Func(
        TruncDate("recorded_at", tzinfo=zone),
        TruncDate("item__change__submitted_at", tzinfo=zone),
        template="(%(expressions)s)",
        arg_joiner=" - ",
        output_field=IntegerField(),
    )


def _promise(now: datetime | Given) -> Case:
    is_open = Q(item__change__state__in=sorted(OPEN))
    return Case(
        When(~Q(decision__outcome__in=ACCEPTING), then=Value("")),
        When(~Q(item__change__path=F("decision__path")), then=Value(PromiseState.VOID)),
        When(item__change__state=State.WITHDRAWN, then=Value(PromiseState.WITHDRAWN)),
        When(promises_of.overdue(now, AT), then=Value(PromiseState.OVERDUE)),
        When(is_open, then=Value(PromiseState.OPEN)),
        When(promises_of.closed_later_than_first(AT), then=Value(PromiseState.LATE)),
        default=Value(PromiseState.KEPT),
        output_field=models.CharField(),
    )


def with_promise(found: "QuerySet[Figured]", state: str) -> "QuerySet[Figured]":
    """Decisions of whose promise this has become.

    What is implied is said again in plain conditions, for which there are indexes.
    """
    if state in (PromiseState.OPEN, PromiseState.OVERDUE):
        found = found.filter(PROMISES)
    if state == PromiseState.OVERDUE:
        found = found.filter(promises_of.overdue(timezone.now(), AT))
    return found.filter(promise=state)


def settled(found: "QuerySet[Figured]") -> "QuerySet[Figured]":
    """Decisions that settled a request whose submission is known."""
    return found.filter(IS_SETTLED)


@dataclass(frozen=True)
class Duration:
    """How long decisions took, in days; None without any."""

    count: int = 0
    median: float | None = None
    p90: float | None = None

    @property
    def over(self) -> int:
        """The whole days that the slowest tenth took more than."""
        return int(self.p90 or 0)


def _duration() -> dict[str, Any]:
    """Return the aggregates that make a ``Duration``."""
    return {
        "count": Count("pk", filter=IS_SETTLED),
        "median": Percentile("days", 0.5, filter=IS_SETTLED),
        "p90": Percentile("days", 0.9, filter=IS_SETTLED),
    }


def durations_by_month(board: Board, user: User, period: Period) -> dict[date, Duration]:
    """How long decisions took, by the first day of the month of their meeting."""
    return {
        month: Duration(*duration) for month, *duration in _rows(_durations, board, user, period)
    }


@lru_cache(maxsize=64)
def _durations(standing: Standing, key: int, zone: str) -> Statement:
    month = Cast(TruncMonth("counted_on", output_field=DateField()), DateField())

    def durations() -> "QuerySet[BoardOutcome, Any]":
        found = settled(_decided_in(GIVEN, standing, key, zone)).annotate(month=month)
        return found.values_list("month").annotate(**_duration()).order_by("month")

    return Statement(durations)


def _rows(
    statement_of: Callable[[Standing, int, str], Statement],
    board: Board,
    user: User,
    period: Period,
) -> list[tuple[Any, ...]]:
    """Count a board's decisions of a period, as the person sees them."""
    statement = statement_of(Standing.of(user), board.pk, board.zone)
    return statement.rows(now=timezone.now(), **period.days, **given_of(user))


def _decided_in(period: Period, standing: Standing, key: int, zone: str) -> "QuerySet[Figured]":
    """What a board decided in a period, as people of a standing see it, for a statement."""
    board, user = Board(pk=key, zone=zone), cast(User, Anybody(standing))
    every = decisions(board, user, Given("now", models.DateTimeField()))
    return within(every, period.since, period.until)


@dataclass(frozen=True)
class MeetingFigures:
    """One meeting and how many decisions of each outcome it took."""

    meeting: Meeting
    counts: Mapping[str, int]


def outcomes_by_meeting(board: Board, user: User, period: Period) -> list[MeetingFigures]:
    """Meetings of the period that were held or are running, in order, with their decisions."""
    counts: dict[int, dict[str, int]] = {}
    for meeting, outcome, number in _rows(_outcomes, board, user, period):
        counts.setdefault(meeting, {})[outcome] = number
    opened = _opened(board.zone)
    return [
        MeetingFigures(one, counts.get(one.pk, {}))
        for one in found_of(board, opened, since=period.since, until=period.until)
        if not one.is_ballot or one.pk in counts
    ]


@lru_cache(maxsize=64)
def _outcomes(standing: Standing, key: int, zone: str) -> Statement:
    def outcomes() -> "QuerySet[BoardOutcome, Any]":
        found = _decided_in(GIVEN, standing, key, zone).order_by()
        rows = found.values_list("item__meeting", "decision__outcome")
        return rows.annotate(number=Count("pk"))

    return Statement(outcomes)


@lru_cache(maxsize=64)
def _opened(zone: str) -> ObjectStatement[Meeting]:
    """The meetings of a board in this zone and of a period that were held or are running."""

    def opened() -> QuerySet[Meeting]:
        states = (MeetingState.CLOSED, MeetingState.RUNNING)
        found = of_given_board().alias(counted=counted_on(Board(zone=zone)))
        found = found.filter(state__in=states, counted__gte=GIVEN.since, counted__lte=GIVEN.until)
        return found.order_by("counted", "starts_at", "pk")

    return ObjectStatement(opened)


def promises(board: Board, user: User, period: Period) -> dict[str, int]:
    """What has become of the acceptances of a period: how many of each."""
    return {state: number for state, number in _rows(_promises, board, user, period) if number}


@lru_cache(maxsize=64)
def _promises(standing: Standing, key: int, zone: str) -> Statement:
    def promised() -> "QuerySet[BoardOutcome, Any]":
        found = _decided_in(GIVEN, standing, key, zone)
        accepted = found.filter(decision__outcome__in=ACCEPTING).order_by()
        return accepted.values_list("promise").annotate(number=Count("pk"))

    return Statement(promised)


# The headline -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Headline:
    """The figures on the board's page."""

    decided: int
    duration: Duration
    overdue: int
    promised: int
    """Promises that are open, the overdue among them."""
    questions: int
    oldest_question: datetime | None
    waiting: int
    seats: int
    taken: int

    @property
    def attendance(self) -> int | None:
        """Per cent of the seats that were taken, in person or by an alternate."""
        return round(100 * self.taken / self.seats) if self.seats else None


def headline(board: Board, user: User, period: Period) -> Headline:
    """Return the figures of the board's page. One query.

    What was decided of late and what is promised are a few of all decisions each, but not the
    same: counted apart, neither reads every change that the board ever had before it.
    """
    [row] = _rows(_headline, board, user, period)
    found = [json.loads(figures) if figures else {} for figures in row]
    decided, promises, asked, waiting, seats = found
    return Headline(
        decided=decided.pop("decided", 0),
        promised=promises.get("promised", 0),
        overdue=promises.get("overdue", 0),
        duration=Duration(**decided),
        questions=asked.get("count", 0),
        oldest_question=_moment(asked.get("oldest")),
        waiting=waiting.get("count", 0),
        seats=seats.get("held", 0),
        taken=seats.get("present", 0) + seats.get("alternate", 0),
    )


@lru_cache(maxsize=64)
def _headline(standing: Standing, key: int, zone: str) -> Statement:
    """One query for a board's figures, as people of a standing see them.

    Django takes longer to write it than PostgreSQL to answer it.
    """

    def figures() -> "QuerySet[Board, Any]":
        board, user = Board(pk=key, zone=zone), cast(User, Anybody(standing))
        is_late = promises_of.overdue(Given("now", models.DateTimeField()), AT)
        every = decisions(board, user)
        return Board.objects.filter(pk=key).values_list(
            _figures(
                within(every, GIVEN.since, GIVEN.until),
                "item__meeting__board",
                decided=Count("pk"),
                **_duration(),
            ),
            _figures(
                every.filter(PROMISES),
                "item__meeting__board",
                promised=Count("pk"),
                overdue=Count("pk", filter=is_late),
            ),
            _figures(
                queries.unanswered_questions(board, user),
                "answered_at",
                count=Count("pk"),
                oldest=Min("decision__recorded_at"),
            ),
            _figures(queries.waiting_for(board), "state", count=Count("pk")),
            _figures(seats_held(board, GIVEN), "board", **SEATS),
        )

    return Statement(figures)


def _figures(rows: QuerySet[Any], same: str, **aggregates: Any) -> Subquery:
    """Count rows, in all of which one field is the same, into one JSON object."""
    grouped = rows.order_by().values(same).annotate(figures=JSONObject(**aggregates))
    return Subquery(grouped.values("figures"))


def _moment(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
