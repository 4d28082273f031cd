"""Ballots without a meeting: opening, extending and ending them. Their page is the meeting's."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from expansive_cm.errors import page
from expansive_cm.numbers import whole_number
from expansive_cm.workflow.decisions import Decision
from expansive_cm.workflow.errors import StepError, StepIncomplete

from .. import lifecycle, permissions, queries
from ..forms.ballots import EndBallotForm, ExtendBallotForm, OpenBallotForm
from ..forms.base import BoardForm
from ..lifecycle.core import require
from ..models import Board, Meeting
from .access import SignedInRequest, for_own_people, meeting_or_404
from .page import typed


@require_http_methods(["GET", "HEAD", "POST"])
@for_own_people
def open_ballot(request: SignedInRequest, pk: int) -> HttpResponse:
    """Choose changes, a deadline and say why; then the members vote without a meeting."""
    board = queries.active_boards().filter(pk=pk).first()
    if board is None:
        raise Http404
    urgent = whole_number(request.GET.get("change", ""))
    waiting = queries.waiting_for_ballot(board)
    form = OpenBallotForm(request.POST or None, waiting=waiting, urgent=urgent)
    decision = permissions.can_open_ballot(request.user, board)

    def act() -> Meeting:
        data = form.cleaned_data
        return lifecycle.open_ballot(board, actor=request.user, **data)

    done = _("The ballot is open; the members have been mailed.")
    return _take(request, board, form, decision, act, done, "open_ballot")


@require_http_methods(["GET", "HEAD", "POST"])
@for_own_people
def extend_ballot(request: SignedInRequest, pk: int) -> HttpResponse:
    """Give the members more time."""
    ballot = meeting_or_404(pk)
    form = ExtendBallotForm(request.POST or None, initial={"deadline": ballot.deadline})
    decision = permissions.can_extend_ballot(request.user, ballot)

    def act() -> Meeting:
        seen = _seen(request)
        return lifecycle.extend_ballot(ballot, actor=request.user, seen=seen, **form.cleaned_data)

    done = _("The members have more time, and have been mailed.")
    return _take(request, ballot.board, form, decision, act, done, "extend_ballot", ballot)


@require_http_methods(["GET", "HEAD", "POST"])
@for_own_people
def end_ballot(request: SignedInRequest, pk: int) -> HttpResponse:
    """End a ballot before everything is decided."""
    ballot = meeting_or_404(pk)
    form = EndBallotForm(request.POST or None)
    decision = permissions.can_end_ballot(request.user, ballot)

    def act() -> Meeting:
        seen = _seen(request)
        return lifecycle.end_ballot(ballot, actor=request.user, seen=seen, **form.cleaned_data)

    done = _("The ballot has ended. What was not decided goes to the next agenda.")
    return _take(request, ballot.board, form, decision, act, done, "end_ballot", ballot)


def _take(
    request: SignedInRequest,
    board: Board,
    form: BoardForm,
    decision: Decision,
    act: Callable[[], Meeting],
    done: str,
    name: str,
    ballot: Meeting | None = None,
) -> HttpResponse:
    """Show the form of a step, or take the step with it and lead to the ballot."""
    more: dict[str, Any] = {}
    status = HTTPStatus.OK
    try:
        require(decision)
        if form.is_bound and form.is_valid():
            ballot = act()
            messages.success(request, done)
            return redirect(ballot)
    except StepIncomplete as error:
        form.take_error(error)
    except StepError as error:
        if not form.is_bound or not decision:
            where = (
                ballot.get_absolute_url() if ballot else f"{reverse('crb:board')}?board={board.pk}"
            )
            context = {"current_url": where, "typed": typed(form)}
            return page(request, HTTPStatus(error.status), str(error), **context)
        more, status = {"refusal": str(error)}, HTTPStatus(error.status)
    if form.is_bound and status == HTTPStatus.OK:
        status = HTTPStatus.BAD_REQUEST
    shown = {"board": board, "meeting": ballot, "form": form, **more}
    return render(request, f"crb/{name}.html", shown, status=status)


def _seen(request: SignedInRequest) -> int:
    try:
        return int(request.POST["seen"])
    except (KeyError, ValueError):
        raise BadRequest("seen") from None
