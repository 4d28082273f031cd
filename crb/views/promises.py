"""Moving what the board promised."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from changes.models import Change
from expansive_cm.errors import page
from expansive_cm.sure import sure
from expansive_cm.workflow.errors import StepError, StepIncomplete

from .. import lifecycle, permissions, promised
from ..forms.promises import ReplanPromiseForm
from ..lifecycle.core import require
from .access import SignedInRequest, for_own_people, item_or_404, seen_version
from .page import typed


@require_http_methods(["GET", "HEAD", "POST"])
@for_own_people
def replan_promise(request: SignedInRequest, pk: int) -> HttpResponse:
    """Promise another day or a release, and say why."""
    item = item_or_404(pk)
    change = item.change
    board = promised.board_of(change) or item.meeting.board
    form = ReplanPromiseForm(request.POST or None, today=board.today)
    decision = permissions.can_replan_promise(request.user, item)
    more: dict[str, Any] = {}
    status = HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
    try:
        require(decision)
        if form.is_bound and form.is_valid():
            seen = seen_version(request)
            told = form.arguments()
            moved = lifecycle.replan_promise(item, actor=request.user, seen=seen, **told)
            day = date_format(sure(moved.due_on), "j F Y")
            words = _("%(reference)s is promised by %(day)s now.")
            if sure(moved.requester).is_active:
                words = _("%(reference)s is promised by %(day)s now; the requester is told.")
            messages.success(request, words % {"reference": moved.reference, "day": day})
            return redirect(moved)
    except StepIncomplete as error:
        form.take_error(error)
    except StepError as error:
        status = HTTPStatus(error.status)
        if not form.is_bound or not decision:
            where = change.get_absolute_url()
            return page(request, status, str(error), current_url=where, typed=typed(form))
        more = {"refusal": str(error)}
        change = Change.objects.get(pk=change.pk)
    context = {"board": board, "item": item, "change": change, "form": form, **more}
    return render(request, "crb/replan_promise.html", context, status=status)
