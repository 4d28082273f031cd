"""Change freezes and maintenance windows: the list of them, the page of one, and the acts on it."""

from functools import partial
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db.models import DateTimeField, F, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from expansive_cm.errors import page as error_page
from expansive_cm.ui import paging
from expansive_cm.ui.components import Tab
from expansive_cm.workflow.errors import ChangeStale, StepIncomplete

from .. import lifecycle, permissions, planned_in
from ..forms.window import CancelWindowForm, OverrideForm, WindowForm
from ..models import Change, Deployment, Execution, Window, WindowOverride
from ..unheld import roles_of_nobody
from .access import SignedInRequest, insist, signed_in
from .once import sent_once

PAGE_SIZE = 25
LATEST = 25
"""So many overrides and acts the page of a window shows."""
BY_END = partial(paging.Order, key=F("ends_at"), key_field=DateTimeField())
BY_CANCELLING = partial(paging.Order, key=F("cancelled_at"), key_field=DateTimeField())
VIEWS = {
    "upcoming": (
        gettext_lazy("In force and to come"),
        "calendar-event",
        BY_END("windows"),
    ),
    "past": (gettext_lazy("Over"), "history", BY_END("past", descending=True)),
    "cancelled": (
        gettext_lazy("Cancelled"),
        "ban",
        BY_CANCELLING("cancelled", descending=True),
    ),
}


def _wanted(name: str) -> Q:
    now = timezone.now()
    return {
        "upcoming": Q(cancelled_at=None, ends_at__gt=now),
        "past": Q(cancelled_at=None, ends_at__lte=now),
        "cancelled": Q(cancelled_at__isnull=False),
    }[name]


@signed_in
@require_safe
def windows(request: SignedInRequest) -> HttpResponse:
    """List freezes and maintenance windows: to come, over, or cancelled."""
    insist(permissions.can_read_windows(request.user))
    name = request.GET.get("view", "upcoming")
    if name not in VIEWS:
        raise Http404
    found = Window.objects.filter(_wanted(name))
    try:
        page = paging.page_of(
            found, VIEWS[name][2], request.GET.get("page", ""), PAGE_SIZE, _with_scope
        )
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    context = {
        "rows": page.rows,
        "name": name,
        "tabs": [
            Tab(label, f"?view={key}", icon, active=key == name)
            for key, (label, icon, _order) in VIEWS.items()
        ],
        "may_plan": permissions.can_plan_windows(request.user),
        "next_url": f"?view={name}&page={page.next}" if page.next else "",
        "previous_url": f"?view={name}&page={page.previous}" if page.previous else "",
    }
    return render(request, "changes/windows.html", context)


def _with_scope(found: QuerySet[Window]) -> QuerySet[Window]:
    return found.select_related("service", "organisation")


@signed_in
@require_safe
def window(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show a freeze or maintenance window: when, for what, the plans in it, and its overrides."""
    insist(permissions.can_read_windows(request.user))
    shown = _window_or_404(pk)
    page: paging.Page[Change] = paging.Page([])
    if shown.is_freeze and shown.cancelled_at is None and not shown.is_over:
        order = paging.Order("plans")
        try:
            page = paging.page_of(
                planned_in.changes_in(shown),
                order,
                request.GET.get("page", ""),
                PAGE_SIZE,
                _with_plans,
            )
        except paging.BadToken as error:
            return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    of_nobody = _of_nobody(shown)
    overrides = shown.overrides.select_related("change", "recorded_by").order_by("-pk")
    context = {
        "window": shown,
        "plans": [(change, _plan_of(change)) for change in page],
        "lists_plans": shown.is_freeze and shown.cancelled_at is None and not shown.is_over,
        "overrides": overrides[:LATEST],
        "of_nobody": of_nobody,
        "history": shown.history.select_related("history_user").order_by("-history_id")[:LATEST],
        "may_cancel": permissions.can_cancel_window(request.user, shown),
        "may_plan": permissions.can_plan_windows(request.user),
        "may_override": permissions.may_override(request.user, shown),
        "next_url": f"?page={page.next}" if page.next else "",
        "previous_url": f"?page={page.previous}" if page.previous else "",
    }
    return render(request, "changes/window.html", context)


def _with_plans(found: QuerySet[Change]) -> QuerySet[Change]:
    return (
        found.select_related("organisation")
        .prefetch_related("executions__executor", "deployments__release")
        .defer("description", "search")
    )


def _plan_of(change: Change) -> Execution | Deployment | None:
    plan: Execution | Deployment | None = change.execution or change.deployment
    return plan


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once(lambda request: reverse("changes:windows"))
def new_window(request: SignedInRequest) -> HttpResponse:
    """Make a freeze or a maintenance window."""
    insist(permissions.can_plan_windows(request.user))
    form = WindowForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method != "POST" or not form.is_valid():
        return _form(request, "changes/window_form.html", form)
    try:
        made = lifecycle.plan_window(actor=request.user, **form.arguments())
    except StepIncomplete as error:
        form.take_error(error)
        return _form(request, "changes/window_form.html", form)
    messages.success(request, _("“%s” is made.") % made)
    if unheld_words := _of_nobody(made):
        messages.warning(request, unheld_words)
    return redirect(made)


def _of_nobody(shown: Window) -> str:
    """Say that nobody can let a change pass where it asks for that, "" where somebody can."""
    asks = shown.effect == Window.Effect.OVERRIDE and not (shown.cancelled_at or shown.is_over)
    if not asks or shown.override_role not in roles_of_nobody():
        return ""
    role = shown.get_override_role_display()
    words = _(
        "Nobody holds the role “%s”: no change can be let pass until an administrator gives it."
    )
    return words % role


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_window(request: SignedInRequest, pk: int) -> HttpResponse:
    """End a freeze or maintenance window, with a reason."""
    insist(permissions.can_read_windows(request.user))
    shown = _window_or_404(pk)
    insist(permissions.can_cancel_window(request.user, shown))
    form = CancelWindowForm(request.POST if request.method == "POST" else None, window=shown)
    if request.method != "POST" or not form.is_valid():
        return _form(request, "changes/cancel_window.html", form, window=shown)
    try:
        lifecycle.cancel_window(
            shown,
            actor=request.user,
            reason=form.cleaned_data["reason"],
            seen=form.cleaned_data["seen"],
        )
    except ChangeStale as error:
        messages.warning(request, str(error))
        return redirect(shown)
    messages.success(request, _("“%s” is cancelled.") % shown)
    return redirect(shown)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once(lambda request, pk: reverse("changes:window", args=[pk]))
def override_window(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let one change be put in place despite a window that asks for an override."""
    insist(permissions.can_read_windows(request.user))
    shown = _window_or_404(pk)
    insist(permissions.may_override(request.user, shown))
    data = request.POST if request.method == "POST" else None
    form = OverrideForm(data, user=request.user, change=request.GET.get("change", "")[:20])
    if data is None or not form.is_valid():
        return _form(request, "changes/override_window.html", form, window=shown)
    change = form.cleaned_data["change"]
    decision = permissions.can_override_window(request.user, change)
    if decision:
        decision = permissions.may_let_pass(request.user, shown, change)
    if not decision:
        form.add_error("change", decision.reason)
        return _form(request, "changes/override_window.html", form, window=shown)
    lifecycle.override_window(
        change, actor=request.user, window=shown, reason=form.cleaned_data["reason"]
    )
    values = {"change": change.reference, "name": shown}
    messages.success(request, _("%(change)s may pass “%(name)s”.") % values)
    return redirect(change)


@signed_in
@require_safe
def overrides(request: SignedInRequest) -> HttpResponse:
    """List every override of a freeze or maintenance window, the newest first."""
    insist(permissions.can_read_windows(request.user))
    order = paging.Order("overrides", descending=True)
    try:
        page = paging.page_of(
            WindowOverride.objects.all(),
            order,
            request.GET.get("page", ""),
            PAGE_SIZE,
            lambda rows: rows.select_related("change__organisation", "window", "recorded_by"),
        )
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    context = {
        "rows": page.rows,
        "next_url": f"?page={page.next}" if page.next else "",
        "previous_url": f"?page={page.previous}" if page.previous else "",
    }
    return render(request, "changes/overrides.html", context)


def _form(request: SignedInRequest, template: str, form: Any, **more: Any) -> HttpResponse:
    status = HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
    return render(request, template, {"form": form, **more}, status=status)


def _window_or_404(pk: int) -> Window:
    try:
        return Window.objects.select_related("service", "organisation").get(pk=pk)
    except Window.DoesNotExist:
        raise Http404 from None
