"""A person's own calendar: the page with its secret address, and what that address answers."""

from datetime import timedelta
from http import HTTPStatus

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from changes.lifecycle import hash_token
from changes.views.secret_address import LONGEST_TOKEN, WrongTokens, for_its_reader_only
from expansive_cm.post.words import absolute

from .. import calendar_pages, invitations, lifecycle, permissions
from ..models import CalendarFeed
from ..queries import working_feeds
from .access import SignedInRequest, for_own_people

WRONG = WrongTokens("feed")
NOTED_AGAIN_AFTER = timedelta(minutes=1)
"""Reading is noted at most this often: some programs read every few seconds."""


@never_cache
@require_safe
@for_own_people
def calendar(request: SignedInRequest) -> HttpResponse:
    """Show one's own meetings, and how to have them in one's own calendar."""
    return _page(request)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_own_people
def make_feed(request: SignedInRequest) -> HttpResponse:
    """Make the secret address and show it, this once; an earlier one no longer works.

    Whoever opens this page's own address again is led to the calendar, and nothing is made.
    """
    if request.method != "POST":
        return redirect("crb:calendar")
    token = lifecycle.make_feed(actor=request.user)
    return _page(request, address=absolute(f"/board/feed/{token}.ics"))


@require_POST
@for_own_people
def revoke_feed(request: SignedInRequest) -> HttpResponse:
    """Make the secret address worthless."""
    if lifecycle.revoke_feed(actor=request.user):
        messages.success(request, _("The calendar address no longer works."))
    return redirect("crb:calendar")


def _page(request: SignedInRequest, address: str = "") -> HttpResponse:
    context = {
        "feed": working_feeds().filter(user=request.user).first(),
        "allowed": permissions.can_make_feed(request.user),
        "address": address,
        "webcal": f"webcal://{address.partition('://')[2]}" if address else "",
        "meetings": calendar_pages.own_meetings(request.user),
    }
    return render(request, "crb/calendar.html", context)


@for_its_reader_only
@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """Answer a calendar program with the meetings of whoever the address belongs to.

    Nobody is signed in here. A token that is wrong, revoked, or of somebody who is no longer
    active or no member any more, or was not for a while, gets one and the same 404, and after
    many of them 429; an address that works goes on working beside a neighbour's that does not.
    """
    found = _find(token)
    if found is None:
        return _not_found(request)
    now = timezone.now()
    due = Q(last_read_at=None) | Q(last_read_at__lt=now - NOTED_AGAIN_AFTER)
    CalendarFeed.objects.filter(due, pk=found.pk).update(last_read_at=now)
    meetings = calendar_pages.feed_meetings(found.user)
    content = invitations.publish(meetings, now, _("Change Request Board"))
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="board.ics"'
    return response


def _find(token: str) -> CalendarFeed | None:
    if len(token) > LONGEST_TOKEN:
        return None
    return working_feeds().filter(token_hash=hash_token(token)).first()


def _not_found(request: HttpRequest) -> HttpResponse:
    plain = "text/plain; charset=utf-8"
    if WRONG.are_too_many(request):
        words = _("Too many addresses that do not work were read from here. Try again later.")
        return HttpResponse(words, status=HTTPStatus.TOO_MANY_REQUESTS, content_type=plain)
    words = _("There is no calendar at this address.")
    return HttpResponse(words, status=HTTPStatus.NOT_FOUND, content_type=plain)
