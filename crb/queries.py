"""Named querysets: which board a change belongs to, what waits, what a page needs."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    Count,
    Exists,
    F,
    Func,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.roles import Role
from changes.models import BoardDecision, Change, ChangeLink, Deployment, Execution, Question
from changes.queries import visible_to
from changes.states import OPEN, State

from .models import (
    Absence,
    AgendaItem,
    AgendaVersion,
    Attendance,
    Board,
    Invitation,
    Meeting,
    Membership,
    Vote,
)
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
    own = boards.filter(organisations=OuterRef("pk"))
    general = boards.filter(organisations=None)
    decides = Coalesce(Subquery(own[:1]), Subquery(general[:1]))
    customers = Organisation.objects.alias(decides=decides).filter(decides=board.pk)
    # Asked once, of the few customers, and compared with an array: PostgreSQL takes any
    # condition on the subquery for so rare that it would read every change of every customer.
    among = Func(
        F("organisation"),
        ArraySubquery(customers.order_by().values("pk")),
        template="(%(expressions)s))",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )
    return Change.objects.filter(among)


def waiting_for(board: Board) -> QuerySet[Change]:
    """Changes that wait for this board, the longest waiting first."""
    return changes_of(board).filter(state=State.BOARD).order_by("state_since", "pk")


def waiting_with_items(board: Board) -> QuerySet[Change]:
    """Changes that wait for this board, with people and the agenda each is on."""
    items = AgendaItem.objects.filter(state=ItemState.OPEN).select_related("meeting__board")
    return (
        waiting_for(board)
        .select_related("organisation", "requester")
        .defer("description", "search")
        .prefetch_related(Prefetch("agenda_items", items, to_attr="open_items"))
    )


def waiting_for_ballot(board: Board) -> QuerySet[Change]:
    """Changes that wait for this board and are in no running meeting and no ballot yet."""
    voted_on = AgendaItem.objects.filter(
        state=ItemState.OPEN, meeting__state=MeetingState.RUNNING, change=OuterRef("pk")
    )
    return waiting_with_items(board).exclude(Exists(voted_on))


def ballots_with_counts(board: Board, user: User) -> list[Meeting]:
    """Open ballots with how many items are left, and how many of them this person may vote on.

    ``left_for_me`` is 0 for people without a seat and after the deadline. One query, and one
    for the seats of each day on which a ballot ends.
    """
    own = Vote.objects.filter(member=user)
    voted = own.filter(item=OuterRef("pk"), revision=OuterRef("change__revision"))
    recused = own.filter(
        item__change=OuterRef("change"), item__path=OuterRef("path"), choice=Choice.RECUSE
    )
    left = (
        AgendaItem.objects.filter(meeting=OuterRef("pk"), state=ItemState.OPEN)
        .order_by()
        .values("meeting")
    )
    mine = left.exclude(Exists(voted) | Exists(recused)).exclude(
        Q(change__requester=user) | Q(change__raised_by=user)
    )
    found = list(
        ballots(board).annotate(
            count_open=Coalesce(Subquery(left.annotate(n=Count("pk")).values("n")), 0),
            left_for_me=Coalesce(Subquery(mine.annotate(n=Count("pk")).values("n")), 0),
        )
    )
    seats: dict[date, set[int]] = {}
    for ballot in found:
        ballot.board = board
        if ballot.date not in seats:
            seats[ballot.date] = {seat.user_id for seat in ballot.members}
        if user.pk not in seats[ballot.date] or ballot.is_over:
            ballot.left_for_me = 0
    return found


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


def ballots_to_settle(now: datetime | None = None) -> QuerySet[Meeting]:
    """Open ballots of all boards whose deadline has passed, or in which no item is left."""
    opened = Meeting.objects.filter(state=MeetingState.RUNNING, kind=MeetingKind.BALLOT)
    left = AgendaItem.objects.filter(meeting=OuterRef("pk"), state=ItemState.OPEN)
    due = Q(deadline__lte=now or timezone.now()) | ~Exists(left)
    return opened.filter(due).select_related("board").order_by("deadline", "pk")


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
    """The running meeting and the next to come, with how full each agenda is.

    ``count_open`` items are on it, their time boxes are ``minutes_open`` together, and
    ``count_untimed`` of them have none.
    """
    wanted = Q(state=MeetingState.RUNNING) | Q(state=MeetingState.SCHEDULED, date__gte=board.today)
    held = board.meetings.filter(wanted).exclude(kind=MeetingKind.BALLOT)
    is_open = Q(items__state=ItemState.OPEN)
    counted = held.annotate(
        count_open=Count("items", filter=is_open),
        minutes_open=Sum("items__time_box", filter=is_open),
        count_untimed=Count("items", filter=is_open & Q(items__time_box=None)),
    )
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


def moved_from(meeting: Meeting) -> QuerySet[AgendaItem]:
    """Items that were once on this meeting's agenda and are on another now."""
    once = AgendaItem.history.filter(meeting=meeting).values("id")
    moved = AgendaItem.objects.filter(pk__in=once).exclude(meeting=meeting)
    return moved.select_related("meeting__board", "change").order_by("meeting__starts_at", "pk")


# The calendar


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


def possible_members() -> QuerySet[User]:
    """People who may take a seat on a board."""
    found = User.objects.filter(is_active=True, organisation=None, groups__name=Role.CRB_MEMBER)
    return found.order_by("display_name", "pk")


def absences(board: Board) -> QuerySet[Absence]:
    """Who is away now or later, the first to leave first."""
    found = Absence.objects.filter(
        membership__board=board, withdrawn_at=None, ends_on__gte=board.today
    )
    return found.select_related("membership__user", "alternate").order_by("starts_on", "pk")


def memberships(board: Board) -> QuerySet[Membership]:
    """Terms that have not ended."""
    found = board.memberships.filter(Q(ends_on=None) | Q(ends_on__gte=board.today))
    return found.select_related("user")


def meetings_of(user: User, since: date) -> QuerySet[Meeting]:
    """Meetings at which a person has a seat, from a day on, cancelled ones too.

    The rule of ``Board.members_on`` as one query: the member, unless an alternate takes the
    seat, and the alternate.
    """
    return (
        meetings()
        .filter(Exists(_own_seats(user)) | Exists(_seats_for_others(user)), date__gte=since)
        .exclude(kind=MeetingKind.BALLOT)
        .order_by("starts_at", "pk")
    )


def _own_seats(user: User) -> QuerySet[Membership]:
    """A person's terms that cover a meeting, but for those whose seat an alternate takes then."""
    day, board = OuterRef("date"), OuterRef("board")
    taken = Absence.objects.filter(
        membership=OuterRef("pk"),
        starts_on__lte=OuterRef(OuterRef("date")),
        ends_on__gte=OuterRef(OuterRef("date")),
        withdrawn_at=None,
        alternate__is_active=True,
        alternate__groups__name=Role.CRB_MEMBER,
    )
    terms = Membership.objects.filter(user=user, board=board, starts_on__lte=day)
    return terms.filter(Q(ends_on=None) | Q(ends_on__gte=day)).exclude(Exists(taken))


def _seats_for_others(user: User) -> QuerySet[Absence]:
    """Absences during which a person stands in at a meeting, within the member's term."""
    day, board = OuterRef("date"), OuterRef("board")
    away = Absence.objects.filter(
        alternate=user,
        withdrawn_at=None,
        starts_on__lte=day,
        ends_on__gte=day,
        membership__board=board,
        membership__starts_on__lte=day,
    )
    return away.filter(Q(membership__ends_on=None) | Q(membership__ends_on__gte=day))


def open_items_of(meeting: Meeting) -> QuerySet[AgendaItem]:
    """The items of a meeting that are still to be decided, in the order of the agenda."""
    return meeting.items.filter(state=ItemState.OPEN).order_by("is_consent", "position", "pk")


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
    """Return the votes behind ``ballots_on``.

    A recusal at a later visit does not reach back to an item that was settled before it.
    """
    return [
        vote
        for visit in item.change.agenda_items.all()
        for vote in visit.votes.all()
        if visit.pk == item.pk
        or (visit.path == item.path and vote.choice == Choice.RECUSE and not _since(item, vote))
    ]


def _since(item: AgendaItem, vote: Vote) -> bool:
    return item.settled_at is not None and vote.at > item.settled_at


def tally_of(item: AgendaItem) -> Tally:
    """Count the votes on an item: as they stand, or as they stood when it was settled.

    What was read for a page carries its tally along (``crb.live.rooms``).
    """
    if "counted" in item.__dict__:
        counted: Tally = item.__dict__["counted"]
        return counted
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
    ).prefetch_related(Prefetch("votes", Vote.objects.select_related("member", "for_member")))
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


def last_version(meeting: Meeting) -> AgendaVersion | None:
    """The agenda of a meeting as it was last published."""
    return meeting.agenda_versions.order_by("-number").first()


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


def drafts_linked_with(change: Change) -> list[Change]:
    """Return linked changes that exist only for whoever raised them."""
    linked = Q(links_in__source=change) | Q(links_out__target=change)
    return list(Change.objects.filter(linked, state=State.DRAFT).distinct())


def past(board: Board, before: date | None = None) -> QuerySet[Meeting]:
    """Meetings and ballots that are over, the last to end first, with outcomes counted.

    Each knows when it was closed, or would have begun had it not been cancelled (``ended_at``),
    and on which day that was where the board meets (``ended_on``); ``before`` is such a day.
    """
    cancelled = Q(state=MeetingState.CANCELLED, date__lt=board.today)
    found = board.meetings.filter(Q(state=MeetingState.CLOSED) | cancelled).annotate(
        ended_at=Coalesce("closed_at", "starts_at"),
        ended_on=TruncDate("ended_at", tzinfo=ZoneInfo(board.zone)),
    )
    if before is not None:
        found = found.filter(ended_on__lt=before)
    counts = {
        f"count_{outcome}": Count("items", filter=Q(items__outcome__decision__outcome=outcome))
        for outcome in BoardDecision.Outcome.values
    }
    published = {"minutes_published_at": F("minutes__published_at")}
    return found.annotate(**counts, **published).order_by("-ended_at", "-pk")


def questions_of(board: Board, user: User) -> QuerySet[Question]:
    """What was asked in the board's meetings about changes that the person sees."""
    asked_by = Q(decision__board_outcome__item__meeting__board=board)
    return Question.objects.filter(asked_by, change__in=visible_to(user))


def unanswered_questions(board: Board, user: User) -> QuerySet[Question]:
    """Questions of the board that nobody has answered, the oldest first."""
    waiting = questions_of(board, user).filter(
        answered_at=None, change__state=State.INFORMATION_REQUIRED
    )
    return with_asked(waiting).order_by("pk")


def with_asked(questions: QuerySet[Question]) -> QuerySet[Question]:
    """Join what a row of a question shows."""
    joined = questions.select_related("change__organisation", "answerer", "answered_by", "decision")
    return joined.defer("change__description", "change__search")


def attendance_of(meeting: Meeting) -> dict[int, Attendance]:
    """Who was there, by person."""
    return {one.user_id: one for one in meeting.attendances.select_related("user")}
