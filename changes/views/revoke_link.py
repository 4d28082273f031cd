"""Mailed links to the requester's page of a change: revoked by a person, with a reason."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from expansive_cm import errors

from .. import lifecycle, permissions
from ..errors import StepForbidden, StepIllegal
from ..forms.access_link import RevokeForm
from .access import SignedInRequest, insist, signed_in, visible_or_404


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def revoke_link(request: SignedInRequest, pk: int, link_pk: int) -> HttpResponse:
    """Make a link that was mailed to the requester worthless; asks why."""
    change = visible_or_404(request.user, pk)
    try:
        insist(permissions.can_revoke_link(request.user, change))
        link = get_object_or_404(change.access_links, pk=link_pk)
        form = RevokeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            reason = form.cleaned_data["reason"]
            lifecycle.revoke_link(change, actor=request.user, link=link, reason=reason)
            messages.success(request, _("The link no longer works."))
            return redirect(f"{change.get_absolute_url()}#access-links")
    except (StepForbidden, StepIllegal) as error:
        where = change.get_absolute_url()
        return errors.page(request, HTTPStatus(error.status), str(error), current_url=where)
    status = HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
    context = {"change": change, "link": link, "form": form}
    return render(request, "changes/revoke_link.html", context, status=status)
