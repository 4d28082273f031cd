"""What Expansive's own people do about mailed links to a change: send one, take them back."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from expansive_cm.numbers import whole_number

from .. import access_links, lifecycle
from ..models import Change
from .access import SignedInRequest, signed_in, visible_or_404


@signed_in
@require_POST
def send_link(request: SignedInRequest, pk: int) -> HttpResponse:
    """Mail a new link to one of the change's people, at the recorded address."""
    change = visible_or_404(request.user, pk)
    person = _reader(request, change)
    lifecycle.send_link(change, actor=request.user, person=person)
    messages.success(request, _("A new link is on its way to %s.") % person)
    return redirect(f"{change.get_absolute_url()}#mailed-links")


@signed_in
@require_POST
def revoke_links(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let no link that somebody has to this change work any more."""
    change = visible_or_404(request.user, pk)
    person = _reader(request, change)
    lifecycle.revoke_links(change, actor=request.user, person=person)
    messages.success(request, _("The links of %s no longer work.") % person)
    return redirect(f"{change.get_absolute_url()}#mailed-links")


def _reader(request: SignedInRequest, change: Change) -> User:
    """Return the person that the form names: somebody who has links, or may have one."""
    known = {one.person.pk: one.person for one in access_links.readers(change)}
    given = request.POST.get("person", "")
    number = whole_number(given)
    if number is None or number not in known:
        raise Http404
    return known[number]
