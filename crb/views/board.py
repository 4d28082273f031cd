"""The board: the meeting that runs, those to come and past, and what waits."""

from datetime import date
from functools import partial

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from accounts.models import User

from .. import calendar_pages, figures, overview, pages, permissions, queries
from ..models import Board, Meeting
from ..outlook import Table, outlooks, tables_on
from ..states import MeetingState
from .access import SignedInRequest, for_own_people
from .choice import address, choose_board, frame

UPCOMING = 7
PAST = 10
WAITING, QUESTIONS, AGENDAS = 25, 6, 4
"""How much of each is shown before a link leads to the rest."""


@require_safe
@for_own_people
def board(request: SignedInRequest) -> HttpResponse:
    """Show a board; with several, the person's own first."""
    boards = list(queries.active_boards())
    if not boards:
        return render(request, "crb/no_board.html")
    found = choose_board(request, boards)
    period = figures.period_of(found, figures.PERIODS[-1])
    headline = figures.headline(found, request.user, period)
    unanswered = queries.unanswered_questions(found, request.user)
    to = partial(_list_of, found)
    context = {
        **frame(boards, found, "board"),
        **_meetings(found, request.user),
        **_past(found, _day(request.GET.get("before", ""))),
        **calendar_pages.side(found, request.user),
        "headline": headline,
        "stats": overview.stats(headline, period, to),
        "waiting": list(queries.waiting_with_items(found)[:WAITING]),
        "questions": list(unanswered[:QUESTIONS]) if headline.questions else [],
        "questions_url": to("questions", state="unanswered"),
        "looks": pages.LOOKS,
        "ballots": queries.ballots_with_counts(found, request.user),
        "open_ballot": permissions.can_open_ballot(request.user, found),
    }
    return render(request, "crb/board.html", context)


def _list_of(board: Board, name: str, **filters: object) -> str:
    return address(name, board, **filters)


def _meetings(board: Board, user: User) -> dict[str, object]:
    open_meetings = list(queries.open_meetings(board, UPCOMING + 1))
    tables = tables_on(board, [board.today, *(one.date for one in open_meetings)])
    board.__dict__["seats_today"] = tables[board.today].seats
    for one in open_meetings:
        one.board = board
        _seat(one, tables[one.date])
    running = next((one for one in open_meetings if one.state == MeetingState.RUNNING), None)
    upcoming = [one for one in open_meetings if one is not running]
    first = running or (upcoming[0] if upcoming else None)
    return {
        "running": running,
        "next": None if running else first,
        "upcoming": upcoming if running else upcoming[1:],
        "mine": _left_for(first, user) if first else [],
        "agendas": outlooks(open_meetings[:AGENDAS], tables),
    }


def _seat(meeting: Meeting, table: Table) -> None:
    """Tell a meeting who sits at it, so that it need not ask."""
    meeting.__dict__["members"] = table.seats


def _left_for(meeting: Meeting, user: User) -> list[pages.AgendaRow]:
    """Return the items of a meeting that this person has yet to vote on."""
    if meeting.seat_of(user) is None:
        return []
    rows = pages.agenda_rows(queries.agenda_of(meeting), user, None)
    return [row for row in rows if row.mine_missing]


def _past(board: Board, before: date | None) -> dict[str, object]:
    found = list(queries.past(board, before)[: PAST + 1])
    older = found[PAST - 1].ended_on if len(found) > PAST else None
    return {"past": found[:PAST], "older": older, "before": before}


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
