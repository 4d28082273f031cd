"""What pages behind a secret address share: one guard, one answer to a link that does not work.

Mail systems open links, and some run what is on the page: opening shows, and only a form sent
with an explicit choice acts.
"""

from collections.abc import Callable
from email.utils import parseaddr
from functools import wraps
from http import HTTPStatus
from typing import Any, Protocol

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from expansive_cm import errors

from .secret_address import LONGEST_TOKEN, View, WrongTokens, for_its_reader_only

WRONG = WrongTokens("link")

Find = Callable[[str], Any]


class LinkView(Protocol):
    """A view of the link that a token stands for."""

    def __call__(self, request: HttpRequest, link: Any, token: str) -> HttpResponse: ...


def behind_a_link(find: Find) -> Callable[[LinkView], View]:
    """Let a view be reached by the secret token of a link alone, whoever is signed in.

    A link that is forged, expired or revoked gives the same 404; too many of them from one
    address give 429.
    """

    def decorate(view: LinkView) -> View:
        @for_its_reader_only
        @require_http_methods(["GET", "HEAD", "POST"])
        @wraps(view)
        def guarded(request: HttpRequest, token: str) -> HttpResponse:
            if WRONG.are_too_many(request):
                sentence = _(
                    "Too many links that do not work were opened from here. Try again later."
                )
                return errors.page(request, HTTPStatus.TOO_MANY_REQUESTS, sentence)
            link = find(token) if len(token) <= LONGEST_TOKEN else None
            if link is None:
                WRONG.count(request)
                return not_valid(request)
            return view(request, link, token)

        return guarded

    return decorate


def not_valid(request: HttpRequest) -> HttpResponse:
    """Say how to get a new link, and nothing about why this one does not work."""
    context = {"contact": contact_of()}
    return render(request, "changes/link_invalid.html", context, status=404)


def contact_of(team_mailbox: str = "") -> str:
    """Return the address that helps a requester."""
    return team_mailbox or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
