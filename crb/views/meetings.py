"""A meeting: its page, and opening, joining, closing and cancelling it."""

from collections.abc import Callable
from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from expansive_cm.errors import page
from expansive_cm.numbers import whole_number
from expansive_cm.workflow.errors import ChangeStale, StepError, StepIncomplete

from .. import lifecycle, permissions
from ..forms import CancelForm
from ..lifecycle.core import require
from ..models import AgendaItem, Meeting
from .access import SignedInRequest, for_own_people, meeting_or_404
from .access import seen_version as _seen
from .page import MeetingPage, moved_on, typed


@require_safe
@for_own_people
def meeting(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show the agenda and one item with its whole case."""
    asked = request.GET.get("item", "")
    wanted = whole_number(asked)
    batch = request.GET.get("show") == "consent"
    focus = "item" if asked or batch else ""
    return MeetingPage(request, meeting_or_404(pk), wanted, batch=batch).show(focus=focus)


@require_POST
@for_own_people
def start_meeting(request: SignedInRequest, pk: int) -> HttpResponse:
    """Open the meeting."""
    found, seen = meeting_or_404(pk), _seen(request)
    return _act(
        request,
        found,
        lambda: lifecycle.start_meeting(found, actor=request.user, seen=seen),
        _("The meeting is open."),
    )


@require_POST
@for_own_people
def join_meeting(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say that one is there."""
    found = meeting_or_404(pk)
    return _act(
        request,
        found,
        lambda: lifecycle.join_meeting(found, actor=request.user),
        _("You are recorded as present."),
    )


@require_POST
@for_own_people
def go_to_item(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let the meeting turn to an item, and show it."""
    found, seen = meeting_or_404(pk), _seen(request)
    try:
        item = found.items.get(pk=int(request.POST.get("item", "")))
    except ValueError:
        raise BadRequest("item") from None
    except AgendaItem.DoesNotExist:
        raise Http404 from None
    try:
        lifecycle.go_to_item(found, actor=request.user, item=item, seen=seen)
    except StepError as error:
        return _refused(request, found, error)
    return moved_on(request, found)


@require_POST
@for_own_people
def close_meeting(request: SignedInRequest, pk: int) -> HttpResponse:
    """Close the meeting; what is undecided moves on."""
    found, seen = meeting_or_404(pk), _seen(request)
    return _act(
        request,
        found,
        lambda: lifecycle.close_meeting(found, actor=request.user, seen=seen),
        _("The meeting is closed."),
    )


def _act(
    request: SignedInRequest, meeting: Meeting, act: Callable[[], object], done: str
) -> HttpResponse:
    """Take a step that one press takes; a refusal leads back to the meeting as it is now."""
    try:
        act()
    except StepError as error:
        return _refused(request, meeting, error)
    messages.success(request, done)
    return redirect(meeting)


def _refused(
    request: SignedInRequest, meeting: Meeting, error: StepError, form: CancelForm | None = None
) -> HttpResponse:
    """Say why, with what had been typed and the way back to the meeting."""
    context = {"current_url": meeting.get_absolute_url(), "typed": typed(form) if form else []}
    return page(request, HTTPStatus(error.status), str(error), **context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_own_people
def cancel_meeting(request: SignedInRequest, pk: int) -> HttpResponse:
    """Cancel a meeting that has not begun; asks why."""
    found = meeting_or_404(pk)
    form = CancelForm(request.POST or None)
    status = HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
    try:
        require(permissions.can_cancel_meeting(request.user, found))
        if request.method == "POST" and form.is_valid():
            reason = form.cleaned_data["reason"]
            seen = _seen(request)
            had = _open_items(found)
            fresh = lifecycle.cancel_meeting(found, actor=request.user, seen=seen, reason=reason)
            messages.success(request, _cancelled_words(had, _open_items(fresh)))
            return redirect(found)
    except StepIncomplete as error:
        form.take_error(error)
    except ChangeStale as error:
        form.add_error(None, str(error))
        status, found = HTTPStatus.CONFLICT, meeting_or_404(pk)
    except StepError as error:
        return _refused(request, found, error, form)
    context = {"meeting": found, "board": found.board, "form": form, "count": _open_items(found)}
    return render(request, "crb/cancel_meeting.html", context, status=status)


def _cancelled_words(had: int, left: int) -> str:
    """Say what has become of the items, if there were any."""
    if not had:
        return _("The meeting is cancelled.")
    if left:
        return _("The meeting is cancelled. Its items wait until the next meeting is planned.")
    return _("The meeting is cancelled. Its items have moved on.")


def _open_items(meeting: Meeting) -> int:
    return meeting.items.filter(state="open").count()
