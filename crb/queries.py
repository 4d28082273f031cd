"""Named querysets: which board a change belongs to, what waits, what a page needs."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from changes.models import BoardDecision, Change, ChangeLink, Question
from changes.queries import visible_to
from changes.states import State

from .models import AgendaItem, Attendance, Board, Meeting, Vote
from .states import ItemState, MeetingState
from .voting import Ballot, Choice, Tally, tally


def active_boards() -> QuerySet[Board]:
    """Boards that meet."""
    return Board.objects.filter(is_active=True)


def changes_of(board: Board) -> QuerySet[Change]:
    """Changes that this board decides on.

    A customer's own board comes before the one for all others; of several the oldest counts.
    """
    older = active_boards().filter(pk__lt=board.pk)
    if board.organisations.exists():
        mine = board.organisations.exclude(boards__in=older)
        return Change.objects.filter(organisation__in=mine)
    if older.filter(organisations=None).exists():
        return Change.objects.none()
    own_board = active_boards().filter(organisations=OuterRef("organisation"))
    return Change.objects.filter(~Exists(own_board))


def waiting_for(board: Board) -> QuerySet[Change]:
    """Changes that wait for this board, the longest waiting first."""
    return changes_of(board).filter(state=State.BOARD).order_by("state_since", "pk")


def open_item_of(change: Change) -> AgendaItem | None:
    """The item under which the change is on an agenda now."""
    items = AgendaItem.objects.filter(change=change, state=ItemState.OPEN)
    return items.select_related("meeting__board").first()


def upcoming(board: Board, now: datetime | None = None) -> QuerySet[Meeting]:
    """Meetings that are still to come, the next one first.

    One whose time has come but which nobody has opened counts as to come for the rest of its
    day, so that a chair who is late still finds it.
    """
    today = timezone.localtime(now, ZoneInfo(board.zone)).date() if now else board.today
    return board.meetings.filter(state=MeetingState.SCHEDULED, date__gte=today).order_by(
        "starts_at", "pk"
    )


def running(board: Board) -> Meeting | None:
    """The meeting that is being held; the database allows one at a time."""
    return board.meetings.filter(state=MeetingState.RUNNING).first()


def next_meeting(board: Board) -> Meeting | None:
    """The next meeting that is not closed yet: the running one, or the first to come."""
    return running(board) or upcoming(board).first()


def not_held(board: Board) -> QuerySet[Meeting]:
    """Meetings whose day is over and which nobody opened."""
    return board.meetings.filter(state=MeetingState.SCHEDULED, date__lt=board.today)


# Votes


def ballots_on(item: AgendaItem) -> list[Ballot]:
    """Return the votes on an item, and recusals from its earlier visits on the same path.

    A conflict of interest does not end with a meeting. Reads relations that ``with_case``
    prefetches.
    """
    votes = list(item.votes.all())
    for visit in item.change.agenda_items.all():
        if visit.pk != item.pk and visit.path == item.path:
            votes += [vote for vote in visit.votes.all() if vote.choice == Choice.RECUSE]
    return [Ballot(vote.pk, vote.member_id, Choice(vote.choice), vote.revision) for vote in votes]


def tally_of(item: AgendaItem) -> Tally:
    """Count the votes on an item as they stand."""
    change = item.change
    return tally(
        [seat.user_id for seat in item.meeting.members],
        ballots_on(item),
        revision=change.revision,
        rule=item.meeting.board.quorum,
        barred={change.requester_id, change.raised_by_id} - {None},
    )


# Pages


def with_case(items: QuerySet[AgendaItem]) -> QuerySet[AgendaItem]:
    """Load the whole case of every item, in a number of queries that rows do not change."""
    visits = AgendaItem.objects.select_related("meeting__board").prefetch_related(
        Prefetch("votes", Vote.objects.select_related("member"))
    )
    questions = Question.objects.select_related("answerer", "answered_by")
    decisions = BoardDecision.objects.select_related("recorded_by").prefetch_related(
        Prefetch("questions", questions)
    )
    return items.select_related(
        "change__organisation__success_team",
        "change__requester",
        "change__raised_by",
        "change__owner",
        "change__promised_release",
        "outcome__decision",
        "outcome__recorded_by",
    ).prefetch_related(
        Prefetch("votes", Vote.objects.select_related("member")),
        Prefetch("change__agenda_items", visits),
        Prefetch("change__board_decisions", decisions),
        "change__assessments__recorded_by",
        "change__services",
        Prefetch("change__links_out", ChangeLink.objects.select_related("target")),
        Prefetch("change__links_in", ChangeLink.objects.select_related("source")),
    )


def unanswered_questions(board: Board, user: User) -> QuerySet[Question]:
    """Questions of the board that nobody has answered, the oldest first."""
    asked = Q(
        answered_at=None,
        change__state=State.INFORMATION_REQUIRED,
        change__in=changes_of(board).filter(pk__in=visible_to(user)),
    )
    return (
        Question.objects.filter(asked)
        .select_related("change__organisation", "answerer", "decision")
        .order_by("pk")
    )


def attendance_of(meeting: Meeting) -> dict[int, Attendance]:
    """Who was there, by person."""
    return {one.user_id: one for one in meeting.attendances.select_related("user")}
