"""Releases: the list of them, the page of one, and the acts on it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db.models import DateField, F, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from expansive_cm.errors import page as error_page
from expansive_cm.texts import Text
from expansive_cm.ui import paging
from expansive_cm.ui.components import Series, Tab
from expansive_cm.ui.forms import show_again
from expansive_cm.workflow.decisions import Decision
from expansive_cm.workflow.errors import ChangeStale, StepIncomplete

from .. import lifecycle, permissions, planning, releases
from ..export import csv_lines
from ..forms.release import ReleaseActForm, ReleaseForm
from ..many.acts import ACT, acts_of
from ..many.runs import MOST as MOST_AT_ONCE
from ..models import Release
from ..states import BEFORE_DEPLOYED, State
from .access import SignedInRequest, insist, signed_in

PAGE_SIZE = 25
DATE = partial(paging.Order, key=F("planned_on"), key_field=DateField())


@dataclass(frozen=True)
class View:
    """One of the lists of releases: which, and in what order."""

    label: Text
    icon: str
    which: Q
    order: paging.Order


VIEWS = {
    "upcoming": View(
        gettext_lazy("To come"),
        "calendar-event",
        Q(released_at=None, cancelled_at=None),
        DATE("upcoming"),
    ),
    "past": View(
        gettext_lazy("Released"),
        "rocket",
        Q(released_at__isnull=False),
        DATE("past", descending=True),
    ),
    "cancelled": View(
        gettext_lazy("Cancelled"),
        "ban",
        Q(cancelled_at__isnull=False),
        DATE("cancelled", descending=True),
    ),
}


@signed_in
@require_safe
def release_list(request: SignedInRequest) -> HttpResponse:
    """List releases to come, those that are out, or those that were cancelled."""
    insist(permissions.can_read_releases(request.user))
    name = request.GET.get("view", "upcoming")
    if name not in VIEWS:
        raise Http404
    view = VIEWS[name]
    wanted = Release.objects.filter(view.which)
    try:
        page = paging.page_of(wanted, view.order, request.GET.get("page", ""), PAGE_SIZE)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    counts = releases.counts_of(page.rows, request.user)
    context = {
        "rows": [(one, *counts.get(one.pk, (0, 0))) for one in page],
        "name": name,
        "tabs": [
            Tab(one.label, f"?view={key}", one.icon, active=key == name)
            for key, one in VIEWS.items()
        ],
        "may_plan": permissions.can_plan_releases(request.user),
        "next_url": f"?view={name}&page={page.next}" if page.next else "",
        "previous_url": f"?view={name}&page={page.previous}" if page.previous else "",
    }
    return render(request, "changes/releases.html", context)


@signed_in
@require_safe
def export_releases(request: SignedInRequest) -> HttpResponse:
    """Send all releases as a file that spreadsheets open."""
    insist(permissions.can_read_releases(request.user))
    every = list(Release.objects.order_by("planned_on", "pk"))
    lines = csv_lines(releases.COLUMNS, releases.lines_of(every, request.user))
    response = HttpResponse("".join(lines), content_type="text/csv; charset=utf-8")
    name = f"releases-{timezone.localdate():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


@signed_in
@require_safe
def release(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show a release: its dates, its changes by stage and what they miss, and its promises."""
    insist(permissions.can_read_releases(request.user))
    shown = _release_or_404(pk)
    contents = releases.contents_of(shown, request.user)
    promised = list(releases.promises_on(shown, request.user))
    context = {
        "release": shown,
        "contents": contents,
        "promised": promised[: releases.MOST],
        "undeployed": BEFORE_DEPLOYED,
        "more_promised": len(promised) > releases.MOST,
        "labels": [stage.state.label for stage in contents.stages],
        "series": [Series(_("Changes"), [len(stage.rows) for stage in contents.stages])],
        "history": releases.acts_of(shown),
        "late": _late(shown),
        "freezes": [] if shown.is_over else planning.freezes_on(shown.planned_on),
        "offers": _offers(request.user, shown),
        "deploy_url": _deploy_url(request, shown, contents),
        "acts": acts_of(request.user),
        "most": releases.MOST,
    }
    return render(request, "changes/release.html", context)


def _late(shown: Release) -> str:
    """Say what should have happened to a release by now."""
    today = timezone.localdate()
    if shown.is_over:
        return ""
    if shown.planned_on < today:
        return _("The planned day has passed. Move the release, or say that it is out.")
    if shown.freeze_on and shown.freeze_on < today and shown.frozen_at is None:
        return _("The code was to be complete by now. Freeze the release, or move the day.")
    return ""


@dataclass(frozen=True)
class Act:
    """An act on a release: its permission, its step, and its words."""

    label: Text
    icon: str
    lead: Text
    done: Text
    may: Callable[[User, Release], Decision]
    does: Callable[..., Release]
    style: str = "primary"
    why_needed: Text = ""
    """What is said where it always needs a reason and has none."""


ACTS = {
    "freeze_release": Act(
        gettext_lazy("Freeze"),
        "lock",
        gettext_lazy(
            "From now on changes join or leave this release only with a reason. If the day of the "
            "freeze moves to a later one, the release is open again."
        ),
        gettext_lazy("Release %s is frozen."),
        permissions.can_freeze_release,
        lifecycle.freeze_release,
    ),
    "finish_release": Act(
        gettext_lazy("It is out"),
        "rocket",
        gettext_lazy(
            "Say that the release is out. The deployment of each change is recorded on its own "
            "page. While some are not deployed, say why it is out without them."
        ),
        gettext_lazy("Release %s is out."),
        permissions.can_finish_release,
        lifecycle.finish_release,
    ),
    "cancel_release": Act(
        gettext_lazy("Cancel the release"),
        "ban",
        gettext_lazy(
            "The release will not come. Its changes stay where they are and wait for another "
            "release; a promise that names it moves to the third one that is still to come."
        ),
        gettext_lazy("Release %s is cancelled."),
        permissions.can_cancel_release,
        lifecycle.cancel_release,
        "danger",
        gettext_lazy("Say why the release is cancelled."),
    ),
}


def _offers(user: User, shown: Release) -> list[tuple[str, Act, Decision]]:
    """Return what those who plan releases may do with one; to others nothing is offered."""
    if shown.is_over or not permissions.can_plan_releases(user):
        return []
    return [
        (reverse(f"changes:{name}", args=[shown.pk]), act, act.may(user, shown))
        for name, act in ACTS.items()
    ]


def _deploy_url(request: SignedInRequest, shown: Release, contents: releases.Contents) -> str:
    """Return where what is ready is deployed at once, "" where nothing is or it is not theirs.

    What waits for its deployment and is not ready goes along, as far as there is room for it
    behind what is: the page says why not.
    """
    act = ACT["deploy"]
    waiting = [row for row in contents.undeployed if row.change.state == State.DEPLOYMENT]
    ready_first = sorted(waiting, key=lambda row: bool(row.missing))
    is_ready = bool(ready_first) and not ready_first[0].missing
    if shown.is_over or not is_ready or not act.may_ever(request.user):
        return ""
    keys = [row.change.pk for row in ready_first[:MOST_AT_ONCE]]
    asked: dict[str, str | list[int]] = {"act": act.name, "change": keys, "back": request.path}
    query = urlencode(asked, doseq=True)
    return f"{reverse('changes:act_on_many')}?{query}"


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new_release(request: SignedInRequest) -> HttpResponse:
    """Plan a release."""
    insist(permissions.can_plan_releases(request.user))
    if request.method != "POST":
        return _form_page(request, ReleaseForm(), None)
    form = ReleaseForm(request.POST)
    if not form.is_valid():
        return _form_page(request, form, None, status=HTTPStatus.BAD_REQUEST)
    try:
        made = lifecycle.plan_release(actor=request.user, **form.arguments())
    except StepIncomplete as error:
        form.take_error(error)
        return _form_page(request, form, None, status=HTTPStatus.BAD_REQUEST)
    messages.success(request, _("Release %s is planned.") % made)
    return redirect(made)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def change_release(request: SignedInRequest, pk: int) -> HttpResponse:
    """Change name, dates or notes of a release that is still to come."""
    insist(permissions.can_read_releases(request.user))
    shown = _release_or_404(pk)
    insist(permissions.can_change_release(request.user, shown))
    if request.method != "POST":
        return _form_page(request, ReleaseForm(release=shown), shown)
    form = ReleaseForm(request.POST, release=shown)
    return _take(request, form, shown, lifecycle.change_release, _("Release %s is changed."), {})


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def act_on_release(request: SignedInRequest, pk: int, act: str) -> HttpResponse:
    """Freeze a release, say that it is out, or cancel it."""
    insist(permissions.can_read_releases(request.user))
    shown = _release_or_404(pk)
    chosen = ACTS[act]
    insist(chosen.may(request.user, shown))
    data = request.POST if request.method == "POST" else None
    form = ReleaseActForm(data, release=shown, why_needed=chosen.why_needed)
    if data is None:
        return _form_page(request, form, shown, act=chosen)
    return _take(request, form, shown, chosen.does, str(chosen.done), {"act": chosen})


def _take(
    request: SignedInRequest,
    form: ReleaseForm | ReleaseActForm,
    shown: Release,
    does: Callable[..., Release],
    done: str,
    more: dict[str, Any],
) -> HttpResponse:
    bad = HTTPStatus.BAD_REQUEST
    if not form.is_valid():
        return _form_page(request, form, shown, status=bad, **more)
    try:
        changed = does(
            shown, actor=request.user, seen=form.cleaned_data["seen"] or 0, **form.arguments()
        )
    except StepIncomplete as error:
        form.take_error(error)
        return _form_page(request, form, shown, status=bad, **more)
    except ChangeStale as error:
        now = _release_or_404(shown.pk)
        show_again(form, now.version)
        status = HTTPStatus.CONFLICT
        return _form_page(request, form, now, status=status, happened=str(error), **more)
    messages.success(request, done % changed)
    return redirect(changed)


def _form_page(
    request: SignedInRequest,
    form: ReleaseForm | ReleaseActForm,
    shown: Release | None,
    *,
    status: int = HTTPStatus.OK,
    **more: Any,
) -> HttpResponse:
    back = shown.get_absolute_url() if shown else reverse("changes:releases")
    context = {"form": form, "release": shown, "back_url": back, **more}
    template = "release_act" if "act" in more else "release_form"
    return render(request, f"changes/{template}.html", context, status=status)


def _release_or_404(pk: int) -> Release:
    try:
        return Release.objects.get(pk=pk)
    except Release.DoesNotExist:
        raise Http404 from None
