"""Change templates: the list of them, writing one, and finding one for a new request."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.db.models.fields import CharField
from django.db.models.functions import Upper
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.roles import Role
from expansive_cm.errors import page as error_page
from expansive_cm.sure import sure
from expansive_cm.ui import paging
from expansive_cm.ui.forms import show_again
from expansive_cm.workflow.errors import ChangeStale, StepError, StepIncomplete

from .. import lifecycle, permissions, proposing, story
from ..forms.template import TemplateForm
from ..models import Change, ChangeTemplate, StandardApproval, parse_reference
from .access import SignedInRequest, insist, signed_in

PAGE_SIZE = 25
LONGEST_SEARCH = 200
LATEST = 10
BY_NAME = paging.Order("name", Upper("name"), CharField())


@signed_in
@require_safe
def templates(request: SignedInRequest) -> HttpResponse:
    """List templates by name: those in use, or those that were withdrawn."""
    insist(permissions.can_read_templates(request.user))
    text = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
    withdrawn = request.GET.get("view") == "withdrawn"
    wanted = proposing.with_words(ChangeTemplate.objects.filter(is_active=not withdrawn), text)
    try:
        page = paging.page_of(wanted, BY_NAME, request.GET.get("page", ""), PAGE_SIZE, _for_list)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    usable = set(
        proposing.usable_by(request.user)
        .filter(pk__in=[one.pk for one in page])
        .values_list("pk", flat=True)
    )
    context = {
        "rows": [(one, one.pk in usable) for one in page],
        "may_raise": permissions.can_raise(request.user),
        "may_maintain": permissions.can_maintain_templates(request.user),
        "q": text,
        "withdrawn": withdrawn,
        "history_url": _history_url(request.user),
        "next_url": _at(request, page.next),
        "previous_url": _at(request, page.previous),
    }
    return render(request, "changes/templates.html", context)


def _for_list(rows: "QuerySet[ChangeTemplate]") -> "QuerySet[ChangeTemplate]":
    return rows.select_related("organisation").only(
        "name", "purpose", "type", "is_offered", "is_active", "organisation__name"
    )


def _at(request: SignedInRequest, token: str) -> str:
    if not token:
        return ""
    query = request.GET.copy()
    query["page"] = token
    return f"?{query.urlencode()}"


def _history_url(user: User) -> str:
    """Return where those who may read the history of everything find that of templates."""
    if not user.has_role(Role.AUDITOR, Role.ADMINISTRATOR):
        return ""
    try:
        return f"{reverse('audit:history')}?{urlencode({'type': ChangeTemplate._meta.label_lower})}"
    except NoReverseMatch:
        return ""


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new_template(request: SignedInRequest) -> HttpResponse:
    """Write a template from scratch or, with ``?from=``, from what a change has recorded."""
    insist(permissions.can_maintain_templates(request.user))
    made_from = _change_in_address(request)
    if request.method != "POST":
        return _page(request, TemplateForm(user=request.user, made_from=made_from), None, made_from)
    form = TemplateForm(request.POST, user=request.user, made_from=made_from)
    return _save(request, form, None, made_from)


def _change_in_address(request: SignedInRequest) -> Change | None:
    """Return the change that fills in a new template; a draft is nobody's example.

    Nor is a change of a customer for which this person keeps no templates.
    """
    reference = request.GET.get("from")
    if reference is None:
        return None
    try:
        change = story.load(request.user, parse_reference(reference) or 0)
    except Change.DoesNotExist:
        raise Http404 from None
    if change.is_unsent:
        raise Http404
    insist(permissions.may_save_as_template(request.user, change))
    return change


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def template(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show a template to Expansive's own people, and let those who keep it change it."""
    insist(permissions.can_read_templates(request.user))
    shown = _template_or_404(pk)
    decision = permissions.may_keep_template(request.user, shown)
    if request.method == "POST":
        insist(decision)
        return _save(request, TemplateForm(request.POST, user=request.user, template=shown), shown)
    if not decision:
        return render(request, "changes/template_shown.html", _context(request, shown, decision))
    return _page(request, TemplateForm(user=request.user, template=shown), shown)


def _template_or_404(pk: int) -> ChangeTemplate:
    found = ChangeTemplate.objects.select_related("organisation", "created_by", "updated_by")
    try:
        return found.prefetch_related("services").get(pk=pk)
    except ChangeTemplate.DoesNotExist:
        raise Http404 from None


def _save(
    request: SignedInRequest,
    form: TemplateForm,
    shown: ChangeTemplate | None,
    made_from: Change | None = None,
) -> HttpResponse:
    status = HTTPStatus.BAD_REQUEST
    if not form.is_valid():
        return _page(request, form, shown, made_from, status=status)
    try:
        saved = lifecycle.save_template(
            shown,
            actor=request.user,
            seen=form.cleaned_data["seen"] or 0,
            services=form.cleaned_data["services"],
            made_from=made_from,
            reason=form.cleaned_data.get("reason", ""),
            **form.arguments(),
        )
    except StepIncomplete as error:
        form.take_error(error)
        return _page(request, form, shown, made_from, status=status)
    except ChangeStale as error:
        return _stale(request, form, sure(shown), error)
    words = _("“%s” is saved.") if saved.is_active else _("“%s” is withdrawn.")
    messages.success(request, words % saved)
    return redirect(reverse("changes:templates"))


def _stale(
    request: SignedInRequest, form: TemplateForm, shown: ChangeTemplate, error: StepError
) -> HttpResponse:
    """Show what was typed beside how the template stands now; sent again, it replaces that."""
    now = _template_or_404(shown.pk)
    show_again(form, now.version)
    return _page(request, form, now, status=HTTPStatus.CONFLICT, happened=str(error))


def _page(
    request: SignedInRequest,
    form: TemplateForm,
    shown: ChangeTemplate | None,
    made_from: Change | None = None,
    *,
    status: int = HTTPStatus.OK,
    happened: str = "",
) -> HttpResponse:
    more: dict[str, Any] = {"form": form, "made_from": made_from, "happened": happened}
    return render(
        request, "changes/template.html", {**_context(request, shown), **more}, status=status
    )


def _context(
    request: SignedInRequest, shown: ChangeTemplate | None, decision: Any = None
) -> dict[str, Any]:
    latest = shown.history.select_related("history_user")[:LATEST] if shown is not None else []
    return {
        "template": shown,
        "decision": decision,
        "latest": latest,
        "history_url": _history_url(request.user),
        **_standard(request.user, shown),
    }


def _standard(user: User, shown: ChangeTemplate | None) -> dict[str, Any]:
    """What a template is as a standard change, and whether this person may propose it."""
    if shown is None:
        return {}
    rows = shown.standard_approvals.annotate(
        stands=Q(ending="") & ~Q(decision=StandardApproval.Decision.REFUSED)
    )
    return {
        "approval": rows.select_related("decided_by").order_by("-stands", "-pk").first(),
        "may_propose": permissions.can_propose_standard(user, shown),
    }


@signed_in
@require_safe
def find_template(request: SignedInRequest) -> HttpResponse:
    """Offer templates for a new request by what is typed of their name or purpose."""
    insist(permissions.can_raise(request.user))
    text = request.GET.get("find_template", "").strip()[:LONGEST_SEARCH]
    usable = proposing.with_words(proposing.usable_by(request.user), text)
    brief = usable.select_related("organisation").only("name", "purpose", "organisation__name")
    found = list(brief.order_by("name", "pk")[: proposing.OFFERED + 1])
    context = {
        "templates": found[: proposing.OFFERED],
        "more": len(found) > proposing.OFFERED,
        "text": text,
    }
    return render(request, "changes/partials/find_template.html", context)
