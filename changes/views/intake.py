"""Writing a request, keeping it as a draft, sending it, and changing it later."""

import secrets
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import User
from expansive_cm.numbers import whole_number
from expansive_cm.ui.forms import show_again
from expansive_cm.workflow.errors import (
    ChangeStale,
    SentBefore,
    StepError,
    StepForbidden,
    StepIncomplete,
)

from .. import attachments, lifecycle, permissions, proposing
from ..forms.intake import (
    CustomerForm,
    NewRequestForm,
    RequestForm,
    RevisionForm,
    SupportForm,
    form_for,
)
from ..forms.template import filled_in, values_for_request
from ..models import Change, ChangeTemplate, SentForm, parse_reference
from ..states import State
from ..turns import next_step
from .access import SignedInRequest, insist, signed_in, visible_or_404

SUBMIT, ANOTHER = "submit", "another"
page_methods = require_http_methods(["GET", "HEAD", "POST"])


# --- A new request, and a draft ---------------------------------------------------------


@signed_in
@page_methods
def new(request: SignedInRequest) -> HttpResponse:
    """Write a request; ``?draft=`` goes on with what was kept while typing.

    ``?template=`` shows what a template fills in, ``?after=`` whose request the last one was and
    its template; nothing is kept before something is typed.
    """
    refuse_unless_may_raise(request.user)
    draft = draft_in_address(request) or draft_by_key(request)
    if draft is not None and draft.state != State.DRAFT:
        return _made_before(request, draft)
    if request.method == "POST":
        return _save(request, draft)
    begun = {} if draft else _begun_with(request)
    form = form_for(request.user)(
        user=request.user, change=draft, initial={**begun, "key": secrets.token_urlsafe(12)}
    )
    return _draft_page(request, form, draft)


@signed_in
@page_methods
def edit(request: SignedInRequest, pk: int) -> HttpResponse:
    """Change what is asked for: a draft in every field, a request as a new revision."""
    change = visible_or_404(request.user, pk)
    if change.state == State.DRAFT:
        if request.method == "POST":
            return _save(request, change)
        return _draft_page(
            request, form_for(request.user)(user=request.user, change=change), change
        )
    if request.method == "POST":
        return _revise(request, change)
    insist(permissions.can_edit(request.user, change))
    return _revision_page(request, RevisionForm(user=request.user, change=change), change)


@signed_in
@page_methods
def submit(request: SignedInRequest, pk: int) -> HttpResponse:
    """Send a draft as it stands; what is missing is shown on the draft's form."""
    change = visible_or_404(request.user, pk)
    if request.method != "POST":
        return redirect(reverse("changes:edit", args=[change.pk]))
    try:
        seen = _number(request.POST.get("seen"))
        sent = lifecycle.submit(change, actor=request.user, seen=seen)
    except StepIncomplete as error:
        form = _bound_to(change, request.user)
        if form.is_valid():
            raise
        return _draft_page(request, form, change, status=error.status)
    return _submitted(request, sent)


def refuse_unless_may_raise(user: User) -> None:
    insist(permissions.can_raise(user))
    if user.organisation and not permissions.may_raise_for(user, user.organisation):
        raise StepForbidden(_("Your organisation cannot raise requests at present."))


def draft_in_address(request: SignedInRequest) -> Change | None:
    """Return the draft that the page's script has written into the address."""
    reference = request.GET.get("draft")
    if reference is None:
        return None
    found = visible_or_404(request.user, parse_reference(reference) or 0)
    if found.raised_by_id != request.user.pk:
        raise Http404
    return found


def draft_by_key(request: SignedInRequest) -> Change | None:
    """Return what an earlier sending of the same form has made, whose answer was lost."""
    key = request.POST.get("key")
    return SentForm.made_by(request.user, key) if key else None


def _save(request: SignedInRequest, draft: Change | None) -> HttpResponse:
    """Save the form, and submit the request if that button was pressed; nothing on an error."""
    if "remove" in request.POST and draft is not None:
        return _without_file(request, draft)
    if "use_template" in request.POST:
        return _with_template(request, draft)
    submitting = request.POST.get("action") in (SUBMIT, ANOTHER)
    form = form_for(request.user)(
        request.POST, request.FILES, user=request.user, change=draft, submitting=submitting
    )
    status = HTTPStatus.BAD_REQUEST
    if form.is_valid():
        try:
            change = _write(request.user, form, draft, submitting)
        except SentBefore as before:
            return _made_before(request, before.made)
        except ChangeStale as error:
            draft = _keep_files(request, form, draft)
            return _draft_page(request, form, draft, status=error.status, happened=str(error))
        except StepError as error:
            form.add_error(None, str(error))
            status = HTTPStatus(error.status)
        else:
            if submitting:
                return _submitted(request, change)
            messages.success(request, _("Draft %s is saved.") % change.reference)
            return redirect(change)
    draft = _keep_files(request, form, draft)
    return _draft_page(request, form, draft, status=status)


def _made_before(request: SignedInRequest, made: Change) -> HttpResponse:
    """Answer a form that arrived more than once, at once: there is one request."""
    if made.state == State.DRAFT:
        return _save(request, made)
    gone, sent = _("%s was thrown away."), _("%s has been submitted already.")
    messages.info(request, (gone if made.is_thrown_away else sent) % made.reference)
    return redirect(made)


def _keep_files(
    request: SignedInRequest, form: NewRequestForm, draft: Change | None
) -> Change | None:
    """Put the files that came with a form on its draft: browsers cannot choose them again.

    Without a draft one is begun. Returns the draft; ``files_lost`` on the form says that some
    could not be kept.
    """
    chosen = request.FILES.getlist("attachments")
    form.files_lost = bool(chosen)
    files = attachments.acceptable(chosen)
    if not files or (draft is not None and not _is_draft(draft)):
        return draft
    try:
        with transaction.atomic():
            kept_on = draft or keep_draft(request, form, None)
            attachments.keep(kept_on, files, actor=request.user)
    except StepError:
        return draft
    form.files_lost = len(files) < len(chosen)
    if draft is None:
        show_again(form, kept_on.version)
    return kept_on


def keep_draft(request: SignedInRequest, form: NewRequestForm, draft: Change | None) -> Change:
    """Keep what is valid of a form as the draft, or as a new one."""
    services = form.chosen_services
    if draft is None:
        key = form.cleaned_data.get("key", "")
        try:
            return lifecycle.save_draft(
                None, actor=request.user, services=services, key=key, **form.arguments()
            )
        except SentBefore as before:
            draft = before.made
    seen = form.cleaned_data.get("seen") or draft.version
    return lifecycle.autosave(
        draft, actor=request.user, seen=seen, services=services, **form.arguments()
    )


def _is_draft(change: Change) -> bool:
    """Whether it has not been submitted elsewhere in the meantime."""
    return Change.objects.filter(pk=change.pk, state=State.DRAFT).exists()


def _without_file(request: SignedInRequest, draft: Change) -> HttpResponse:
    """Take a file off the draft and show the form as it was filled in."""
    form = form_for(request.user)(
        request.POST, request.FILES, user=request.user, change=draft, submitting=False
    )
    removed = get_object_or_404(draft.attachments, pk=_number(request.POST["remove"]) or 0)
    lifecycle.detach(draft, actor=request.user, attachment=removed)
    _keep_files(request, form, draft)
    return _draft_page(request, form.unjudged(), draft)


def _template(request: SignedInRequest, text: str | None) -> ChangeTemplate | None:
    """Return the template of this number, if this person may begin a request with it."""
    number = _number(text)
    return proposing.usable_by(request.user).filter(pk=number).first() if number else None


def _begun_with(request: SignedInRequest) -> dict[str, Any]:
    """Return what a new request begins with, as its address says."""
    reference, wanted = request.GET.get("after"), request.GET.get("template")
    if reference is None:
        template = _template(request, wanted)
        if wanted and template is None:
            messages.warning(request, proposing.NOT_USABLE)
        return values_for_request(template)
    last = visible_or_404(request.user, parse_reference(reference) or 0)
    template = _template(request, str(last.template_id or ""))
    return {**values_for_request(template), **form_for(request.user).whose(last)}


def _with_template(request: SignedInRequest, draft: Change | None) -> HttpResponse:
    """Fill in from another template, or none, and show the form; what was typed stays."""
    wanted = request.POST["use_template"]
    data: QueryDict = request.POST
    template = _template(request, wanted)
    if template is not None or not wanted:
        data = filled_in(data, template, _template(request, data.get("template")))
    else:
        messages.warning(request, proposing.NOT_USABLE)
    form = form_for(request.user)(
        data, request.FILES, user=request.user, change=draft, submitting=False
    )
    form.is_valid()
    draft = _keep_files(request, form, draft)
    form.begin_at_a_gap()
    return _draft_page(request, form.unjudged(), draft, holds_all=True)


@transaction.atomic
def _write(
    user: User, form: SupportForm | CustomerForm, draft: Change | None, submitting: bool
) -> Change:
    """Write requester, request and files in one transaction; submit it if asked to."""
    fields = form.arguments()
    if isinstance(form, SupportForm):
        fields["requester"] = form.requester_to_set()
    seen = form.cleaned_data.get("seen")
    services = form.chosen_services
    if draft is None:
        key = form.cleaned_data.get("key", "")
        draft = lifecycle.save_draft(None, actor=user, services=services, key=key, **fields)
        seen = None
    elif not submitting or _differs(draft, fields, services):
        draft = lifecycle.edit(draft, actor=user, seen=seen, services=services, **fields)
        seen = None
    kept = attachments.keep(draft, form.cleaned_data["attachments"], actor=user)
    if not submitting:
        return draft
    try:
        return lifecycle.submit(draft, actor=user, seen=seen)
    except BaseException:
        attachments.discard(kept)
        raise


def _differs(draft: Change, fields: dict[str, Any], services: list[Any]) -> bool:
    if {service.pk for service in services} != {service.pk for service in draft.services.all()}:
        return True
    return any(getattr(draft, name) != value for name, value in fields.items())


def _submitted(request: SignedInRequest, change: Change) -> HttpResponse:
    words = {"reference": change.reference, "next": next_step(change).told(request.user)}
    messages.success(request, _("%(reference)s is submitted. Next: %(next)s") % words)
    if request.POST.get("action") == ANOTHER:
        return redirect(f"{reverse('changes:new')}?after={change.reference}")
    return redirect(change)


def _bound_to(draft: Change, user: User) -> NewRequestForm:
    """Return the draft's form as if it had been sent with what is in the draft."""
    blank = form_for(user)(user=user, change=draft)
    data = {name: blank[name].value() for name in blank.fields if blank[name].value() is not None}
    return form_for(user)(data, user=user, change=draft)


def _draft_page(
    request: SignedInRequest,
    form: NewRequestForm,
    draft: Change | None,
    *,
    status: int = HTTPStatus.OK,
    happened: str = "",
    holds_all: bool = False,
) -> HttpResponse:
    if happened and draft is not None:
        draft = visible_or_404(request.user, draft.pk)
        show_again(form, draft.version)
    is_new = request.resolver_match is not None and request.resolver_match.url_name == "new"
    shown, others = proposing.shown_first(request.user)
    context = {
        "form": form,
        "draft": draft,
        "happened": happened,
        "template": _template(request, str(form["template"].value() or "")),
        "templates": shown,
        "more_templates": others,
        "holds_all": holds_all,
        "by_support": isinstance(form, SupportForm),
        "attached": list(draft.attachments.all()) if draft else [],
        "lost_files": form.files_lost,
        "drafts": _other_drafts(request.user, draft) if is_new else [],
    }
    template = "changes/new.html" if is_new else "changes/edit_draft.html"
    return render(request, template, context, status=status)


def _other_drafts(user: User, draft: Change | None) -> list[Change]:
    mine = Change.objects.filter(raised_by=user, state=State.DRAFT)
    if draft is not None:
        mine = mine.exclude(pk=draft.pk)
    return list(mine.only("pk", "title", "state", "updated_at").order_by("-updated_at")[:5])


# --- A submitted request ----------------------------------------------------------------


def _revise(request: SignedInRequest, change: Change) -> HttpResponse:
    form = RevisionForm(request.POST, user=request.user, change=change)
    if not form.is_valid():
        insist(permissions.can_edit(request.user, change))
        return _revision_page(request, form, change, status=HTTPStatus.BAD_REQUEST)
    if not _differs(change, form.arguments(), form.chosen_services):
        insist(permissions.can_edit(request.user, change))
        messages.info(request, _("Nothing was different, so nothing was saved."))
        return redirect(change)
    try:
        revised = lifecycle.edit(
            change,
            actor=request.user,
            seen=form.cleaned_data["seen"] or 0,
            services=form.cleaned_data["services"],
            reason=form.cleaned_data["reason"],
            **form.arguments(),
        )
    except ChangeStale as error:
        now = visible_or_404(request.user, change.pk)
        if not permissions.can_edit(request.user, now):
            raise
        show_again(form, now.version)
        return _revision_page(request, form, now, status=error.status, happened=str(error))
    words = {"reference": revised.reference, "revision": revised.revision}
    messages.success(request, _("%(reference)s is saved. It is now revision %(revision)s.") % words)
    return redirect(revised)


def _revision_page(
    request: SignedInRequest,
    form: RequestForm,
    change: Change,
    *,
    status: int = HTTPStatus.OK,
    happened: str = "",
) -> HttpResponse:
    context = {"form": form, "change": change, "happened": happened, "next": change.revision + 1}
    return render(request, "changes/edit.html", context, status=status)


def _number(text: str | None) -> int | None:
    """Return a number as a form sends it, or None."""
    return whole_number(text or "")
