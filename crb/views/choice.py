"""Which board a page is about, and the pages that each board has."""

from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from expansive_cm.ui.components import Tab

from .. import permissions, queries
from ..models import Board
from .access import SignedInRequest


def choose_board(request: SignedInRequest, boards: list[Board]) -> Board:
    """Return the board that the address names; without a name the person's own comes first.

    Raises Http404 for a board that does not meet, or when there is none.
    """
    asked = request.GET.get("board", "")
    if asked or not boards:
        found = next((one for one in boards if str(one.pk) == asked), None)
        if found is None:
            raise Http404
        return found
    if len(boards) == 1:
        return boards[0]
    own = set(request.user.board_memberships.values_list("board_id", flat=True))
    return next((one for one in boards if one.pk in own), boards[0])


def board_of(
    request: SignedInRequest, here: str, *, dissolved: bool = False
) -> tuple[Board, dict[str, Any]]:
    """Return the board of a page and what frames the page; ``here`` is the page's name.

    ``dissolved`` lets the page be about a board that no longer meets, where its address says so.
    """
    every = Board.objects.order_by("-is_active", *(Board._meta.ordering or ()))
    boards = list(every if dissolved else queries.active_boards())
    found = choose_board(request, boards)
    return found, frame(request, boards, found, here)


def frame(
    request: SignedInRequest, boards: list[Board], chosen: Board, here: str
) -> dict[str, Any]:
    """Return the tabs of a board's pages and, of several boards, the others.

    A board that no longer meets has none but its record.
    """
    pages = [
        ("board", _("Board"), "gavel"),
        ("overtime", _("Over time"), "chart-bar"),
        ("decisions", _("Decisions"), "circle-check"),
        ("questions", _("Questions"), "message-question"),
        ("attendance", _("Attendance"), "users-group"),
    ]
    if not chosen.is_active:
        pages = []
    if permissions.may_see_record(request.user):
        pages.append(("record", _("Record"), "history"))
    others = [Tab(one.name, address(here, one), active=one == chosen) for one in boards]
    return {
        "board": chosen,
        "boards": others if len(others) > 1 else [],
        "sections": [
            Tab(label, address(name, chosen), icon, active=name == here)
            for name, label, icon in pages
        ],
    }


def address(name: str, board: Board, **parameters: Any) -> str:
    """Return the address of one of a board's pages; empty parameters are left out."""
    given = {key: value for key, value in parameters.items() if value not in ("", None)}
    return f"{reverse(f'crb:{name}')}?{urlencode({'board': board.pk, **given})}"
