"""Actions: the list, and recording, changing, dropping and finishing one."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db.models import F, QuerySet
from django.db.models.fields import DateField
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from changes.views.once import sent_once
from expansive_cm.errors import page
from expansive_cm.ui.paging import BadToken, Order, page_of
from expansive_cm.workflow.errors import StepError, StepIncomplete

from .. import lifecycle, panels, permissions, queries
from ..forms import ActionFilterForm, ActionForm
from ..lifecycle.core import require
from ..models import OPEN_ACTION, Action, Meeting
from .access import SignedInRequest, for_own_people

PAGE_SIZE = 50
SOONEST = Order("due", F("due_on"), DateField())
LATEST = Order("-due", F("due_on"), DateField(), descending=True)


@require_safe
@for_own_people
def actions(request: SignedInRequest) -> HttpResponse:
    """Show the actions that the address asks for, the open ones that are due first."""
    owners = User.objects.filter(pk__in=Action.objects.values("owner")).order_by("display_name")
    form = ActionFilterForm(request.GET, owners=list(owners), user=request.user)
    if not form.is_valid():
        return _list_refused(request, _("There is no such filter: %s") % _problems(form))
    asked = form.cleaned_data
    order = SOONEST if asked["state"] in ("", "overdue") else LATEST
    try:
        token = request.GET.get("page", "")
        found = page_of(_select(asked), order, token, PAGE_SIZE, panels.with_people)
    except BadToken as error:
        return _list_refused(request, str(error))
    query = {name: value for name, value in asked.items() if value}
    context = {
        "form": form,
        "active": len(query),
        "clear_url": reverse("crb:actions"),
        "rows": panels.action_rows(found.rows, request.user, panels.boards_run_by(request.user)),
        "page": found,
        "next_url": _at(query, found.next),
        "previous_url": _at(query, found.previous),
        "here": request.get_full_path(),
        "state": asked["state"],
    }
    return render(request, "crb/actions.html", context)


def _select(asked: dict[str, Any]) -> QuerySet[Action]:
    """Return the actions of a state and an owner."""
    found = {
        "": Action.objects.filter(OPEN_ACTION),
        "overdue": panels.overdue_actions(),
        "done": Action.objects.exclude(done_at=None),
        "dropped": Action.objects.exclude(dropped_at=None),
        "all": Action.objects.all(),
    }[asked["state"]]
    return found.filter(owner=asked["owner"]) if asked["owner"] else found


def _at(query: dict[str, str], token: str) -> str:
    return f"?{urlencode({**query, 'page': token})}" if token else ""


def _problems(form: ActionFilterForm) -> str:
    return ", ".join(str(form.fields[name].label) for name in form.errors)


def _list_refused(request: SignedInRequest, sentence: str) -> HttpResponse:
    return page(request, HTTPStatus.BAD_REQUEST, sentence)


def _actions_of(request: SignedInRequest, pk: int) -> str:
    """Return where the actions of a meeting stand, on the page that the person came from."""
    return _back(request, f"{reverse('crb:meeting', args=[pk])}#actions")


@require_POST
@for_own_people
@sent_once(_actions_of)
def record_action(request: SignedInRequest, pk: int) -> HttpResponse:
    """Record an action of a meeting; htmx gets the list of them back."""
    meeting = queries.meetings().select_related("minutes").filter(pk=pk).first()
    if meeting is None:
        raise Http404
    form = panels.action_form(meeting, request.POST)
    try:
        require(permissions.can_record_action(request.user, meeting))
        if not form.is_valid():
            return _panel(request, meeting, form, HTTPStatus.BAD_REQUEST)
        lifecycle.record_action(meeting, actor=request.user, **form.arguments())
    except StepIncomplete as error:
        form.take_error(error)
        return _panel(request, meeting, form, HTTPStatus.BAD_REQUEST)
    except StepError as error:
        form.add_error(None, str(error)) if form.is_valid() else None
        return _panel(request, meeting, form, error.status)
    messages.success(request, _("The action is recorded."))
    if getattr(request, "htmx", False):
        return _panel(request, meeting, None, HTTPStatus.OK)
    return redirect(_actions_of(request, meeting.pk))


def _panel(
    request: SignedInRequest, meeting: Meeting, form: ActionForm | None, status: int
) -> HttpResponse:
    """Draw the actions of a meeting: alone for htmx, on a page of their own otherwise."""
    htmx = bool(getattr(request, "htmx", False))
    if htmx and status >= HTTPStatus.BAD_REQUEST:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    panel = panels.ActionsPanel(meeting, request.user, form)
    panel.recorded = form is None
    context = {
        "panel": panel,
        "meeting": meeting,
        "board": meeting.board,
        "here": request.POST.get("next", ""),
    }
    name = "crb/partials/actions_answer.html" if htmx else "crb/record_action.html"
    return render(request, name, context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@for_own_people
def edit_action(request: SignedInRequest, pk: int) -> HttpResponse:
    """Change an open action."""
    action = _action_or_404(pk)
    form = panels.edit_form(action, request.POST or None)
    status, refusal = HTTPStatus.OK, ""
    try:
        require(permissions.can_edit_action(request.user, action))
        if form.is_bound and form.is_valid():
            seen = request.POST.get("seen", "")
            lifecycle.edit_action(action, actor=request.user, seen=seen, **form.arguments())
            messages.success(request, _("The action is changed."))
            return redirect(_back(request, reverse("crb:actions")))
        status = HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
    except StepIncomplete as error:
        form.take_error(error)
        status = HTTPStatus.BAD_REQUEST
    except StepError as error:
        if not form.is_bound:
            return _refused(request, error)
        action, status, refusal = _action_or_404(pk), HTTPStatus(error.status), str(error)
    context = {
        "action": action,
        "form": form,
        "refusal": refusal,
        "next": request.POST.get("next") or request.GET.get("next", ""),
    }
    return render(request, "crb/edit_action.html", context, status=status)


@require_POST
@for_own_people
def drop_action(request: SignedInRequest, pk: int) -> HttpResponse:
    """Give up an action."""
    return _act(request, pk, lifecycle.drop_action, _("The action is dropped."))


@require_POST
@for_own_people
def complete_action(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say that an action is done."""
    return _act(request, pk, lifecycle.complete_action, _("The action is done."))


def _act(request: SignedInRequest, pk: int, act: Any, done: str) -> HttpResponse:
    action = _action_or_404(pk)
    try:
        act(action, actor=request.user)
    except StepError as error:
        return _refused(request, error)
    messages.success(request, done)
    return redirect(_back(request, reverse("crb:actions")))


def _refused(request: SignedInRequest, error: StepError) -> HttpResponse:
    address = reverse("crb:actions")
    return page(request, HTTPStatus(error.status), str(error), current_url=address)


def _action_or_404(pk: int) -> Action:
    found = panels.with_people(Action.objects.select_related("meeting__minutes")).filter(pk=pk)
    action = found.first()
    if action is None:
        raise Http404
    return action


def _back(request: SignedInRequest, otherwise: str) -> str:
    """Return the page that the person came from, if it is one of ours."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if wanted and ours else otherwise
