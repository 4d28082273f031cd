"""What a page of the changes asks about the boards: which there are, and who promised what."""

from django.db.models import F, Q
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from changes.models import Change
from changes.models.board import ACCEPTING
from changes.promises import Boards

from . import queries
from .models import Board, BoardOutcome
from .overtime.figures import IS_CORRECTED


def choices() -> list[tuple[str, str]]:
    """Return every board, dissolved ones too: what they promised has to be kept. One query."""
    return [
        (str(pk), name) for pk, name in Board.objects.order_by("name").values_list("pk", "name")
    ]


def promised_by(board: int) -> Q:
    """Changes whose promise this board made, as its decisions stand."""
    outcomes = BoardOutcome.objects.filter(
        item__meeting__board=board,
        decision__outcome__in=ACCEPTING,
        item__change__path=F("decision__path"),
    )
    return Q(pk__in=outcomes.exclude(IS_CORRECTED).values("item__change"))


def outcome_of(change: Change) -> BoardOutcome | None:
    """Return the outcome with which a board promised a change, as its decisions stand."""
    found = BoardOutcome.objects.filter(
        item__change=change, decision__outcome__in=ACCEPTING, decision__path=change.path
    )
    joined = found.exclude(IS_CORRECTED).select_related("item__meeting__board")
    return joined.order_by("-pk").first()


def board_of(change: Change, made_with: BoardOutcome | None = None) -> Board | None:
    """Return the board that answers for a promise: the one that made it, while it meets.

    After that, and of an emergency that went ahead without a vote, the one that decides for the
    customer now. ``made_with`` is its outcome, if known.
    """
    outcome = made_with or outcome_of(change)
    if outcome is None and change.is_emergency and change.promise:
        return queries.board_for(change)
    if outcome is None or outcome.item is None:
        return None
    board: Board = outcome.item.meeting.board
    return board if board.is_active else queries.board_for(change)


def led_by(change: Change) -> list[User]:
    """Return the chair of the board that answers for a promise, else who stands in. Two queries."""
    board = board_of(change)
    seats = board.seats_today if board else []
    chairs = [seat.user for seat in seats if seat.is_chair]
    return chairs or [seat.user for seat in seats if seat.is_deputy]


def replan_url(user: User, change: Change) -> str:
    """Return where this person moves a promise, "" if they may not; for most without a query."""
    if change.is_final or not user.has_role(Role.CRB_MEMBER):
        return ""
    outcome = outcome_of(change)
    if outcome is None or outcome.item is None:
        return ""
    from . import permissions

    outcome.item.change = change
    may = permissions.can_replan_promise(user, outcome.item)
    return reverse("crb:replan_promise", args=[outcome.item_id]) if may else ""


BOARDS = Boards(choices, promised_by, led_by, replan_url)
