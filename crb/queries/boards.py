"""Which board a change belongs to, and what waits for it."""

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Organisation
from changes.models import Change
from changes.states import State

from ..models import AgendaItem, Board
from ..states import ItemState
from .among import among


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
    return Change.objects.filter(among("organisation", customers.values("pk")))


def waiting_for(board: Board) -> QuerySet[Change]:
    """Changes that wait for this board, the longest waiting first."""
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
