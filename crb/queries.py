"""Named querysets: which board a change belongs to, what waits, what a page needs."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from changes.models import BoardDecision, Change, ChangeLink, Deployment, Execution, Question
from changes.queries import visible_to
from changes.states import OPEN, State

from .models import AgendaItem, Attendance, Board, Meeting, Vote
from .states import ItemState, MeetingKind, MeetingState
from .voting import Ballot, Choice, Tally, tally

LONGEST_CUTOFF = timedelta(days=75)
"""More than the working days that a board can set for its cut-off, whatever the holidays."""


def active_boards() -> QuerySet[Board]:
    """Boards that meet."""
    return Board.objects.filter(is_active=True)


def changes_of(board: Board) -> QuerySet[Change]:
    """Changes that this board decides on.

    A customer's own board comes before the one for all others; of several the oldest counts.
    """
    boards = active_boards().order_by("pk").values("pk")
    own = boards.filter(organisations=OuterRef("organisation"))
    general = boards.filter(organisations=None)
    decides = Coalesce(Subquery(own[:1]), Subquery(general[:1]))
    return Change.objects.alias(decides=decides).filter(decides=board.pk)


def waiting_for(board: Board) -> QuerySet[Change]:
    """Changes that wait for this board, the longest waiting first."""
    return changes_of(board).filter(state=State.BOARD).order_by("state_since", "pk")


def waiting_with_items(board: Board) -> QuerySet[Change]:
    """Changes that wait for this board, with people and the agenda each is on."""
    items = AgendaItem.objects.filter(state=ItemState.OPEN).select_related("meeting__board")
    return (
        waiting_for(board)
        .select_related("organisation", "requester")
        .prefetch_related(Prefetch("agenda_items", items, to_attr="open_items"))
    )


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
    held = board.meetings.filter(state=MeetingState.RUNNING).exclude(kind=MeetingKind.BALLOT)
    return held.first()


def ballots(board: Board) -> QuerySet[Meeting]:
    """The ballots without a meeting that are open, the first to end first."""
    opened = board.meetings.filter(state=MeetingState.RUNNING, kind=MeetingKind.BALLOT)
    return opened.order_by("deadline", "pk")


def next_meeting(board: Board) -> Meeting | None:
    """The next meeting that is not closed yet: the running one, or the first to come."""
    return running(board) or upcoming(board).first()


def next_agenda(board: Board, after: Meeting | None = None) -> Meeting | None:
    """The next meeting whose agenda still fills itself, as it is not published yet.

    ``after`` names a meeting that it must come after.
    """
    found = upcoming(board).filter(agenda_published_at=None)
    if after is not None:
        found = found.exclude(pk=after.pk).filter(starts_at__gte=after.starts_at)
    return found.first()


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


def open_meetings(board: Board, number: int) -> QuerySet[Meeting]:
    """The running meeting and the next to come, with how many items are on each agenda."""
    wanted = Q(state=MeetingState.RUNNING) | Q(state=MeetingState.SCHEDULED, date__gte=board.today)
    held = board.meetings.filter(wanted).exclude(kind=MeetingKind.BALLOT)
    counted = held.annotate(count_open=Count("items", filter=Q(items__state=ItemState.OPEN)))
    return counted.order_by("starts_at", "pk")[:number]


def left_behind(board: Board) -> QuerySet[Meeting]:
    """Meetings that are not held, being missed or cancelled, with open items on their agenda."""
    cancelled = Q(state=MeetingState.CANCELLED)
    missed = Q(state=MeetingState.SCHEDULED, date__lt=board.today)
    items = AgendaItem.objects.filter(meeting=OuterRef("pk"), state=ItemState.OPEN)
    return board.meetings.filter(cancelled | missed).filter(Exists(items)).order_by("pk")


# Agendas


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


# Votes


def ballots_on(item: AgendaItem) -> list[Ballot]:
    """Return the votes on an item, and recusals from the change's other visits on this path.

    A conflict of interest does not end with a meeting. Reads what ``agenda_of`` prefetches.
    """
    return [
        Ballot(vote.pk, vote.member_id, Choice(vote.choice), vote.revision)
        for vote in votes_on(item)
    ]


def votes_on(item: AgendaItem) -> list[Vote]:
    """Return the votes behind ``ballots_on``."""
    return [
        vote
        for visit in item.change.agenda_items.all()
        for vote in visit.votes.all()
        if visit.pk == item.pk or (visit.path == item.path and vote.choice == Choice.RECUSE)
    ]


def tally_of(item: AgendaItem) -> Tally:
    """Count the votes on an item: as they stand, or as they stood when it was settled."""
    change = item.change
    members = {seat.user_id for seat in item.meeting.members}
    outcome = getattr(item, "outcome", None)
    if outcome is not None:
        members = {*outcome.tally["eligible"], *outcome.tally["recused"]}
    return tally(
        members,
        ballots_on(item),
        revision=revision_on(item),
        rule=item.meeting.board.quorum,
        barred={change.requester_id, change.raised_by_id},
    )


def revision_on(item: AgendaItem) -> int:
    """Return the revision that votes on an item count for: the current one while it is open."""
    if item.is_open:
        return item.change.revision
    outcome = getattr(item, "outcome", None)
    if outcome is not None:
        return outcome.decision.revision
    revisions = [vote.revision for vote in votes_on(item) if vote.item_id == item.pk]
    return max(revisions, default=item.change.revision)


# Pages


def meetings() -> QuerySet[Meeting]:
    """Meetings with their board."""
    return Meeting.objects.select_related("board")


def agenda_of(meeting: Meeting) -> list[AgendaItem]:
    """Return the items of a meeting with people, votes and outcomes, in three queries.

    They come in the order in which they are taken: consent items last.
    """
    visits = AgendaItem.objects.select_related(
        "meeting__board", "outcome__decision"
    ).prefetch_related(Prefetch("votes", Vote.objects.select_related("member")))
    items = meeting.items.select_related(
        "change__organisation__success_team",
        "change__requester",
        "change__raised_by",
        "change__owner",
        "change__promised_release",
        "outcome__decision",
        "outcome__recorded_by",
        "presenter",
        "pulled_by",
    ).prefetch_related(Prefetch("change__agenda_items", visits))
    found = list(items.order_by("is_consent", "position", "pk"))
    for item in found:
        item.meeting = meeting
    return found


def conflicts_of(change: Change, user: User, number: int) -> list[Change]:
    """Return other open changes on the same services that this person may see, latest moved first.

    Each knows its planned window (``window_start``, ``window_end``) or ``planned_release``. At
    most ``number``, in one query; reads the services that ``changes.story`` has loaded.
    """
    services = [service.pk for service in change.services.all()]
    if not services:
        return []
    same = Change.services.through.objects.filter(change=OuterRef("pk"), service__in=services)
    pending = {"change": OuterRef("pk"), "path": OuterRef("path"), "outcome": ""}
    execution = Execution.objects.filter(**pending).order_by("-pk")
    deployment = Deployment.objects.filter(**pending).order_by("-pk")
    found = visible_to(user).filter(Exists(same), state__in=OPEN).exclude(pk=change.pk)
    return list(
        found.annotate(
            window_start=Subquery(execution.values("window_start")[:1]),
            window_end=Subquery(execution.values("window_end")[:1]),
            planned_release=Coalesce(
                Subquery(deployment.values("release__name")[:1]), F("promised_release__name")
            ),
        )
        .select_related("organisation")
        .order_by("-state_since", "-pk")[:number]
    )


def links_of(change: Change, user: User) -> list[tuple[str, Change]]:
    """Return what the change is linked with, as far as this person may see it."""
    links = ChangeLink.objects.filter(
        Q(source=change, target__in=visible_to(user))
        | Q(target=change, source__in=visible_to(user))
    ).select_related("source", "target")
    return [
        (link.get_kind_display(), link.target)
        if link.source_id == change.pk
        else (link.REVERSED[link.kind], link.source)
        for link in links
    ]


def past(board: Board, before: date | None = None) -> QuerySet[Meeting]:
    """Meetings that were held or cancelled, the latest first, with how many outcomes of each."""
    found = board.meetings.filter(state__in=(MeetingState.CLOSED, MeetingState.CANCELLED))
    if before is not None:
        found = found.filter(date__lt=before)
    counts = {
        f"count_{outcome}": Count("items", filter=Q(items__outcome__decision__outcome=outcome))
        for outcome in BoardDecision.Outcome.values
    }
    return found.annotate(**counts).order_by("-date", "-pk")


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
