"""Who gets as far as a board view: for everybody else there is no such page."""

from functools import wraps

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from changes.views.access import SignedInRequest, View, signed_in

from .. import permissions, queries
from ..models import AgendaItem, Meeting

__all__ = [
    "SignedInRequest",
    "for_own_people",
    "item_or_404",
    "meeting_or_404",
    "seen_version",
]


def for_own_people(view: View) -> View:
    """Let Expansive's own people through; for a customer the board does not exist."""

    @signed_in
    @wraps(view)
    def guarded(request: SignedInRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not permissions.may_see_board(request.user):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def meeting_or_404(pk: int) -> Meeting:
    """Return a meeting as its page shows it."""
    try:
        return queries.meeting_shown(pk)
    except Meeting.DoesNotExist:
        raise Http404 from None


def item_or_404(pk: int) -> AgendaItem:
    """Return an agenda item with its meeting and board."""
    try:
        return queries.item_there(pk)
    except AgendaItem.DoesNotExist:
        raise Http404 from None


def seen_version(request: HttpRequest) -> int:
    """Return which version of a meeting the person's page showed."""
    try:
        return int(request.POST["seen"])
    except (KeyError, ValueError):
        raise BadRequest("seen") from None
