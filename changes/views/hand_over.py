"""All open requests of a person who leaves go to a successor of the same customer."""

from http import HTTPStatus

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.workflow.errors import StepError

from .. import lifecycle, permissions
from ..forms.assessment import HandOverForm
from ..many import handing_over
from .access import SignedInRequest, signed_in

SHOWN = 50
"""How many of the requests the page names; the number says how many there are."""


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: SignedInRequest, pk: int) -> HttpResponse:
    """Name who takes over: for the person, their customer success team and administrators."""
    person = get_object_or_404(User.objects.select_related("organisation"), pk=pk)
    if not permissions.can_hand_over(request.user, person):
        raise Http404
    data = request.POST if request.method == "POST" else None
    form = HandOverForm(data, person=person, user=request.user)
    status = HTTPStatus.OK
    if request.method == "POST":
        status = HTTPStatus.BAD_REQUEST
        if form.is_valid():
            try:
                return _take(request, person, form)
            except StepError as error:
                form.add_error(None, str(error))
                status = HTTPStatus(error.status)
    changes = lifecycle.open_changes_of(person, person.organisation).order_by("-pk")
    shown, number = changes[:SHOWN], changes.count()
    context = {"person": person, "form": form, "changes": shown, "number": number}
    return render(request, "changes/hand_over.html", context, status=status)


def _take(request: SignedInRequest, person: User, form: HandOverForm) -> HttpResponse:
    given = form.cleaned_data
    with transaction.atomic():
        successor = given["successor"] or lifecycle.find_or_create_requester(
            given["new_email"], given["new_name"], sure(person.organisation), actor=request.user
        )
        run = handing_over.requests(
            person, successor=successor, actor=request.user, reason=given["reason"]
        )
    if run is not None:
        return redirect(run)
    words = _("The open requests of %(person)s are now those of %(successor)s.")
    messages.success(request, words % {"person": person, "successor": successor})
    return redirect("changes:list")
