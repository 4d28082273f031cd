"""Answers that came by mail, on the page of their change: accepted or set aside."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User

from .. import lifecycle, permissions
from ..models import Change, ProposedAnswer
from ..states import State
from .access import SignedInRequest, insist, signed_in, visible_or_404


def proposals_context(user: User, change: Change) -> dict[str, Any]:
    """Return the answers that wait for this person; asks only where there can be one."""
    if change.state != State.INFORMATION_REQUIRED or not permissions.can_accept_answer(
        user, change
    ):
        return {"proposals": []}
    found = ProposedAnswer.objects.filter(
        question__change=change,
        question__answered_at=None,
        question__decision__taken_back_at=None,
        accepted=None,
    )
    return {"proposals": list(found.select_related("question__answerer", "mail__person"))}


def _proposal_or_404(change: Change, pk: int) -> ProposedAnswer:
    found = ProposedAnswer.objects.select_related("question", "mail")
    return get_object_or_404(found, pk=pk, question__change=change)


@signed_in
@require_POST
def accept_answer(request: SignedInRequest, pk: int, proposal_pk: int) -> HttpResponse:
    """Take what was replied as the answer; with the last one the change returns to the board."""
    change = visible_or_404(request.user, pk)
    insist(permissions.can_accept_answer(request.user, change))
    proposal = _proposal_or_404(change, proposal_pk)
    lifecycle.answer_question(
        change,
        actor=request.user,
        question=proposal.question,
        answer=proposal.text,
        proposal=proposal,
    )
    messages.success(request, _("The answer is taken from the mail."))
    return redirect(change.get_absolute_url())


@signed_in
@require_POST
def discard_answer(request: SignedInRequest, pk: int, proposal_pk: int) -> HttpResponse:
    """Say that what was replied is no answer. The comment it made stays."""
    change = visible_or_404(request.user, pk)
    insist(permissions.can_discard_answer(request.user, change))
    lifecycle.discard_answer(
        change, actor=request.user, proposal=_proposal_or_404(change, proposal_pk)
    )
    messages.success(request, _("The mail is not taken as the answer. Its comment stays."))
    return redirect(change.get_absolute_url())
