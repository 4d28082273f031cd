"""Votes, recusals and outcomes: each is one POST on one item."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from expansive_cm.workflow.decisions import Decision
from expansive_cm.workflow.errors import StepError, StepIncomplete

from .. import lifecycle, permissions
from ..consequences import consequences
from ..forms import RecuseForm, VoteForm
from ..forms.base import BoardForm
from ..lifecycle.core import require
from ..lifecycle.preview import Preview
from ..models import AgendaItem, BoardOutcome, Vote
from . import page
from .access import SignedInRequest, for_own_people, item_or_404

Act = Callable[..., Any]


@require_POST
@for_own_people
def cast_vote(request: SignedInRequest, pk: int) -> HttpResponse:
    """Vote for an outcome, or abstain."""
    item = item_or_404(pk)
    decision = permissions.can_cast_vote(request.user, item)
    return _take(request, item, decision, "vote_form", lifecycle.cast_vote, _vote_counts)


def _vote_counts(vote: Vote) -> str:
    """Say that a vote counts, and whether it replaces one on the same revision."""
    earlier = Vote.objects.filter(item=vote.item, member=vote.member, revision=vote.revision)
    if earlier.filter(pk__lt=vote.pk).exists():
        return _("Your new vote counts; it replaces the earlier one.")
    return _("Your vote counts.")


@require_POST
@for_own_people
def recuse(request: SignedInRequest, pk: int) -> HttpResponse:
    """State a conflict of interest."""
    item = item_or_404(pk)
    decision = permissions.can_recuse(request.user, item)
    return _take(
        request,
        item,
        decision,
        "recuse_form",
        lifecycle.recuse,
        lambda vote: _("You are recused from this item."),
    )


@require_POST
@for_own_people
def record_outcome(request: SignedInRequest, pk: int) -> HttpResponse:
    """Record what the board decided; with ``go_on`` the meeting turns to its next item."""
    item = item_or_404(pk)
    decision = permissions.can_record_outcome(request.user, item)
    goes_on = "go_on" in request.POST
    return _take(
        request,
        item,
        decision,
        "outcome_form",
        lifecycle.record_and_go_on if goes_on else lifecycle.record_outcome,
        _is_recorded,
        goes_on=goes_on,
    )


def _is_recorded(outcome: BoardOutcome) -> str:
    until = outcome.decision.may_be_taken_back_until
    if until <= timezone.now():
        return _("The outcome is recorded.")
    moment = date_format(timezone.localtime(until), "H:i")
    return _("The outcome is recorded. It can be taken back until %s; its mails wait.") % moment


@require_POST
@for_own_people
def take_back_outcome(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take back an outcome that was recorded by mistake."""
    item = item_or_404(pk)
    decision = permissions.can_take_back_outcome(request.user, item)
    return _take(
        request,
        item,
        decision,
        "take_back_form",
        lifecycle.take_back_outcome,
        lambda outcome: _("The outcome is taken back. The item is open again, with its votes."),
    )


@require_POST
@for_own_people
def reconsider_decision(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let the board decide again on what it has decided."""
    item = item_or_404(pk)
    decision = permissions.can_reconsider_decision(request.user, item)
    return _take(
        request,
        item,
        decision,
        "reconsider_form",
        lifecycle.reconsider_decision,
        lambda item: _("The board decides again: the change joins the next agenda in a minute."),
    )


@require_POST
@for_own_people
def preview_outcome(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show the mail that the requester would get, or one more question to fill in.

    Changes nothing. While the chair types, the mail alone is drawn anew; the buttons of the
    form answer with the whole page, so that they work without scripts too.
    """
    item = item_or_404(pk)
    found = page.page_of_item(request, item)
    require(permissions.can_record_outcome(request.user, item))
    if found.item is None:
        raise Http404
    if "add_question" in request.POST:
        return found.show(outcome_form=found.item.outcome_form(typed=request.POST))
    form = found.item.outcome_form(request.POST)
    told, lacking = Preview(None), None
    if form.is_valid():
        try:
            told = lifecycle.preview_outcome(
                item, actor=request.user, seen=_seen(request), **form.arguments()
            )
        except StepIncomplete as error:
            form.take_error(error)
        except StepError as error:
            lacking = str(error)
    preview = {**vars(told), "form": form, "lacking": lacking, "outcome_form": form}
    if request.headers.get("HX-Target") == "outcome-preview":
        return render(request, "crb/partials/outcome_preview.html", preview)
    status = HTTPStatus.OK if form.is_valid() else HTTPStatus.BAD_REQUEST
    return found.show(status, previewed=True, **preview)


def _filled_in(request: SignedInRequest, item: AgendaItem, name: str) -> BoardForm:
    """Return the form as it was sent. What only a vote needs is had without the whole meeting."""
    board = item.meeting.board
    if name == "recuse_form":
        return RecuseForm(request.POST)
    if name == "vote_form":
        meant = consequences(board.today)
        return VoteForm(request.POST, consequences=meant, hidden=board.hides_votes)
    form: BoardForm = getattr(page.page_of_item(request, item).item, name)(request.POST)
    return form


def _take(
    request: SignedInRequest,
    item: AgendaItem,
    decision: Decision,
    name: str,
    act: Act,
    done: Callable[[Any], str],
    *,
    goes_on: bool = False,
) -> HttpResponse:
    """Take a step with the form of this name, or answer with the page and what is wrong."""
    seen = _seen(request)
    form = _filled_in(request, item, name)
    try:
        require(decision)
        if not form.is_valid():
            return page.missing(request, item, name, form, None)
        result = act(item, actor=request.user, seen=seen, **form.arguments())
    except StepIncomplete as error:
        return page.missing(request, item, name, form, error)
    except StepError as error:
        return page.refused(request, item, name, form, error)
    if goes_on:
        messages.success(request, done(result))
        return page.moved_on(request, item.meeting)
    vote = result if isinstance(result, Vote) else None
    return page.done(request, item, done(result), vote)


def _seen(request: SignedInRequest) -> int:
    try:
        return int(request.POST["seen"])
    except (KeyError, ValueError):
        raise BadRequest("seen") from None
