"""The votes on an item, and their tally."""

from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from accounts.standing import Anybody, Standing
from changes.models.board import undo_time
from changes.states import State
from changes.turns.askers import asked_by, asked_earlier, askers
from changes.turns.narrower import Moment
from expansive_cm.statements import Given, ObjectStatement

from ..models import Absence, AgendaItem, KeptSeat, Membership, Vote
from ..models.attendance import marked
from ..models.board import able, day_there
from ..states import AWAY, NOT_CLOSED, ItemState, MeetingKind, MeetingState
from ..voting import Ballot, Choice, Tally, tally
from .boards import active_boards, for_customers_of

COUNTED = "counted"
"""Under this an item that was read for a page carries its tally."""
SOMEBODY = Anybody(
    Standing(
        is_active=True, is_internal=True, roles=frozenset(), is_in_teams=False, is_approver=False
    )
)
"""Stands for a person of whom nothing but their key is asked, which is given as ``person``."""


def left_for(user: User | Anybody) -> Combinable:
    """How many items of a meeting wait for this person's vote, as an annotation of meetings.

    The rules of ``permissions.can_cast_vote`` on an item, for somebody who has a seat.
    """
    mine = _left(user).filter(meeting=OuterRef("pk"))
    counted = mine.order_by().values("meeting").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def still_to_vote(user: User | Anybody, now: Moment) -> Q:
    """The condition for changes on which a member is to vote: their turn of ``changes``.

    What is on no agenda yet waits for everybody with a seat today on the board that decides, but
    for who asked for it or stands aside. On an agenda it waits for those with a seat there who
    have not voted on the present revision, until nobody may vote any more. ``crb.deciding`` says
    the same of a loaded change.
    """
    on_agenda = AgendaItem.objects.filter(change=OuterRef("pk"), state=ItemState.OPEN)
    aside = Vote.objects.filter(
        member=user,
        item__change=OuterRef("pk"),
        item__path=OuterRef("path"),
        choice=Choice.RECUSE,
    )
    theirs = Q(for_customers_of(_boards_of(user, now)))
    to_come = theirs & ~Q(Exists(on_agenda)) & ~Q(Exists(aside)) & ~asked_by(user)
    in_time = Q(meeting__deadline=None) | Q(meeting__deadline__gt=now)
    seats = KeptSeat.objects.filter(meeting=OuterRef("meeting"))
    keeps = KEEPS & Q(Exists(seats))
    seat = keeps & Q(Exists(seats.filter(user=user)))
    seat |= ~keeps & sits(user, "meeting__board", "meeting__date")
    mine = _left(user).filter(in_time, seat)
    return to_come | Q(Exists(mine.filter(change=OuterRef("pk"))))


KEEPS = Q(meeting__state=MeetingState.RUNNING) & ~Q(meeting__kind=MeetingKind.BALLOT)
"""Of items: whether who sits there was kept when their meeting began (``Meeting.keeps_seats``)."""


def sits(user: User | Anybody, board: str, day: str) -> Q:
    """That a person has a seat; both are names, of a board and of a day, in what is asked."""
    in_term = Q(ends_on=None) | Q(ends_on__gte=OuterRef(day))
    term = Membership.objects.filter(in_term, board=OuterRef(board), starts_on__lte=OuterRef(day))
    absent = Absence.objects.filter(
        membership=OuterRef("pk"),
        withdrawn_at=None,
        starts_on__lte=OuterRef(OuterRef(day)),
        ends_on__gte=OuterRef(OuterRef(day)),
    )
    substituted = Exists(absent.filter(Exists(able(OuterRef("alternate")))))
    own = Exists(term.filter(~substituted, user=user))
    return Q(own) | Q(Exists(term.filter(Exists(absent.filter(alternate=user)))))


def _boards_of(user: User | Anybody, now: Moment) -> "QuerySet[Any]":
    """The boards that meet on which a person has a seat today, by key."""
    dated = active_boards().alias(day_there=day_there(now)).order_by()
    return dated.filter(sits(user, "pk", "day_there")).values("pk")


def settled_votes(votes: QuerySet[Vote]) -> QuerySet[Vote]:
    """Leave of some votes those on which nothing depends any more, which all who see votes read.

    The rule of ``permissions.votes_open_to`` that holds for whoever stands aside.
    """
    settled = votes.exclude(item__state=ItemState.OPEN, item__meeting__state__in=NOT_CLOSED)
    recent = timezone.now() - undo_time()
    return settled.exclude(item__outcome__decision__recorded_at__gt=recent)


def _left(user: User | Anybody) -> QuerySet[AgendaItem]:
    """The open items on which somebody with a seat has not voted and may."""
    own = Vote.objects.filter(member=user)
    voted = own.filter(item=OuterRef("pk"), revision=OuterRef("change__revision"))
    recused = own.filter(
        item__change=OuterRef("change"), item__path=OuterRef("path"), choice=Choice.RECUSE
    )
    waiting = AgendaItem.objects.filter(
        state=ItemState.OPEN, change__state=State.BOARD, change__path=F("path")
    )
    aside = Exists(voted) | Exists(recused) | _for_one_aside(user) | _is_away(user)
    return waiting.exclude(aside).exclude(asked_by(user, "change__"))


def _is_away(user: User | Anybody) -> Combinable:
    """Whether somebody is marked as not being at the meeting of an item (``Meeting.away``)."""
    away = marked(OuterRef("meeting"), user=user).filter(mark__in=AWAY)
    held = Q(meeting__state=MeetingState.RUNNING) & ~Q(meeting__kind=MeetingKind.BALLOT)
    return Exists(away.filter(held))


def _for_one_aside(user: User | Anybody) -> Q:
    """Whether somebody would vote on an item for a member who has no part in it (``set_aside``)."""
    day = OuterRef("meeting__date")
    away = Absence.objects.filter(
        alternate=user, withdrawn_at=None, membership__board=OuterRef("meeting__board")
    ).filter(starts_on__lte=day, ends_on__gte=day)
    seats = KeptSeat.objects.filter(meeting=OuterRef("meeting"))
    keeps = KEEPS & Q(Exists(seats))
    kept = seats.filter(is_aside("absent"), user=user)
    return keeps & Q(Exists(kept)) | ~keeps & Q(Exists(away.filter(is_aside("membership__user"))))


def is_aside(member: str) -> Q:
    """Whether a member, by the way to them, asked for an item's change or is recused from it."""
    change, person = OuterRef(OuterRef("change")), OuterRef(member)
    recused = Vote.objects.filter(
        member=person,
        item__change=change,
        item__path=OuterRef(OuterRef("path")),
        choice=Choice.RECUSE,
    )
    asked = Q(**{member: OuterRef("change__requester")})
    asked |= Q(**{member: OuterRef("change__raised_by")})
    return asked | Q(asked_earlier(change, person)) | Q(Exists(recused))


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
        for visit, vote in _votes_at_visits(item)
        if visit.pk == item.pk
        or (visit.path == item.path and vote.choice == Choice.RECUSE and not _since(item, vote))
    ]


def _votes_at_visits(item: AgendaItem) -> list[tuple[AgendaItem, Vote]]:
    """Return every vote on the item's change: as ``agenda_of`` has them, or in one query."""
    if "agenda_items" in getattr(item.change, "_prefetched_objects_cache", ()):
        visits = item.change.agenda_items.all()
        return [(visit, vote) for visit in visits for vote in visit.votes.all()]
    return [(one.item, one) for one in VOTES_ON.objects(change=item.change_id)]


VOTES_ON = ObjectStatement(
    lambda: (
        Vote.objects.filter(item__change=Given("change"))
        .select_related("item")
        .order_by("item__position", "item_id", "pk")
    )
)


def _since(item: AgendaItem, vote: Vote) -> bool:
    return item.settled_at is not None and vote.at > item.settled_at


def tally_of(item: AgendaItem) -> Tally:
    """Count the votes on an item: as they stand, or as they stood when it was settled.

    What was read for a page carries its tally along (`count_once`).
    """
    if COUNTED in item.__dict__:
        counted: Tally = item.__dict__[COUNTED]
        return counted
    outcome = getattr(item, "outcome", None)
    if outcome is not None:
        barred = set(outcome.tally["recused"])
        members = {*outcome.tally["eligible"], *barred}
    else:
        members = {seat.user_id for seat in item.meeting.members}
        barred = set_aside(item)
    return tally(
        members,
        ballots_on(item),
        revision=revision_on(item),
        rule=item.meeting.board.quorum,
        barred=barred,
        away=item.meeting.away if item.is_open else (),
    )


def count_once(item: AgendaItem) -> None:
    """Count the votes on an item that is read once and shown to many, who ask for its tally."""
    item.__dict__[COUNTED] = tally_of(item)


def set_aside(item: AgendaItem) -> set[int]:
    """Return who has no part in an item: who asked for it, who is recused, and who would vote in
    the place of one of these, who may have chosen them.
    """
    aside = askers(item.change)
    aside |= {one.member for one in ballots_on(item) if one.choice == Choice.RECUSE}
    seats = item.meeting.members
    return aside | {one.user_id for one in seats if one.absent and one.absent.pk in aside}


def revision_on(item: AgendaItem) -> int:
    """Return the revision that votes on an item count for: the current one while it is open."""
    if item.is_open:
        return item.change.revision
    outcome = getattr(item, "outcome", None)
    if outcome is not None:
        return outcome.decision.revision
    revisions = [vote.revision for vote in votes_on(item) if vote.item_id == item.pk]
    return max(revisions, default=item.change.revision)
