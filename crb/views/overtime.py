"""The board over time: its figures, and the lists behind them."""

from functools import partial
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import DateTimeField, F, QuerySet
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from changes.export import csv_lines
from changes.models import Question
from expansive_cm.errors import page as error_page
from expansive_cm.ui.components import Tab
from expansive_cm.ui.paging import BadToken, Order, Page, page_of

from .. import periods, permissions, presence, queries, rolls
from ..export import HEADINGS, lines
from ..forms.overtime import (
    UNANSWERED,
    AttendanceFilterForm,
    DecisionFilterForm,
    ListForm,
    QuestionFilterForm,
    RecordFilterForm,
)
from ..models import Board, BoardEvent, BoardOutcome, Meeting
from ..overtime import cards, figures
from .access import SignedInRequest, for_own_people
from .choice import address, board_of

PAGE_SIZE = 50
NEWEST = Order("newest", descending=True)
OLDEST = Order("oldest")
LATEST = Order("latest", F("starts_at"), DateTimeField(), descending=True)


@require_safe
@for_own_people
def show(request: SignedInRequest) -> HttpResponse:
    """Show how the board has done in the last months."""
    board, frame = board_of(request, "overtime")
    period = periods.period_of(board, _months(request))
    to = _lists_of(board)
    meetings = figures.outcomes_by_meeting(board, request.user, period)
    months = figures.durations_by_month(board, request.user, period)
    headline = figures.headline(board, request.user, period)
    counts = figures.promises(board, request.user, period)
    context = {
        **frame,
        "period": period,
        "periods": _periods(board, period.months),
        "stats": cards.stats(headline, period, to),
        "duration": headline.duration,
        "outcomes": cards.outcomes_chart(meetings, to) if meetings else None,
        "durations": cards.duration_chart(months, period, to) if months else None,
        "members": cards.attendance_rows(presence.attendance(board, period), period, to),
        "promises": cards.promise_rows(counts, period, to) if counts else [],
    }
    return render(request, "crb/overtime_figures.html", context)


def _lists_of(board: Board) -> cards.Address:
    return lambda name, **filters: address(name, board, **filters)


def _months(request: SignedInRequest) -> int:
    asked = request.GET.get("months", "")
    return next((one for one in periods.PERIODS if str(one) == asked), periods.PERIODS[-1])


def _periods(board: Board, chosen: int) -> list[Tab]:
    return [
        Tab(
            _("%d months") % months,
            address("overtime", board, months=months),
            active=months == chosen,
        )
        for months in periods.PERIODS
    ]


# Lists --------------------------------------------------------------------------------------


@require_safe
@for_own_people
def decisions(request: SignedInRequest) -> HttpResponse:
    """List what the board decided."""
    board, frame = board_of(request, "decisions")
    form = DecisionFilterForm(board, request.GET)
    load = partial(_with_change, board=board)
    context = {**frame, "meeting": None, "dated": figures.DATED}
    if form.is_valid():
        context["meeting"] = form.cleaned_data["meeting"]
    return _list(request, "decisions", form, context, lambda: form.select(request.user), load)


def _with_change(rows: QuerySet[BoardOutcome], board: Board) -> QuerySet[BoardOutcome]:
    joined = figures.with_figures(rows, board).select_related(
        "decision", "item__meeting", "item__change__organisation"
    )
    return joined.defer("item__change__description", "item__change__search", "tally")


@require_safe
@for_own_people
def export_decisions(request: SignedInRequest) -> HttpResponseBase:
    """Send the decisions that the list's address asks for as a file for spreadsheets."""
    board, _frame = board_of(request, "decisions")
    form = DecisionFilterForm(board, request.GET)
    if not form.is_valid():
        return decisions(request)
    rows = lines(form.select(request.user), timezone.get_current_timezone())
    response = StreamingHttpResponse(
        csv_lines(HEADINGS, rows), content_type="text/csv; charset=utf-8"
    )
    name = f"decisions-{timezone.localdate():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@for_own_people
def questions(request: SignedInRequest) -> HttpResponse:
    """List what the board asked; unanswered questions with the oldest first."""
    board, frame = board_of(request, "questions")
    form = QuestionFilterForm(board, request.GET)

    def select() -> QuerySet[Question]:
        return form.select(queries.questions_of(board, request.user))

    order = OLDEST if request.GET.get("state") == UNANSWERED else NEWEST
    return _list(request, "questions", form, frame, select, queries.with_asked, order)


@require_safe
@for_own_people
def attendance(request: SignedInRequest) -> HttpResponse:
    """List the meetings that were held with who was there."""
    board, frame = board_of(request, "attendance")
    form = AttendanceFilterForm(board, request.GET)
    return _list(request, "attendance", form, frame, form.select, rolls.with_attendances, LATEST)


@require_safe
@for_own_people
def record(request: SignedInRequest) -> HttpResponse:
    """List the steps that were taken on the board, the latest first."""
    if not permissions.may_see_record(request.user):
        raise PermissionDenied(_("The record of a board is for auditors and administrators."))
    board, frame = board_of(request, "record", dissolved=True)
    form = RecordFilterForm(board, request.GET)
    context = {**frame, "meeting": form.only_in if form.is_valid() else None}
    return _list(request, "record", form, context, form.select, _with_places)


def _with_places(events: QuerySet[BoardEvent]) -> QuerySet[BoardEvent]:
    return events.select_related("meeting", "item")


def _list(
    request: SignedInRequest,
    name: str,
    form: ListForm,
    context: dict[str, Any],
    select: Any,
    load: Any,
    order: Order = NEWEST,
) -> HttpResponse:
    """Show a page of a list, or 400 with what is wrong in its address."""
    context |= {"form": form, "active": form.active, "clear_url": address(name, form.of)}
    template = f"crb/{name}.html"
    if not form.is_valid():
        return render(request, template, context, status=HTTPStatus.BAD_REQUEST)
    try:
        found: Page[Any] = page_of(select(), order, request.GET.get("page", ""), PAGE_SIZE, load)
    except BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    rows = _rolls(form, found.rows) if isinstance(form, AttendanceFilterForm) else found.rows
    context |= {
        "rows": rows,
        "number": found.number,
        "next_url": _at(request, found.next),
        "previous_url": _at(request, found.previous),
    }
    return render(request, template, context)


def _rolls(form: AttendanceFilterForm, meetings: list[Meeting]) -> list[rolls.Roll]:
    return rolls.call(form.of, meetings, form.cleaned_data["member"])


def _at(request: SignedInRequest, token: str) -> str:
    if not token:
        return ""
    query = request.GET.copy()
    query["page"] = token
    return f"?{query.urlencode()}"
