"""The buttons that begin a request which goes on from another one, or is like it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from expansive_cm.workflow.errors import SentBefore

from .. import lifecycle
from ..models import Change
from ..states import State
from .access import SignedInRequest, signed_in, visible_or_404

LONGEST_KEY = 40


@signed_in
@require_POST
def follow_up(request: SignedInRequest, pk: int) -> HttpResponse:
    """Begin the draft and open it; pressed twice, the button opens what the first time made."""
    change = visible_or_404(request.user, pk)
    key = request.POST.get("key", "")[:LONGEST_KEY]
    try:
        draft = lifecycle.follow_up(change, actor=request.user, key=key)
    except SentBefore as before:
        return _made_before(before.made)
    words = _("This draft follows %s and is linked to it. Say what should differ, and submit.")
    messages.info(request, words % change.reference)
    return redirect(reverse("changes:edit", args=[draft.pk]))


@signed_in
@require_POST
def copy_as_new(request: SignedInRequest, pk: int) -> HttpResponse:
    """Begin a draft that asks for the same, and open it; pressed twice, there is one."""
    change = visible_or_404(request.user, pk)
    key = request.POST.get("key", "")[:LONGEST_KEY]
    try:
        draft = lifecycle.copy_as_new(change, actor=request.user, key=key)
    except SentBefore as before:
        return _made_before(before.made)
    words = _("This draft is a copy of %s and is linked to it. Say what differs, and submit.")
    messages.info(request, words % change.reference)
    return redirect(reverse("changes:edit", args=[draft.pk]))


def _made_before(made: Change) -> HttpResponse:
    """Go on with the draft or, once it was sent or thrown away, show what has become of it."""
    return redirect(reverse("changes:edit", args=[made.pk]) if made.state == State.DRAFT else made)
