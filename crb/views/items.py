"""Votes, recusals and outcomes: each is one POST on one item."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.forms import Form
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from changes.errors import StepError, StepIncomplete

from .. import lifecycle, permissions
from ..lifecycle.core import require
from ..models import AgendaItem
from . import page
from .access import SignedInRequest, for_own_people, item_or_404

Act = Callable[..., Any]


@require_POST
@for_own_people
def cast_vote(request: SignedInRequest, pk: int) -> HttpResponse:
    """Vote for an outcome, or abstain."""
    item = item_or_404(pk)
    decision = permissions.can_cast_vote(request.user, item)
    return _take(request, item, decision, "vote_form", lifecycle.cast_vote, _("Your vote counts."))


@require_POST
@for_own_people
def recuse(request: SignedInRequest, pk: int) -> HttpResponse:
    """State a conflict of interest."""
    item = item_or_404(pk)
    decision = permissions.can_recuse(request.user, item)
    done = _("You are recused from this item.")
    return _take(request, item, decision, "recuse_form", lifecycle.recuse, done)


@require_POST
@for_own_people
def record_outcome(request: SignedInRequest, pk: int) -> HttpResponse:
    """Record what the board decided."""
    item = item_or_404(pk)
    decision = permissions.can_record_outcome(request.user, item)
    done = _("The outcome is recorded.")
    return _take(request, item, decision, "outcome_form", lifecycle.record_outcome, done)


def _take(
    request: SignedInRequest,
    item: AgendaItem,
    decision: permissions.Decision,
    name: str,
    act: Act,
    done: str,
) -> HttpResponse:
    """Take a step with the form of this name, or answer with the page and what is wrong."""
    seen = _seen(request)
    form: Form = getattr(page.page_of_item(request, item).item, name)(request.POST)
    try:
        require(decision)
        if not form.is_valid():
            return page.missing(request, item, name, form, None)
        act(item, actor=request.user, seen=seen, **form.arguments())
    except StepIncomplete as error:
        return page.missing(request, item, name, form, error)
    except StepError as error:
        return page.refused(request, item, name, form, error)
    return page.done(request, item, done)


def _seen(request: SignedInRequest) -> int:
    try:
        return int(request.POST["seen"])
    except (KeyError, ValueError):
        raise BadRequest("seen") from None
