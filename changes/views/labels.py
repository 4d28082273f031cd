"""Labels: on the page of a change, and all of them with what administrators do with one."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Upper
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from expansive_cm.errors import page as error_page
from expansive_cm.texts import composed
from expansive_cm.ui import paging
from expansive_cm.workflow.errors import ChangeStale, StepIncomplete

from .. import lifecycle, permissions
from ..forms.label import KeepLabelForm, MergeLabelForm, PutLabelForm
from ..models import Change, Label
from ..models.label import shown
from ..permissions.rules import can_see_internal
from .access import SignedInRequest, insist, signed_in, visible_or_404

FOUND = 10
PAGE_SIZE = 50
BY_NAME = paging.Order("name", Upper("name"), CharField())


def labels_context(user: User, change: Change) -> dict[str, Any]:
    """Return the labels of a change and the form for another; one query, none for customers."""
    sees = can_see_internal(user)
    return {
        "change": change,
        "sees_labels": sees,
        "labels": shown(change.labels.select_related("merged_into")) if sees else [],
        "may_label": permissions.can_label(user, change),
        "label_form": PutLabelForm(),
    }


@signed_in
@require_POST
def label(request: SignedInRequest, pk: int) -> HttpResponse:
    """Put a label on a change; in the background, answer with its labels."""
    change = visible_or_404(request.user, pk)
    insist(permissions.can_label(request.user, change))
    form = PutLabelForm(request.POST)
    if form.is_valid():
        try:
            lifecycle.label(change, actor=request.user, **form.cleaned_data)
        except StepIncomplete as error:
            form.take_error(error)
        else:
            return _labels_again(request, change)
    context = {**labels_context(request.user, change), "label_form": form, "verb": "label"}
    if request.headers.get("HX-Request") == "true":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return render(request, "changes/partials/labels.html", context, status=status)
    return render(request, "changes/discuss.html", context, status=HTTPStatus.BAD_REQUEST)


@signed_in
@require_POST
def unlabel(request: SignedInRequest, pk: int, label_pk: int) -> HttpResponse:
    """Take a label off a change."""
    change = visible_or_404(request.user, pk)
    insist(permissions.can_unlabel(request.user, change))
    record = get_object_or_404(Label, pk=label_pk)
    lifecycle.unlabel(change, actor=request.user, label=record)
    return _labels_again(request, change)


def _labels_again(request: SignedInRequest, change: Change) -> HttpResponse:
    if request.headers.get("HX-Request") != "true":
        return redirect(f"{change.get_absolute_url()}#labels")
    context = labels_context(request.user, change)
    return render(request, "changes/partials/labels.html", context)


@signed_in
@require_safe
def find_label(request: SignedInRequest) -> HttpResponse:
    """Offer labels in use whose name has what was typed."""
    _for_colleagues(request)
    text = composed(request.GET.get("name", "")[:100]).strip()
    found = Label.objects.filter(is_active=True).annotate(upper=Upper("name"))
    found = found.filter(upper__contains=Upper(Value(text)))[:FOUND]
    return render(request, "changes/partials/find_label.html", {"found": found})


@signed_in
@require_safe
def labels(request: SignedInRequest) -> HttpResponse:
    """List labels by name: those in use, or those that have ended."""
    _for_colleagues(request)
    ended = request.GET.get("view") == "ended"
    wanted = Label.objects.filter(is_active=not ended)
    try:
        page = paging.page_of(wanted, BY_NAME, request.GET.get("page", ""), PAGE_SIZE, _for_list)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    before = "?view=ended&page=" if ended else "?page="
    context = {
        "rows": page.rows,
        "ended": ended,
        "may_keep": permissions.can_keep_labels(request.user),
        "next_url": before + page.next if page.next else "",
        "previous_url": before + page.previous if page.previous else "",
    }
    return render(request, "changes/labels.html", context)


def _for_list(rows: "QuerySet[Label]") -> "QuerySet[Label]":
    return rows.select_related("merged_into")


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def one_label(request: SignedInRequest, pk: int) -> HttpResponse:
    """Rename a label, colour it, end it or have it used again."""
    return _kept(request, pk, "form", _keep)


@signed_in
@require_POST
def merge_label(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let another label stand for this one as well."""
    return _kept(request, pk, "merging", _merge)


def _kept(
    request: SignedInRequest, pk: int, part: str, take: Callable[[User, Label, Any], str]
) -> HttpResponse:
    """Show a label, or take what one of its two forms says."""
    insist(permissions.can_keep_labels(request.user))
    record = get_object_or_404(Label.objects.select_related("merged_into"), pk=pk)
    forms: dict[str, Any] = {"form": KeepLabelForm, "merging": MergeLabelForm}
    context = {"label": record, **{name: form(label=record) for name, form in forms.items()}}
    if request.method != "POST":
        return render(request, "changes/label.html", context)
    form = context[part] = forms[part](request.POST, label=record)
    status = HTTPStatus.BAD_REQUEST
    if form.is_valid():
        try:
            words = take(request.user, record, form)
        except StepIncomplete as error:
            form.take_error(error)
        except ChangeStale as error:
            record = context["label"] = get_object_or_404(Label, pk=pk)
            typed = {**request.POST.dict(), "seen": record.version}
            form = context[part] = forms[part](typed, label=record)
            form.add_error(None, f"{error} {_('Send it again if yours should replace that.')}")
            status = HTTPStatus.CONFLICT
        else:
            messages.success(request, words)
            return redirect("changes:labels")
    return render(request, "changes/label.html", context, status=status)


def _keep(user: User, label: Label, form: Any) -> str:
    kept = lifecycle.keep_label(label, actor=user, **form.cleaned_data)
    return _("The label “%s” is changed.") % kept.name


def _merge(user: User, label: Label, form: Any) -> str:
    into = get_object_or_404(Label, pk=form.cleaned_data["into"])
    target = lifecycle.merge_label(label, actor=user, into=into, seen=form.cleaned_data["seen"])
    words = _("“%(name)s” is shown as “%(target)s” from now on.")
    return words % {"name": label.name, "target": target.name}


def _for_colleagues(request: SignedInRequest) -> None:
    """Labels do not exist for anybody else."""
    if not can_see_internal(request.user):
        raise Http404
