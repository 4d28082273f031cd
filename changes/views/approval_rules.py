"""Approval rules: the list of them, the page of one, and what administrators do with it."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db.models import F, QuerySet, SmallIntegerField
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from expansive_cm.errors import page as error_page
from expansive_cm.numbers import whole_number
from expansive_cm.ui import paging
from expansive_cm.workflow.errors import ChangeStale, StepIncomplete

from .. import approval_gaps, approving, lifecycle, permissions
from ..forms.approval import RuleForm
from ..models import ApprovalRule
from ..turns.parts import approvers
from .access import SignedInRequest, insist, signed_in
from .once import sent_once

PAGE_SIZE = 25
LATEST = 25
BY_ORDER = paging.Order("order", F("position"), SmallIntegerField())


@signed_in
@require_safe
def approval_rules(request: SignedInRequest) -> HttpResponse:
    """List approval rules in their order: those in use, or those that have ended."""
    insist(permissions.can_read_approval_rules(request.user))
    ended = request.GET.get("view") == "ended"
    wanted = ApprovalRule.objects.filter(ended_at__isnull=not ended)
    try:
        page = paging.page_of(wanted, BY_ORDER, request.GET.get("page", ""), PAGE_SIZE, _for_list)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    before = "?view=ended&page=" if ended else "?page="
    lacking = set(approval_gaps.rules_without_enough().values_list("pk", flat=True))
    context = {
        "able": _able_of(page.rows),
        "rows": [(one, approving.why(one), one.pk in lacking) for one in page.rows],
        "ended": ended,
        "may_keep": permissions.can_keep_approval_rules(request.user),
        "next_url": before + page.next if page.next else "",
        "previous_url": before + page.previous if page.previous else "",
    }
    return render(request, "changes/approval_rules.html", context)


def _able_of(rules: Iterable[ApprovalRule]) -> set[int]:
    """Return who of those named could approve anything now; one query."""
    found = approvers().filter(approves_by__rule__in=[one.pk for one in rules])
    return set(found.values_list("pk", flat=True))


def _for_list(rows: "QuerySet[ApprovalRule]") -> "QuerySet[ApprovalRule]":
    related = rows.select_related("organisation", "service", "template")
    return related.prefetch_related("named__person")


@signed_in
@require_safe
def approval_rule(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show an approval rule, what is amiss with it, and what happened to it."""
    insist(permissions.can_read_approval_rules(request.user))
    shown = _rule_or_404(pk)
    history = shown.history.select_related("history_user").order_by("-history_id")
    gap = next((one for one in approval_gaps.gaps(LATEST) if one.rule.pk == pk), None)
    context = {
        "able": _able_of([shown]),
        "rule": shown,
        "why": approving.why(shown),
        "named": shown.named.select_related("person").order_by("position", "pk"),
        "gap": gap.sentence if gap else "",
        "history": history[:LATEST],
        "may_keep": permissions.can_keep_approval_rules(request.user) and not shown.ended_at,
    }
    return render(request, "changes/approval_rule.html", context)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once(lambda request: reverse("changes:approval_rules"))
def new_rule(request: SignedInRequest) -> HttpResponse:
    """Make an approval rule."""
    insist(permissions.can_keep_approval_rules(request.user))
    form = RuleForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _form(request, form)
    try:
        made = lifecycle.make_rule(actor=request.user, words=form.words())
    except StepIncomplete as error:
        form.take_error(error)
        return _form(request, form)
    messages.success(request, _("The rule “%s” is made.") % made)
    return redirect(made)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def edit_rule(request: SignedInRequest, pk: int) -> HttpResponse:
    """Change an approval rule."""
    insist(permissions.can_keep_approval_rules(request.user))
    shown = _rule_or_404(pk)
    form = RuleForm(request.POST if request.method == "POST" else None, rule=shown)
    if request.method != "POST" or not form.is_valid():
        return _form(request, form, rule=shown)
    try:
        seen = form.cleaned_data["seen"]
        lifecycle.change_rule(shown, actor=request.user, words=form.words(), seen=seen)
    except StepIncomplete as error:
        form.take_error(error)
        return _form(request, form, rule=shown)
    except ChangeStale as error:
        shown = _rule_or_404(pk)
        form = RuleForm({**request.POST.dict(), "seen": shown.version}, rule=shown)
        form.add_error(None, f"{error} {_('Send it again if yours should replace that.')}")
        return _form(request, form, HTTPStatus.CONFLICT, rule=shown)
    messages.success(request, _("The rule “%s” is changed.") % shown)
    return redirect(shown)


@signed_in
@require_POST
def end_rule(request: SignedInRequest, pk: int) -> HttpResponse:
    """End an approval rule."""
    insist(permissions.can_keep_approval_rules(request.user))
    shown = _rule_or_404(pk)
    seen = whole_number(request.POST.get("seen", ""))
    try:
        lifecycle.end_rule(shown, actor=request.user, seen=seen)
    except ChangeStale as error:
        messages.warning(request, str(error))
        return redirect(shown)
    messages.success(request, _("The rule “%s” has ended.") % shown)
    return redirect("changes:approval_rules")


def _form(
    request: SignedInRequest, form: RuleForm, status: HTTPStatus | None = None, **more: Any
) -> HttpResponse:
    answer = status or (HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK)
    context = {"form": form, **more}
    return render(request, "changes/approval_rule_form.html", context, status=answer)


def _rule_or_404(pk: int) -> ApprovalRule:
    rules = ApprovalRule.objects.select_related("organisation", "service", "template")
    return get_object_or_404(rules, pk=pk)
