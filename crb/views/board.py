"""The board: the meeting that runs, those to come and past, and what waits."""

from datetime import date
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from accounts.models import User
from changes.many.acts import acts_of

from .. import calendar_pages, pages, periods, permissions, queries
from ..models import Board
from ..outlook import Roster, outlooks
from ..overtime import cards, figures
from ..states import MeetingState
from .access import SignedInRequest, for_own_people
from .choice import address, choose_board, frame

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
    period = periods.period_of(found, periods.PERIODS[-1])
    headline = figures.headline(found, request.user, period)
    unanswered = queries.unanswered_questions(found, request.user)
    to = partial(_list_of, found)
    meetings = _meetings(found, request.user)
    roster: Roster = meetings["roster"]
    context = {
        **frame(request, boards, found, "board"),
        **meetings,
        **_past(found, _day(request.GET.get("before", ""))),
        **calendar_pages.side(roster, request.user),
        "headline": headline,
        "stats": cards.stats(headline, period, to),
        "acts": acts_of(request.user),
        "waiting": list(queries.waiting_with_items(found)[:WAITING]),
        "questions": list(unanswered[:QUESTIONS]) if headline.questions else [],
        "questions_url": to("questions", state="unanswered"),
        "looks": pages.LOOKS,
        "runs_board": roster.is_led_by(request.user),
        "open_ballot": permissions.can_open_ballot(request.user, found),
    }
    return render(request, "crb/board.html", context)


def _list_of(board: Board, name: str, **filters: object) -> str:
    return address(name, board, **filters)


def _meetings(board: Board, user: User) -> dict[str, Any]:
    """Return meetings and ballots, each told who sits at it, so that it need not ask."""
    open_meetings = queries.open_meetings(board, user)
    ballots = queries.ballots_with_counts(board, user)
    found: list[Any] = [*open_meetings, *ballots]
    roster = Roster(board, min([board.today, *(one.date for one in found)]))
    board.__dict__["seats_today"] = roster.on(board.today).seats
    for one in found:
        one.board = board
        one.__dict__["members"] = roster.on(one.date).seats
        if one.is_over or one.seat_of(user) is None:
            one.left_for_me = 0
    running = next((one for one in open_meetings if one.state == MeetingState.RUNNING), None)
    upcoming = [one for one in open_meetings if one is not running]
    return {
        "running": running,
        "next": None if running else next(iter(upcoming), None),
        "upcoming": upcoming if running else upcoming[1:],
        "agendas": outlooks(open_meetings[:AGENDAS], roster),
        "ballots": ballots,
        "roster": roster,
    }


def _past(board: Board, before: date | None) -> dict[str, object]:
    found: list[Any] = queries.past(board, before, PAST + 1)
    older = found[PAST - 1].ended_on if len(found) > PAST else None
    return {"past": found[:PAST], "older": older, "before": before}


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
