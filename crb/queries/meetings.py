"""Meetings to come, being held and held."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import (
    Case,
    Count,
    DateField,
    DateTimeField,
    Exists,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import Coalesce, RowNumber, TruncDate
from django.utils import timezone

from accounts.models import User
from changes.models import BoardDecision
from expansive_cm.numbers import LARGEST_KEY
from expansive_cm.statements import Given, ObjectStatement

from ..models import (
    AgendaItem,
    AgendaVersion,
    Board,
    Invitation,
    Meeting,
    Membership,
    Standing,
)
from ..models.board import day_there
from ..states import ItemState, MeetingKind, MeetingState
from .votes import SOMEBODY, left_for, sits

M = TypeVar("M", bound=Meeting)

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Shown(TypedDict):
        reordered_at: datetime | None
        agenda_at: datetime | None
        agenda_number: int | None

    class _Ahead(TypedDict):
        left_for_me: int

    Shown = WithAnnotations[Meeting, _Shown]
    Ahead = WithAnnotations[Meeting, _Ahead]

REORDERED = "reordered the agenda"
"""The reason in a meeting's history for each step by which somebody puts its agenda in order."""


def meetings() -> QuerySet[Meeting]:
    """Meetings with their board."""
    return Meeting.objects.select_related("board")


def meetings_shown() -> "QuerySet[Shown]":
    """Meetings as their pages show them: also with their minutes, but not the text of those.

    ``agenda_number`` and ``agenda_at`` are the last published agenda's (``agenda.last_version``);
    ``reordered_at`` is when somebody last put it into another order.
    """
    steps = Meeting.history.filter(id=OuterRef("pk"), history_change_reason=REORDERED)
    versions = AgendaVersion.objects.filter(meeting=OuterRef("pk")).order_by("-number")
    return (
        meetings()
        .select_related("minutes")
        .defer("minutes__content")
        .annotate(
            agenda_number=Subquery(versions.values("number")[:1]),
            agenda_at=Subquery(versions.values("published_at")[:1]),
            reordered_at=Subquery(steps.order_by("-history_date").values("history_date")[:1]),
        )
    )


def meeting_shown(key: int) -> Meeting:
    """Return the meeting of a key, as ``meetings_shown``. Raises Meeting.DoesNotExist."""
    if key > LARGEST_KEY:
        raise Meeting.DoesNotExist
    return SHOWN.get(meeting=key)


SHOWN = ObjectStatement(lambda: meetings_shown().filter(pk=Given("meeting")))


def meeting_with_minutes(key: int) -> Meeting:
    """Return the meeting of a key with the text of its minutes. Raises Meeting.DoesNotExist."""
    if key > LARGEST_KEY:
        raise Meeting.DoesNotExist
    return WITH_MINUTES.get(meeting=key)


WITH_MINUTES = ObjectStatement(
    lambda: meetings().select_related("minutes__published_by").filter(pk=Given("meeting"))
)


def upcoming(board: Board, now: datetime | None = None) -> QuerySet[Meeting]:
    """Meetings that are still to come, the next one first.

    One whose time has come but which nobody has opened counts as to come for the rest of its
    day, so that a chair who is late still finds it.
    """
    today = timezone.localtime(now, ZoneInfo(board.zone)).date() if now else board.today
    return _to_come(board.meetings, today)


def _to_come(rows: Any, today: date | Given) -> QuerySet[Meeting]:
    found: QuerySet[Meeting] = rows.filter(state=MeetingState.SCHEDULED, date__gte=today)
    return found.order_by("starts_at", "pk")


def of_given_board() -> QuerySet[Meeting]:
    """The meetings of the board that is given to a statement; see ``first_of``."""
    return Meeting.objects.filter(board=Given("board"))


def upcoming_there() -> QuerySet[Meeting]:
    """As ``upcoming``, of the board and on the day (``today``) that are given to a statement."""
    return _to_come(of_given_board(), Given("today", DateField()))


def found_of(board: Board, statement: ObjectStatement[M], **given: Any) -> list[M]:
    """Return the meetings of a board that a statement finds; they know their board."""
    found = statement.objects(board=board.pk, **given)
    for meeting in found:
        meeting.board = board
    return found


def first_of(board: Board, statement: ObjectStatement[M], **given: Any) -> M | None:
    """Return the first of ``found_of``, if there is one."""
    return next(iter(found_of(board, statement, **given)), None)


def running(board: Board) -> Meeting | None:
    """The meeting that is being held; the database allows one at a time."""
    return first_of(board, RUNNING)


RUNNING = ObjectStatement(
    lambda: of_given_board().filter(state=MeetingState.RUNNING).exclude(kind=MeetingKind.BALLOT)
)


def next_meeting(board: Board) -> Meeting | None:
    """The next meeting that is not closed yet: the running one, or the first to come."""
    return running(board) or first_of(board, FIRST_TO_COME, today=board.today)


FIRST_TO_COME = ObjectStatement(lambda: upcoming_there()[:1])


OPEN_AT_MOST = 8
"""How many of ``open_meetings`` are read: the running one, and some that a page shows to come."""


def open_meetings(board: Board, user: User) -> list[Meeting]:
    """The running meeting and the next to come, ``OPEN_AT_MOST``, with how full each agenda is.

    ``count_open`` items are on it, their time boxes are ``minutes_open`` together, and
    ``count_untimed`` of them have none. ``left_for_me`` is how many of them the person has yet to
    vote on, if they have a seat. One query.
    """
    return found_of(board, OPEN, today=board.today, person=user.pk)


def _open() -> QuerySet[Meeting]:
    to_come = Q(state=MeetingState.SCHEDULED, date__gte=Given("today", DateField()))
    held = of_given_board().filter(Q(state=MeetingState.RUNNING) | to_come)
    held = held.exclude(kind=MeetingKind.BALLOT)
    is_open = Q(items__state=ItemState.OPEN)
    counted = held.annotate(
        count_open=Count("items", filter=is_open),
        minutes_open=Sum("items__time_box", filter=is_open),
        count_untimed=Count("items", filter=is_open & Q(items__time_box=None)),
        left_for_me=left_for(SOMEBODY),
    )
    return counted.order_by("starts_at", "pk")[:OPEN_AT_MOST]


OPEN = ObjectStatement(_open)


AHEAD_AT_MOST = 24
"""So many of ``ahead_of`` are read."""
OF_A_BOARD = 4
"""So many to come are read of each board; some of the first may have been missed by today."""


def ahead_of(user: User, since: date) -> "list[Ahead]":
    """Meetings and ballots at which a person has a seat: open now, or to come from a day on.

    What is open comes first, each the first to begin first, at most ``AHEAD_AT_MOST``; of each
    board's to come the first ``OF_A_BOARD``. ``left_for_me`` is how many of the items wait for the
    person's vote. One query.
    """
    return AHEAD.objects(person=user.pk, since=since)


def _ahead() -> "QuerySet[Ahead]":
    to_come = Q(state=MeetingState.SCHEDULED, date__gte=Given("since", DateField()))
    found = meetings().filter(to_come | Q(state=MeetingState.RUNNING))
    place = Window(RowNumber(), partition_by=[F("board"), F("state")], order_by=["starts_at", "pk"])
    theirs = found.filter(sits(SOMEBODY, "board", "date")).annotate(left_for_me=left_for(SOMEBODY))
    theirs = theirs.alias(place=place).filter(
        Q(place__lte=OF_A_BOARD) | Q(state=MeetingState.RUNNING)
    )
    opened = Case(When(state=MeetingState.RUNNING, then=Value(0)), default=Value(1))
    return theirs.order_by(opened, "starts_at", "pk")[:AHEAD_AT_MOST]


AHEAD = ObjectStatement(_ahead)


MINUTES_AT_MOST = 3
"""So many of ``to_minute`` are read."""


def to_minute(user: User) -> list[Meeting]:
    """Meetings that are over without published minutes, which this person may publish.

    The rule of ``permissions.can_publish_minutes``: who leads the board now, or did on the day.
    The newest first, at most ``MINUTES_AT_MOST``. One query.
    """
    return TO_MINUTE.objects(person=user.pk, now=timezone.now())


def _to_minute() -> QuerySet[Meeting]:
    terms = Membership.objects.filter(user=Given("person"), board=OuterRef("board"))
    leads = terms.filter(Q(is_chair=True) | Q(is_deputy=True))
    then = leads.filter(
        Q(ends_on=None) | Q(ends_on__gte=OuterRef("date")), starts_on__lte=OuterRef("date")
    )
    today = day_there(Given("now", DateTimeField()), "board__")
    now = leads.filter(Q(ends_on=None) | Q(ends_on__gte=OuterRef("today")))
    now = now.filter(starts_on__lte=OuterRef("today"))
    return (
        meetings()
        .alias(today=today)
        .filter(Exists(then) | Exists(now), state=MeetingState.CLOSED)
        .filter(minutes__published_at=None)
        .order_by("-date", "-pk")[:MINUTES_AT_MOST]
    )


TO_MINUTE = ObjectStatement(_to_minute)


def left_behind(board: Board) -> list[Meeting]:
    """Meetings that are not held, being missed or cancelled, with open items on their agenda."""
    return found_of(board, LEFT_BEHIND, today=board.today)


def _left_behind() -> QuerySet[Meeting]:
    cancelled = Q(state=MeetingState.CANCELLED)
    missed = Q(state=MeetingState.SCHEDULED, date__lt=Given("today", DateField()))
    items = AgendaItem.objects.filter(meeting=OuterRef("pk"), state=ItemState.OPEN)
    return of_given_board().filter(cancelled | missed).filter(Exists(items)).order_by("pk")


LEFT_BEHIND = ObjectStatement(_left_behind)


def held_around(meeting: Meeting) -> list[Meeting]:
    """The board's other meetings that are planned or held within a day of this one."""
    day = timedelta(days=1)
    near = meeting.board.meetings.filter(
        state__in=(MeetingState.SCHEDULED, MeetingState.RUNNING),
        starts_at__gt=meeting.starts_at - day,
        starts_at__lt=meeting.starts_at + day,
    )
    return list(near.exclude(kind=MeetingKind.BALLOT).exclude(pk=meeting.pk))


def to_invite_to(board: Board, now: datetime) -> QuerySet[Meeting]:
    """Meetings to come, and those cancelled of which somebody invited has not been told.

    One that was cancelled after its time, because nobody opened it, is told of for the rest of
    its day: people may be waiting.
    """
    today = timezone.localtime(now, ZoneInfo(board.zone)).date()
    planned = Q(state=MeetingState.SCHEDULED, starts_at__gt=now)
    told = Invitation.objects.filter(meeting=OuterRef("pk"), cancelled_at=None)
    cancelled = Q(state=MeetingState.CANCELLED, date__gte=today) & Q(Exists(told))
    sent = Prefetch("invitations", Invitation.objects.select_related("user"))
    return (
        board.meetings.filter(planned | cancelled)
        .exclude(kind=MeetingKind.BALLOT)
        .prefetch_related(sent)
        .order_by("starts_at", "pk")
    )


def last_begun(board: Board, first: date, last: date) -> Meeting | None:
    """The latest meeting within some days that has begun, or is over: its seats stay.

    A ballot is none: whoever sits there on the day of its deadline votes in it.
    """
    begun = (MeetingState.RUNNING, MeetingState.CLOSED)
    held = board.meetings.filter(state__in=begun, date__gte=first, date__lte=last)
    return held.exclude(kind=MeetingKind.BALLOT).order_by("-date").first()


def past(board: Board, before: date | None, at_most: int) -> list[Meeting]:
    """Meetings and ballots that are over, the last to end first, with outcomes counted.

    Each knows when it was closed, or would have begun had it not been cancelled (``ended_at``),
    and on which day that was where the board meets (``ended_on``); ``before`` is such a day.
    One query.
    """
    statement = _past(board.zone, is_bounded=before is not None, at_most=at_most)
    return found_of(board, statement, today=board.today, before=before)


@lru_cache(maxsize=64)
def _past(zone: str, *, is_bounded: bool, at_most: int) -> ObjectStatement[Meeting]:
    def over() -> QuerySet[Meeting]:
        today = Given("today", DateField())
        cancelled = Q(state=MeetingState.CANCELLED, date__lt=today)
        found = of_given_board().filter(Q(state=MeetingState.CLOSED) | cancelled)
        found = found.annotate(
            ended_at=Coalesce("closed_at", "starts_at"),
            ended_on=TruncDate("ended_at", tzinfo=ZoneInfo(zone)),
        )
        if is_bounded:
            found = found.filter(ended_on__lt=Given("before", DateField()))
        counts = {
            f"count_{outcome}": Count("items", filter=Q(items__outcome__decision__outcome=outcome))
            for outcome in BoardDecision.Outcome.values
        }
        published = {"minutes_published_at": F("minutes__published_at")}
        return found.annotate(**counts, **published).order_by("-ended_at", "-pk")[:at_most]

    return ObjectStatement(over)


def attendance_of(meeting: Meeting) -> dict[int, Standing]:
    """Who is there, by person; once it is closed, who was."""
    return meeting.roster.here if meeting.is_running else meeting.roster.were_there
