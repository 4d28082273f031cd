"""Which board a change belongs to, and what waits for it."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Exists, Func, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Organisation
from changes.models import Change
from changes.states import State
from expansive_cm.statements import Given, ObjectStatement

from ..models import AgendaItem, Board, Meeting
from ..states import ItemState, MeetingKind, MeetingState
from .among import among


def active_boards() -> QuerySet[Board]:
    """Boards that meet."""
    return Board.objects.filter(is_active=True)


def boards_to_dissolve() -> QuerySet[Board]:
    """Boards that no longer meet but have something planned or open, and are not in a meeting."""
    resting = Board.objects.filter(is_active=False)
    own = Meeting.objects.filter(board=OuterRef("pk"))
    held = own.filter(state=MeetingState.RUNNING).exclude(kind=MeetingKind.BALLOT)
    planned = own.filter(state=MeetingState.SCHEDULED, date__gte=timezone.now().date())
    ballots = own.filter(state=MeetingState.RUNNING, kind=MeetingKind.BALLOT)
    items = AgendaItem.objects.filter(meeting__board=OuterRef("pk"), state=ItemState.OPEN)
    left = Exists(planned) | Exists(ballots) | Exists(items)
    return resting.filter(~Exists(held), left).order_by("pk")


def changes_of(board: Board | Given) -> QuerySet[Change]:
    """Changes that this board decides on; ``Given`` stands for its key within a statement."""
    key = board if isinstance(board, Given) else board.pk
    return Change.objects.filter(for_customers_of([key]))


def for_customers_of(boards: "QuerySet[Board, Any] | list[int | Given]") -> Func:
    """Whether one of these boards, by key, decides on a change: as a condition of changes.

    A customer's own board comes before the one for all others; of several the oldest counts.
    """
    customers = Organisation.objects.alias(decides=_who_decides()).filter(decides__in=boards)
    return among("organisation", customers.values("pk"))


def board_for(change: Change) -> Board | None:
    """Return the board that decides on a change, if there is one."""
    return next(iter(BOARD_FOR.objects(customer=change.organisation_id)), None)


def _board_for() -> QuerySet[Board]:
    customer = Organisation.objects.filter(pk=Given("customer"))
    decides = customer.annotate(decides=_who_decides()).values("decides")
    return Board.objects.filter(pk__in=decides)


BOARD_FOR = ObjectStatement(_board_for)


def _who_decides() -> Coalesce:
    """The key of the board that decides for a customer, as an annotation of customers."""
    boards = active_boards().order_by("pk").values("pk")
    own = boards.filter(organisations=OuterRef("pk"))
    general = boards.filter(organisations=None)
    return Coalesce(Subquery(own[:1]), Subquery(general[:1]))


def lock_who_decides() -> None:
    """Let nobody else change which board decides for whom until this transaction ends."""
    list(Board.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def stranded_by(board: Board, *, is_active: bool, only_for: Iterable[int]) -> list[Organisation]:
    """Return the customers that have a board now and would have none with this one so.

    ``only_for`` are the keys of the customers that the board would decide for, none for all.
    """
    wanted = set(only_for)
    others = active_boards().exclude(pk=board.pk)
    general = others.filter(organisations=None).exists() or (is_active and not wanted)
    if general or not board.is_active:
        return []
    theirs = board.organisations.all()
    had_one = theirs if theirs.exists() else Organisation.objects.all()
    elsewhere = others.filter(organisations__isnull=False).values("organisations")
    left = had_one.filter(is_active=True).exclude(pk__in=elsewhere)
    return [one for one in left if not (is_active and one.pk in wanted)]


def waiting_for(board: Board | Given) -> QuerySet[Change]:
    """Changes that wait for this board, the longest waiting first; see ``changes_of``."""
    return changes_of(board).filter(state=State.BOARD).order_by("state_since", "pk")


def waiting_with_items(board: Board) -> QuerySet[Change]:
    """Changes that wait for this board, with people and the agenda each is on.

    The item knows how many members have voted on it (``count_voted``).
    """
    items = AgendaItem.objects.filter(state=ItemState.OPEN).select_related("meeting__board")
    items = items.annotate(count_voted=Count("votes__member", distinct=True))
    return (
        waiting_for(board)
        .select_related("organisation", "requester")
        .defer("description", "search")
        .prefetch_related(Prefetch("agenda_items", items, to_attr="open_items"))
    )
