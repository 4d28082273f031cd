"""Ballots without a meeting."""

from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from changes.models import Change
from expansive_cm.statements import ObjectStatement

from ..models import AgendaItem, Board, Meeting
from ..states import ItemState, MeetingKind, MeetingState
from .boards import waiting_with_items
from .meetings import found_of, of_given_board
from .votes import SOMEBODY, left_for

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class _Counted(TypedDict):
        count_open: int
        left_for_me: int

    Counted = WithAnnotations[Meeting, _Counted]


def ballots(board: Board) -> QuerySet[Meeting]:
    """The ballots without a meeting that are open, the first to end first."""
    return _ballots(board.meetings.all())


def _ballots(meetings: QuerySet[Meeting]) -> QuerySet[Meeting]:
    opened = meetings.filter(state=MeetingState.RUNNING, kind=MeetingKind.BALLOT)
    return opened.order_by("deadline", "pk")


def ballots_to_settle(now: datetime | None = None) -> QuerySet[Meeting]:
    """Open ballots of all boards whose deadline has passed, or in which no item is left."""
    opened = Meeting.objects.filter(state=MeetingState.RUNNING, kind=MeetingKind.BALLOT)
    left = AgendaItem.objects.filter(meeting=OuterRef("pk"), state=ItemState.OPEN)
    due = Q(deadline__lte=now or timezone.now()) | ~Exists(left)
    return opened.filter(due).select_related("board").order_by("deadline", "pk")


def ballots_with_counts(board: Board, user: User) -> "list[Counted]":
    """Open ballots with how many items are left (``count_open``), in one query.

    ``left_for_me`` is how many of them the person has yet to vote on, if they have a seat.
    """
    return found_of(board, WITH_COUNTS, person=user.pk)


def _with_counts() -> "QuerySet[Counted]":
    left = AgendaItem.objects.filter(meeting=OuterRef("pk"), state=ItemState.OPEN)
    counted = left.order_by().values("meeting").annotate(n=Count("pk")).values("n")
    opened = _ballots(of_given_board())
    return opened.annotate(
        count_open=Coalesce(Subquery(counted), 0), left_for_me=left_for(SOMEBODY)
    )


WITH_COUNTS = ObjectStatement(_with_counts)


def waiting_for_ballot(board: Board) -> QuerySet[Change]:
    """Changes that wait for this board and are in no running meeting and no ballot yet."""
    voted_on = AgendaItem.objects.filter(
        state=ItemState.OPEN, meeting__state=MeetingState.RUNNING, change=OuterRef("pk")
    )
    return waiting_with_items(board).exclude(Exists(voted_on))
