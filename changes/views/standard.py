"""Standard changes: the list of them, the page of one, candidates, and the acts on them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.roles import Role
from expansive_cm.errors import page as error_page
from expansive_cm.texts import Text
from expansive_cm.ui import paging
from expansive_cm.ui.components import Tab
from expansive_cm.ui.forms import show_again
from expansive_cm.workflow.decisions import Decision, Refusal
from expansive_cm.workflow.errors import ChangeStale, StepIncomplete

from .. import candidates, lifecycle, permissions, queries, standard
from ..forms.release import SeenForm
from ..forms.standard import ProposeForm, StandardActForm
from ..models import Authorisation, ChangeTemplate, StandardApproval
from .access import SignedInRequest, insist, signed_in

PAGE_SIZE = 25
MOST = 50
"""So many of the changes that used one are shown, the newest."""
NEWEST = paging.Order("newest", descending=True)
PEOPLE = ("template__organisation", "proposed_by", "decided_by", "ended_by", "failed_change")
State = StandardApproval.State


@dataclass(frozen=True)
class View:
    """One of the lists of standard changes."""

    label: Text
    icon: str
    which: Q


VIEWS = {
    "approved": View(gettext_lazy("Approved"), "shield-check", Q(decision="approved", ending="")),
    "waiting": View(gettext_lazy("Waiting"), "hourglass", Q(decision="", ending="")),
    "over": View(gettext_lazy("Ended"), "archive", ~Q(ending="") | Q(decision="refused")),
}


@signed_in
@require_safe
def standard_changes(request: SignedInRequest) -> HttpResponse:
    """List what was approved in advance, what waits for that, or what has ended."""
    insist(permissions.can_see_standard_changes(request.user))
    name = request.GET.get("view", "approved")
    if name not in VIEWS:
        raise Http404
    wanted = permissions.standard_changes_for(request.user).filter(VIEWS[name].which)
    try:
        page = paging.page_of(wanted, NEWEST, request.GET.get("page", ""), PAGE_SIZE, _with_people)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    used = _uses([one.pk for one in page])
    context = {
        "rows": [(one, used.get(one.pk, 0)) for one in page],
        "name": name,
        "tabs": [
            Tab(view.label, f"?view={key}", view.icon, active=key == name)
            for key, view in VIEWS.items()
        ],
        "may_find": permissions.can_find_candidates(request.user),
        "next_url": f"?view={name}&page={page.next}" if page.next else "",
        "previous_url": f"?view={name}&page={page.previous}" if page.previous else "",
    }
    return render(request, "changes/standard_changes.html", context)


def _with_people(rows: "QuerySet[StandardApproval]") -> "QuerySet[StandardApproval]":
    return rows.select_related(*PEOPLE)


def _uses(keys: list[int]) -> dict[int, int]:
    """Return how many changes each has authorised."""
    given = Authorisation.objects.filter(standard__in=keys).order_by()
    return dict(given.values_list("standard").annotate(number=Count("pk")))


@signed_in
@require_safe
def standard_candidates(request: SignedInRequest) -> HttpResponse:
    """List templates whose changes went well again and again, to keepers those that they keep."""
    user = request.user
    insist(permissions.can_find_candidates(user))
    reads_all = user.has_role(Role.AUDITOR, Role.ADMINISTRATOR)
    found = candidates.candidates(None if reads_all else user)
    rows = [
        (
            one,
            standard.missing_of(one.template),
            bool(permissions.may_keep_template(request.user, one.template)),
        )
        for one in found
    ]
    context = {"rows": rows, "enough": candidates.ENOUGH, "looked_at": candidates.LOOKED_AT}
    return render(request, "changes/standard_candidates.html", context)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def propose_standard(request: SignedInRequest, pk: int) -> HttpResponse:
    """Propose a template as a standard change."""
    insist(permissions.can_read_templates(request.user))
    rows = ChangeTemplate.objects.select_related("organisation", "updated_by")
    template = rows.filter(pk=pk).first()
    if template is None:
        raise Http404
    insist(permissions.can_propose_standard(request.user, template))
    data = request.POST if request.method == "POST" else None
    form = ProposeForm(data, initial={"seen": template.version})
    unsaved = StandardApproval(template=template, content=standard.content_of(template))
    context = {
        "form": form,
        "template": template,
        "content": standard.in_words(unsaved),
        "runs": candidates.runs_of_templates().get(template.pk, candidates.Runs()),
    }
    show = partial(render, request, "changes/standard_propose.html")
    if data is None:
        return show(context)
    if not form.is_valid():
        return show(context, status=HTTPStatus.BAD_REQUEST)
    try:
        made = lifecycle.propose_standard(
            template, actor=request.user, seen=form.cleaned_data["seen"] or 0, **form.arguments()
        )
    except StepIncomplete as error:
        form.take_error(error)
        return show(context, status=HTTPStatus.BAD_REQUEST)
    except ChangeStale as error:
        template.refresh_from_db()
        show_again(form, template.version)
        unsaved.content = standard.content_of(template)
        context |= {"content": standard.in_words(unsaved), "happened": str(error)}
        return show(context, status=HTTPStatus.CONFLICT)
    messages.success(request, _("“%s” is proposed as a standard change.") % template)
    return redirect(made)


@signed_in
@require_safe
def standard_change(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show what was approved, by whom and until when, what became of it, and what used it."""
    shown = _standard_or_404(request.user, pk)
    given = Authorisation.objects.filter(standard=shown).order_by("-pk")
    newest = list(given.values_list("change", flat=True)[: MOST + 1])
    changes = queries.visible_to(request.user).filter(pk__in=newest[:MOST])
    context = {
        "approval": shown,
        "content": standard.in_words(shown),
        "offers": _offers(request.user, shown),
        "used": changes.select_related("organisation").order_by("-pk"),
        "more": len(newest) > MOST,
        "history": shown.history.select_related("history_user").order_by("-history_id")[:MOST],
        "inside": permissions.can_see_internal(request.user),
        "newer": _in_its_place(request.user, shown),
        "going_on": _going_on(request.user, shown),
        "nobody_may": shown.state == State.WAITING and not permissions.possible_approvers(shown),
        "near_end": shown.state == State.IN_FORCE and standard.is_near_its_end(shown),
    }
    return render(request, "changes/standard_change.html", context)


def _in_its_place(user: User, shown: StandardApproval) -> StandardApproval | None:
    """What is in force of the same template, where this one has ended."""
    if not shown.ending:
        return None
    rows = permissions.standard_changes_for(user).filter(template=shown.template_id)
    found = rows.filter(decision="approved", ending="").first()
    return found if found is not None and found.state == State.IN_FORCE else None


def _going_on(user: User, shown: StandardApproval) -> str:
    """Say of an approval that has ended which of its changes the reader sees go on."""
    if not shown.ending or shown.decision != StandardApproval.Decision.APPROVED:
        return ""
    seen = queries.visible_to(user).filter(pk__in=standard.in_flight(shown).values("pk"))
    return standard.that_go_on(seen.order_by("pk"))


@dataclass(frozen=True)
class Act:
    """An act on a standard change: its permission, its step, and its words."""

    label: Text
    icon: str
    lead: Text
    done: Text
    may: Callable[[User, StandardApproval], Decision]
    does: Callable[..., StandardApproval]
    states: tuple[StandardApproval.State, ...]
    style: str = "primary"


ACTS = {
    "approve_standard": Act(
        gettext_lazy("Approve"),
        "shield-check",
        gettext_lazy(
            "Changes that are exactly this need no authorisation for a year: after their review "
            "they are planned and executed. It counts as your authorisation of each of them, so "
            "you execute none. It ends by itself when one is rolled back or the content changes."
        ),
        gettext_lazy("“%s” is a standard change for a year."),
        permissions.can_decide_standard,
        partial(lifecycle.decide_standard, approved=True),
        (State.WAITING,),
    ),
    "refuse_standard": Act(
        gettext_lazy("Refuse"),
        "ban",
        gettext_lazy("Changes made from it are authorised one by one, as before."),
        gettext_lazy("“%s” stays what it was: each change is authorised by itself."),
        permissions.can_decide_standard,
        partial(lifecycle.decide_standard, approved=False),
        (State.WAITING,),
        "danger",
    ),
    "renew_standard": Act(
        gettext_lazy("Approve for another year"),
        "rotate-2",
        gettext_lazy("The same content, for a year from today. Look first at how it went."),
        gettext_lazy("“%s” is a standard change for another year."),
        permissions.can_renew_standard,
        lifecycle.renew_standard,
        (State.IN_FORCE, State.EXPIRED),
    ),
    "withdraw_standard": Act(
        gettext_lazy("Withdraw"),
        "x",
        gettext_lazy(
            "From now on changes made from it are authorised one by one. What it has authorised "
            "already stays so."
        ),
        gettext_lazy("“%s” is withdrawn."),
        permissions.can_withdraw_standard,
        lifecycle.withdraw_standard,
        (State.WAITING, State.IN_FORCE, State.EXPIRED),
        "danger",
    ),
}


def _offers(user: User, shown: StandardApproval) -> list[tuple[str, Act, Decision]]:
    """Return the acts that are this person's, and those from which only their past keeps them."""
    found = [
        (reverse(f"changes:{name}", args=[shown.pk]), act, act.may(user, shown))
        for name, act in ACTS.items()
        if shown.state in act.states
    ]
    return [one for one in found if one[2] or one[2].kind == Refusal.SEPARATION]


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def act_on_standard(request: SignedInRequest, pk: int, act: str) -> HttpResponse:
    """Approve, refuse, renew or withdraw a standard change."""
    shown = _standard_or_404(request.user, pk)
    chosen = ACTS[act]
    insist(chosen.may(request.user, shown))
    data = request.POST if request.method == "POST" else None
    form = StandardActForm(data, seen=shown.version)
    if data is None:
        return _act_page(request, form, shown, chosen)
    if not form.is_valid():
        return _act_page(request, form, shown, chosen, status=HTTPStatus.BAD_REQUEST)
    seen = form.cleaned_data["seen"] or 0
    try:
        changed = chosen.does(shown, actor=request.user, seen=seen, **form.arguments())
    except StepIncomplete as error:
        form.take_error(error)
        return _act_page(request, form, shown, chosen, status=HTTPStatus.BAD_REQUEST)
    except ChangeStale as error:
        return _stale(request, form, shown, chosen, str(error))
    messages.success(request, str(chosen.done) % changed.template)
    return redirect(changed)


def _stale(
    request: SignedInRequest, form: SeenForm, shown: StandardApproval, act: Act, happened: str
) -> HttpResponse:
    now = _standard_or_404(request.user, shown.pk)
    show_again(form, now.version)
    return _act_page(request, form, now, act, status=HTTPStatus.CONFLICT, happened=happened)


def _act_page(
    request: SignedInRequest,
    form: SeenForm,
    shown: StandardApproval,
    act: Act,
    *,
    status: int = HTTPStatus.OK,
    happened: str = "",
) -> HttpResponse:
    context = {"form": form, "approval": shown, "act": act, "happened": happened}
    context |= {"content": standard.in_words(shown), "back_url": shown.get_absolute_url()}
    return render(request, "changes/standard_act.html", context, status=status)


def _standard_or_404(user: User, pk: int) -> StandardApproval:
    rows = permissions.standard_changes_for(user).select_related(*PEOPLE)
    try:
        return rows.get(pk=pk)
    except StandardApproval.DoesNotExist:
        raise Http404 from None
