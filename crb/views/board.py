"""The board: the meeting that runs, those to come and past, and what waits."""

from datetime import date

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from accounts.components import Tab
from accounts.models import User

from .. import calendar_pages, pages, permissions, queries
from ..models import Board, Meeting
from ..states import MeetingState
from .access import SignedInRequest, for_own_people

UPCOMING = 7
PAST = 10


@require_safe
@for_own_people
def board(request: SignedInRequest) -> HttpResponse:
    """Show a board; with several, the person's own first."""
    boards = list(queries.active_boards())
    if not boards:
        return render(request, "crb/no_board.html")
    found = _chosen(boards, request)
    context = {
        "board": found,
        "tabs": _tabs(boards, found),
        **_meetings(found, request.user),
        **_past(found, _day(request.GET.get("before", ""))),
        **calendar_pages.side(found, request.user),
        "waiting": list(queries.waiting_with_items(found)),
        "questions": list(queries.unanswered_questions(found, request.user)),
        "looks": pages.LOOKS,
        "ballots": queries.ballots_with_counts(found, request.user),
        "open_ballot": permissions.can_open_ballot(request.user, found),
    }
    return render(request, "crb/board.html", context)


def _chosen(boards: list[Board], request: SignedInRequest) -> Board:
    asked = request.GET.get("board", "")
    if asked:
        found = next((one for one in boards if str(one.pk) == asked), None)
        if found is None:
            raise Http404
        return found
    if len(boards) == 1:
        return boards[0]
    own = set(request.user.board_memberships.values_list("board_id", flat=True))
    return next((one for one in boards if one.pk in own), boards[0])


def _tabs(boards: list[Board], chosen: Board) -> list[Tab]:
    if len(boards) == 1:
        return []
    return [Tab(one.name, f"?board={one.pk}", "gavel", active=one == chosen) for one in boards]


def _meetings(board: Board, user: User) -> dict[str, object]:
    open_meetings = list(queries.open_meetings(board, UPCOMING + 1))
    for one in open_meetings:
        one.board = board
    running = next((one for one in open_meetings if one.state == MeetingState.RUNNING), None)
    upcoming = [one for one in open_meetings if one is not running]
    first = running or (upcoming[0] if upcoming else None)
    return {
        "running": running,
        "next": None if running else first,
        "upcoming": upcoming if running else upcoming[1:],
        "mine": _left_for(first, user) if first else [],
    }


def _left_for(meeting: Meeting, user: User) -> list[pages.AgendaRow]:
    """Return the items of a meeting that this person has yet to vote on."""
    if meeting.seat_of(user) is None:
        return []
    rows = pages.agenda_rows(queries.agenda_of(meeting), user, None)
    return [row for row in rows if row.mine_missing]


def _past(board: Board, before: date | None) -> dict[str, object]:
    found = list(queries.past(board, before)[: PAST + 1])
    older = found[PAST - 1].date if len(found) > PAST else None
    return {"past": found[:PAST], "older": older, "before": before}


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
