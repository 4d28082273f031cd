"""The page behind the link that the requester gets by mail; no account is needed.

Mail systems open links, and some run what is on the page: opening shows, and only a form sent
with an explicit choice decides.
"""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts.middleware import zone_of

from .. import lifecycle, markdown
from ..errors import ChangeStale, StepForbidden, StepIllegal
from ..forms.confirmation import AnswerConfirmationForm
from ..models import ConfirmationLink
from ..states import PLAIN_WORDS, State
from .secret_link import behind_a_link, contact_of, not_valid


def find_link(token: str) -> ConfirmationLink | None:
    """Return the link with this token while it is worth something."""
    links = ConfirmationLink.objects.select_related(
        "confirmation__change__requester", "confirmation__change__organisation__success_team"
    )
    return links.filter(
        token_hash=lifecycle.hash_token(token),
        superseded_at=None,
        expires_at__gt=timezone.now(),
        confirmation__change__requester__is_active=True,
    ).first()


@behind_a_link(find_link)
def confirmation(request: HttpRequest, link: ConfirmationLink, token: str) -> HttpResponse:
    """Show what was requested and done, and take the requester's answer, once.

    Whoever is signed in, the answer is the requester's: the link went to their address.
    """
    with timezone.override(zone_of(link.confirmation.change.requester)):
        if not link.confirmation.is_open:
            status = HTTPStatus.CONFLICT if request.method == "POST" else HTTPStatus.OK
            return show(request, "changes/confirmation_over.html", link, status)
        return _ask(request, link, token)


def _ask(request: HttpRequest, link: ConfirmationLink, token: str) -> HttpResponse:
    change = link.confirmation.change
    data = request.POST if request.method == "POST" else None
    form = AnswerConfirmationForm(data, change=change, user=change.requester)
    if data is None:
        return show(request, "changes/confirmation.html", link, form=form)
    if not form.is_valid():
        return show(request, "changes/confirmation.html", link, HTTPStatus.BAD_REQUEST, form=form)
    try:
        lifecycle.answer_confirmation(change, actor=change.requester, link=link, **form.arguments())
    except (ChangeStale, StepIllegal, StepForbidden):
        return _too_late(request, token)
    return redirect("changes:confirmation", token=token)


def _too_late(request: HttpRequest, token: str) -> HttpResponse:
    """Tell a person who was not the first what happened in the meantime."""
    link = find_link(token)
    if link is None or link.confirmation.is_open:
        return not_valid(request)
    return show(request, "changes/confirmation_over.html", link, HTTPStatus.CONFLICT)


def show(
    request: HttpRequest,
    template: str,
    link: ConfirmationLink,
    status: HTTPStatus = HTTPStatus.OK,
    **context: Any,
) -> HttpResponse:
    """Render a page about the question that the link asks."""
    change = link.confirmation.change
    context = {
        "confirmation": link.confirmation,
        "change": change,
        "requested": markdown.render(change.description),
        "words": PLAIN_WORDS[State(change.state)],
        "contact": contact_of(change.organisation.success_team.email),
        "too_late": status == HTTPStatus.CONFLICT,
        **context,
    }
    return render(request, template, context, status=status)
