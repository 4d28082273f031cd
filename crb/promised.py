"""What a page of the changes asks about the boards: which there are, and who promised what."""

from django.db.models import F, Q

from changes.promises import Boards

from .figures import ACCEPTING, IS_CORRECTED
from .models import Board, BoardOutcome


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


BOARDS = Boards(choices, promised_by)
