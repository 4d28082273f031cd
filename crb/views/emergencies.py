"""Letting an emergency change go ahead before the board has met."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from changes.models import Change
from changes.views.access import visible_or_404
from expansive_cm.errors import page
from expansive_cm.workflow.errors import StepError, StepIncomplete

from .. import lifecycle, permissions, queries
from ..forms.emergencies import GoAheadForm
from ..lifecycle.core import require
from .access import SignedInRequest, for_own_people, seen_version
from .page import typed


@require_http_methods(["GET", "HEAD", "POST"])
@for_own_people
def go_ahead(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say why an emergency change goes ahead, and accept it."""
    change = visible_or_404(request.user, pk)
    board = queries.board_for(change)
    if board is None:
        raise Http404
    item = queries.open_item_of(change)
    decision = permissions.can_go_ahead(request.user, board, change, item)
    form = GoAheadForm(request.POST or None)
    more: dict[str, Any] = {}
    status = HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
    try:
        require(decision)
        if form.is_bound and form.is_valid():
            seen, told = seen_version(request), form.cleaned_data
            lifecycle.go_ahead(change, actor=request.user, seen=seen, **told)
            words = _("%s goes ahead. The board looks back on it once it is in place.")
            messages.success(request, words % change.reference)
            return redirect(change)
    except StepIncomplete as error:
        form.take_error(error)
    except StepError as error:
        status = HTTPStatus(error.status)
        if not form.is_bound or not decision:
            where = change.get_absolute_url()
            return page(request, status, str(error), current_url=where, typed=typed(form))
        more = {"refusal": str(error)}
        change = Change.objects.get(pk=change.pk)
    context = {"board": board, "change": change, "form": form, **more}
    return render(request, "crb/go_ahead.html", context, status=status)
