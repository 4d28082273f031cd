"""The page behind the link that the requester gets by mail; no account is needed.

Mail systems open links, and some run what is on the page: opening shows, and only a form sent
with an explicit choice decides.
"""

from email.utils import parseaddr
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.middleware import zone_of
from expansive_cm import errors

from .. import lifecycle, markdown
from ..errors import ChangeStale, StepForbidden, StepIllegal
from ..forms.confirmation import AnswerConfirmationForm
from ..models import ConfirmationLink
from ..states import PLAIN_WORDS, State
from .secret_address import LONGEST_TOKEN, WrongTokens, for_its_reader_only

WRONG = WrongTokens("confirmation")


@for_its_reader_only
@require_http_methods(["GET", "HEAD", "POST"])
def confirmation(request: HttpRequest, token: str) -> HttpResponse:
    """Show what was requested and done, and take the requester's answer, once.

    Whoever is signed in, the answer is the requester's: the link went to their address. A link
    that is forged, expired or superseded gives the same 404; too many of them from one address
    give 429.
    """
    if WRONG.are_too_many(request):
        sentence = _("Too many links that do not work were opened from here. Try again later.")
        return errors.page(request, HTTPStatus.TOO_MANY_REQUESTS, sentence)
    link = find_link(token)
    if link is None:
        WRONG.count(request)
        return not_valid(request)
    with timezone.override(zone_of(link.confirmation.change.requester)):
        if not link.confirmation.is_open:
            status = HTTPStatus.CONFLICT if request.method == "POST" else HTTPStatus.OK
            return show(request, "changes/confirmation_over.html", link, status)
        return _ask(request, link, token)


def find_link(token: str) -> ConfirmationLink | None:
    """Return the link with this token while it is worth something."""
    if len(token) > LONGEST_TOKEN:
        return None
    links = ConfirmationLink.objects.select_related(
        "confirmation__change__requester", "confirmation__change__organisation__success_team"
    )
    return links.filter(
        token_hash=lifecycle.hash_token(token),
        superseded_at=None,
        expires_at__gt=timezone.now(),
        confirmation__change__requester__is_active=True,
    ).first()


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


def not_valid(request: HttpRequest) -> HttpResponse:
    """Say how to get a new link, and nothing about why this one does not work."""
    context = {"contact": contact_of()}
    return render(request, "changes/confirmation_invalid.html", context, status=404)


def contact_of(team_mailbox: str = "") -> str:
    """Return the address that helps a requester."""
    return team_mailbox or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
