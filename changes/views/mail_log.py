"""Mail about a change: what was sent, what became of it, and what never arrived."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.roles import Role
from expansive_cm.workflow.errors import StepError

from .. import lifecycle, mail_log, permissions
from ..forms.delivery import SettleDeliveryForm
from ..models import Change, DeliveryProblem
from ..worklist import how_many
from . import answers
from .access import SignedInRequest, insist, signed_in, visible_or_404

MOST = 200
"""How many unsettled problems the list shows: somebody has to act on each."""


@signed_in
@require_safe
def log(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show every mail about a change: queued, sent, refused, came back, opened, answered."""
    return _show(request, _change(request, pk))


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def settle_delivery(request: SignedInRequest, pk: int, problem_pk: int) -> HttpResponse:
    """Take what was done about one mail that did not arrive."""
    change = _change(request, pk)
    problem = change.delivery_problems.filter(pk=problem_pk).first()
    if problem is None:
        raise Http404
    insist(permissions.can_settle_delivery(request.user, change))
    if request.method != "POST":
        return redirect("changes:mail_log", pk=change.pk)
    form = SettleDeliveryForm(request.POST, prefix=f"problem-{problem.pk}")
    if not form.is_valid():
        return _show(request, change, {problem.pk: form}, status=HTTPStatus.BAD_REQUEST)
    try:
        lifecycle.settle_delivery(
            change, actor=request.user, problem=problem, resolution=form.cleaned_data["resolution"]
        )
    except StepError as error:
        refusal = (str(error), form.cleaned_data["resolution"])
        return _show(request, change, refusal=refusal, status=HTTPStatus(error.status))
    messages.success(request, _("Settled. From now on silence counts again."))
    return redirect("changes:mail_log", pk=change.pk)


@signed_in
@require_safe
def problems(request: SignedInRequest) -> HttpResponse:
    """List what did not arrive and waits for somebody, on the changes that are theirs."""
    user = request.user
    if not permissions.can_see_internal(user):
        raise Http404
    found = mail_log.open_problems(user)
    teams = user.team_ids if user.has_role(Role.CUSTOMER_SUCCESS) else frozenset()
    only_ours = bool(teams) and request.GET.get("all") != "1"
    if only_ours:
        found = found.filter(change__organisation__success_team__in=teams)
    read = list(found[: MOST + 1])
    shown = read[:MOST]
    number = how_many(len(shown), MOST) if shown else None
    context = {
        "problems": shown,
        "most": MOST if len(read) > MOST else None,
        "tabs": answers.tabs("undelivered", number) if permissions.can_follow_answers(user) else [],
        "only_ours": only_ours,
        "has_team": bool(teams),
    }
    return render(request, "changes/mail_problems.html", context)


def _change(request: SignedInRequest, pk: int) -> Change:
    """Return a change whose mail this person may read; for others there is no such page."""
    change = visible_or_404(request.user, pk)
    if not permissions.can_see_mail(request.user, change):
        raise Http404
    return change


def _show(
    request: SignedInRequest,
    change: Change,
    forms: dict[int, SettleDeliveryForm] | None = None,
    refusal: tuple[str, str] = ("", ""),
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    from .detail import tabs

    entries, others = mail_log.entries(change)
    problems = list(change.delivery_problems.select_related("person", "resolved_by"))
    context: dict[str, Any] = {
        "change": change,
        "tabs": tabs(change, request.user, active="mail"),
        "entries": entries,
        "others": others,
        "unsettled": [(one, _form(one, forms)) for one in problems if not one.resolved_at],
        "settled": [one for one in problems if one.resolved_at],
        "may_settle": permissions.can_settle_delivery(request.user, change),
        "refusal": refusal[0],
        "typed": refusal[1],
    }
    return render(request, "changes/mail_log.html", context, status=status)


def _form(
    problem: DeliveryProblem, forms: dict[int, SettleDeliveryForm] | None
) -> SettleDeliveryForm:
    given = (forms or {}).get(problem.pk)
    return given or SettleDeliveryForm(prefix=f"problem-{problem.pk}")
