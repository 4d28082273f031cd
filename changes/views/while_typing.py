"""What the form of a request asks for while somebody types: saved drafts, people, previews."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from expansive_cm.numbers import whole_number
from expansive_cm.ui import markdown
from expansive_cm.workflow.errors import StepError

from .. import finding, permissions
from ..forms.intake import form_for, parse_person
from ..models import Change, parse_reference
from .access import SignedInRequest, is_signed_in, signed_in
from .intake import draft_by_key, draft_in_address, keep_draft, refuse_unless_may_raise

PREVIEW_LIMIT = 50_000


@require_POST
def autosave(request: HttpRequest) -> JsonResponse:
    """Keep what is typed so far as a draft; what is not valid yet is left out.

    Answers with the draft's reference and version, or with ``kept: false`` while there is
    nothing worth keeping. 401 signed out, 403 not for this person, 409 submitted or saved
    elsewhere: in each case with words for the person.
    """
    if not is_signed_in(request):
        words = _("You are signed out. Sign in again in another tab: what you typed stays here.")
        return JsonResponse({"kept": False, "words": words}, status=HTTPStatus.UNAUTHORIZED)
    try:
        refuse_unless_may_raise(request.user)
        draft = draft_in_address(request) or draft_by_key(request)
        form = form_for(request.user)(
            request.POST, user=request.user, change=draft, submitting=False
        )
        form.is_valid()
        if draft is None and not (form.data.get("title") or form.data.get("description")):
            return JsonResponse({"kept": False, "words": ""})
        draft = keep_draft(request, form, draft)
    except StepError as error:
        return JsonResponse({"kept": False, "words": str(error)}, status=error.status)
    words = _("Kept as draft %s") % draft.reference
    if set(form.errors) - {"attachments"}:
        words = _("Kept as draft %s, without what is not complete yet") % draft.reference
    return JsonResponse(
        {
            "kept": True,
            "complete": not form.errors and not getattr(form, "new_address", ""),
            "reference": draft.reference,
            "version": draft.version,
            "words": words,
        }
    )


@signed_in
@require_safe
def find_requester(request: SignedInRequest) -> HttpResponse:
    """Offer people for the requester field, or to add the address that was typed."""
    refuse_unless_may_raise(request.user)
    text = request.GET.get("requester", "").strip()[:200]
    people: list[User] = []
    if request.user.is_internal and len(text) >= 2:
        name, address = parse_person(text)
        chosen = whole_number(request.GET.get("organisation", ""))
        people = finding.requesters_for(request.user, address or text, chosen)
        if address and not people:
            return _offer_new(request, name, address)
    context = {"people": people, "text": text}
    return render(request, "changes/partials/find_requester.html", context)


def _offer_new(request: SignedInRequest, name: str, address: str) -> HttpResponse:
    owner = finding.organisation_of_address(address)
    if owner and not permissions.may_raise_for(request.user, owner):
        owner = None
    local = address.partition("@")[0].partition("+")[0]
    guess = name or " ".join(part.capitalize() for part in local.replace("_", ".").split("."))
    context: dict[str, Any] = {"people": [], "text": address, "address": address}
    context |= {"guess": guess, "owner": owner}
    return render(request, "changes/partials/find_requester.html", context)


@signed_in
@require_safe
def similar(request: SignedInRequest) -> HttpResponse:
    """Show requests of the same customer whose title looks like the one being typed."""
    user = request.user
    organisation = user.organisation_id or whole_number(request.GET.get("organisation", ""))
    besides = parse_reference(request.GET.get("draft", ""))
    found: list[Change] = []
    if organisation:
        found = finding.similar_to(user, request.GET.get("title", "")[:200], organisation, besides)
    return render(request, "changes/partials/similar.html", {"similar": found})


@signed_in
@require_POST
def preview_markdown(request: SignedInRequest) -> HttpResponse:
    """Draw the text of the field that ``field`` names, as it will look on the page."""
    text = request.POST.get(request.POST.get("field", ""), "")
    context = {"html": markdown.render(text[:PREVIEW_LIMIT]), "is_empty": not text.strip()}
    return render(request, "changes/partials/preview.html", context)
