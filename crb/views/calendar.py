"""The calendar: meetings moved, called and listed, and absences."""

from collections.abc import Callable
from datetime import date
from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from expansive_cm import errors
from expansive_cm.ui.paging import BadToken
from expansive_cm.workflow.errors import ChangeStale, StepError, StepIncomplete

from .. import calendar_pages, lifecycle, permissions, queries
from ..forms import AbsenceForm, CallForm, MoveForm
from ..forms.base import BoardForm
from ..lifecycle.core import require
from ..models import Absence, Board
from .access import SignedInRequest, for_own_people, meeting_or_404, seen_version
from .page import typed


def _fill_in(
    request: SignedInRequest,
    template: str,
    form: BoardForm,
    context: dict[str, object],
    act: Callable[[], HttpResponse],
) -> HttpResponse:
    """Take a step with a form that is valid, or show it with what is wrong beside its fields.

    Raises every other StepError, which the caller answers.
    """
    try:
        if form.is_bound and form.is_valid():
            return act()
    except StepIncomplete as error:
        form.take_error(error)
    status = HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
    return render(request, template, {**context, "form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@for_own_people
def move_meeting(request: SignedInRequest, pk: int) -> HttpResponse:
    """Put a meeting at another date or time; asks why."""
    found = meeting_or_404(pk)
    initial = {name: getattr(found, name) for name in ("date", "start", "length_minutes")}
    form = MoveForm(request.POST or None, initial=initial, zone=found.zone)

    def act() -> HttpResponse:
        seen = seen_version(request)
        lifecycle.move_meeting(found, actor=request.user, seen=seen, **form.arguments())
        messages.success(request, _("The meeting is moved. Everybody invited is told."))
        return redirect(found)

    template = "crb/move_meeting.html"
    context: dict[str, object] = {"meeting": found, "board": found.board}
    try:
        require(permissions.can_move_meeting(request.user, found))
        return _fill_in(request, template, form, context, act)
    except ChangeStale as error:
        form.add_error(None, str(error))
        context["meeting"] = meeting_or_404(pk)
        return render(request, template, {**context, "form": form}, status=error.status)
    except StepError as error:
        return _refused(request, error, found.get_absolute_url(), form)


@require_http_methods(["GET", "HEAD", "POST"])
@for_own_people
def call_meeting(request: SignedInRequest, pk: int) -> HttpResponse:
    """Call an extraordinary meeting of a board; asks what for and with which items."""
    board = get_object_or_404(Board, pk=pk)
    initial = {"start": board.start, "length_minutes": board.length_minutes}
    waiting = queries.waiting_for_ballot(board)
    form = CallForm(request.POST or None, initial=initial, zone=board.zone, waiting=waiting)

    def act() -> HttpResponse:
        meeting = lifecycle.call_meeting(board, actor=request.user, **form.arguments())
        done = _("The meeting is called. Every member is invited.")
        if meeting.is_published:
            done += " " + _("Its agenda is published and mailed, as its cut-off has passed.")
        messages.success(request, done)
        return redirect(meeting)

    try:
        require(permissions.can_call_meeting(request.user, board))
        return _fill_in(request, "crb/call_meeting.html", form, {"board": board}, act)
    except StepError as error:
        return _refused(request, error, address_of(board), form)


@require_http_methods(["GET", "HEAD", "POST"])
@for_own_people
def record_absence(request: SignedInRequest, pk: int) -> HttpResponse:
    """Record that a member is away; the chair and the deputy may do so for everybody."""
    board = get_object_or_404(Board, pk=pk)
    terms = list(queries.memberships(board))
    own = [one for one in terms if permissions.can_record_absence(request.user, one)]
    if not own:
        sentence = _("This is for the members of the board.")
        return errors.page(request, HTTPStatus.FORBIDDEN, sentence, current_url=address_of(board))
    mine = next((one.pk for one in own if one.user_id == request.user.pk), None)
    form = AbsenceForm(
        request.POST or None,
        memberships=own,
        alternates=calendar_pages.alternates(board, terms),
        initial={"membership": mine, **_day_asked_for(request)},
    )

    def act() -> HttpResponse:
        absence = lifecycle.record_absence(actor=request.user, **form.arguments())
        messages.success(request, _("The absence of %s is recorded.") % absence.membership.user)
        return redirect(f"{address_of(board)}#members")

    try:
        return _fill_in(request, "crb/record_absence.html", form, {"board": board}, act)
    except StepError as error:
        return _refused(request, error, address_of(board), form)


def _day_asked_for(request: SignedInRequest) -> dict[str, date]:
    """Begin with the day of the meeting from which a member comes here, if it is one."""
    try:
        day = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return {}
    return {"starts_on": day, "ends_on": day}


@require_POST
@for_own_people
def withdraw_absence(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take an absence back."""
    absence = get_object_or_404(Absence.objects.select_related("membership__board"), pk=pk)
    board = absence.membership.board
    try:
        fresh = lifecycle.withdraw_absence(absence, actor=request.user)
    except StepError as error:
        return _refused(request, error, address_of(board))
    done = _("The absence is withdrawn.") if fresh.withdrawn_at else _("The absence ends early.")
    messages.success(request, done)
    return redirect(f"{address_of(board)}#members")


@require_POST
@for_own_people
def will_attend(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say that one comes to a meeting that one's calendar declined."""
    found = meeting_or_404(pk)
    home = reverse("changes:home")
    try:
        if lifecycle.will_attend(found, actor=request.user):
            messages.success(request, _("You are expected at “%s”.") % found)
    except StepError as error:
        return _refused(request, error, home)
    return redirect(home)


@require_safe
@for_own_people
def meetings(request: SignedInRequest, pk: int) -> HttpResponse:
    """List a board's meetings: those to come, or those that are over."""
    board = get_object_or_404(Board, pk=pk)
    which = request.GET.get("show", "upcoming")
    if which not in calendar_pages.LISTS:
        raise Http404
    try:
        page = calendar_pages.list_page(board, which, request.GET.get("page", ""))
    except BadToken as error:
        return errors.page(request, HTTPStatus.BAD_REQUEST, str(error))
    context = {
        "board": board,
        "page": page,
        "tabs": calendar_pages.list_tabs(which),
        "which": which,
    }
    return render(request, "crb/meetings.html", context)


def address_of(board: Board) -> str:
    """Return the page of a board, also where there are several."""
    return f"{reverse('crb:board')}?board={board.pk}"


def _refused(
    request: SignedInRequest, error: StepError, address: str, form: BoardForm | None = None
) -> HttpResponse:
    """Say why, with what had been typed and the way on."""
    context = {"current_url": address, "typed": typed(form) if form else []}
    return errors.page(request, HTTPStatus(error.status), str(error), **context)
