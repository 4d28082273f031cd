"""Ballots without a meeting."""

from datetime import date, datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from changes.models import Change

from ..models import AgendaItem, Board, Meeting, Vote
from ..states import ItemState, MeetingKind, MeetingState
from ..voting import Choice
from .boards import waiting_with_items


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


def waiting_for_ballot(board: Board) -> QuerySet[Change]:
    """Changes that wait for this board and are not in a ballot yet."""
    in_ballot = AgendaItem.objects.filter(
        state=ItemState.OPEN, meeting__kind=MeetingKind.BALLOT, change=OuterRef("pk")
    )
    return waiting_with_items(board).exclude(Exists(in_ballot))
