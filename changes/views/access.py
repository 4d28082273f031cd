"""Who gets as far as a view: people who are signed in, on changes that exist for them."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeGuard

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from accounts.models import User
from expansive_cm.workflow.decisions import Decision, Refusal
from expansive_cm.workflow.errors import StepForbidden, StepIllegal

from .. import queries
from ..models import Change

View = Callable[..., HttpResponseBase]
"""A view with what its address names: most answer with a page, some with a stream."""


class SignedInRequest(HttpRequest):
    """A request behind ``signed_in`` or ``login_required``: there is a person."""

    user: User
    htmx: HtmxDetails
    environ: dict[str, Any]


def is_signed_in(request: HttpRequest) -> TypeGuard[SignedInRequest]:
    """Whether there is a person, for a view that answers everybody."""
    return isinstance(request.user, User)


def signed_in(view: View) -> View:
    """Ask for the sign-in, as ``login_required`` does, but tell a page's script in words.

    A request in the background would follow the redirect and put the sign-in page into the
    middle of what somebody is typing.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        in_background = request.headers.get("HX-Request") == "true"
        if in_background and not request.user.is_authenticated:
            words = _(
                "You are signed out. Sign in again in another tab: what you typed stays here."
            )
            return HttpResponse(
                words, status=HTTPStatus.UNAUTHORIZED, content_type="text/plain; charset=utf-8"
            )
        return login_required(view)(request, *args, **kwargs)

    return guarded


def visible_or_404(user: User, pk: int) -> Change:
    """Return a change with its people; one that is not this person's does not exist."""
    change = queries.visible_one(user, pk, people=True)
    if change is None:
        raise Http404
    return change


def insist(decision: Decision) -> None:
    """Go on only if allowed. Raises StepForbidden or StepIllegal with the reason."""
    if decision:
        return
    waiting = (Refusal.STATE, Refusal.GATE)
    raise (StepIllegal if decision.kind in waiting else StepForbidden)(decision.reason)
