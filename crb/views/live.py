"""A meeting as it happens: the stream of its page, and the screen of its room."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from expansive_cm.numbers import whole_number
from expansive_cm.web.streams import OFFERED, EventStream

from ..live import hub
from ..live.places import PLACES
from ..live.present import Screen, stage
from ..live.rooms import read
from ..live.stream import Draw, Follower, events, now
from .access import SignedInRequest, for_own_people, meeting_or_404
from .page import viewer_of

COME_AGAIN_SECONDS = 30


@require_safe
@for_own_people
def live(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """Send what happens in the meeting, as Server-Sent Events.

    ``item`` is the item that the page shows, with ``show=consent`` it shows the batch instead;
    with ``follow`` the page goes where the meeting goes. HEAD answers whether there is anything to
    follow for this person. Whoever finds no place for a stream (503) asks with ``once`` every few
    seconds, and is told as JSON what a new stream would begin with.
    """
    had = hub.listener().rights(request.user.pk)
    meeting_or_404(pk)
    if request.method == "HEAD":
        return HttpResponse(content_type="text/event-stream")
    if "once" in request.GET:
        answer = JsonResponse(now(hub.listener(), pk, _draw(request)))
        answer["Cache-Control"] = "no-store"
        return answer
    return stream(request, pk, _draw(request), had)


def _draw(request: SignedInRequest) -> Draw:
    """Return what draws the page, or the screen, that this request is of."""
    if request.GET.get("view") == "present":
        return Screen(request.user)
    batch = request.GET.get("show") == "consent"
    wanted, follows = _number(request, "item"), "follow" in request.GET
    return Follower(viewer_of(request), wanted, follows, batch=batch)


def _number(request: HttpRequest, name: str) -> int | None:
    return whole_number(request.GET.get(name, ""))


def stream(request: SignedInRequest, meeting: int, draw: Draw, had: int) -> HttpResponseBase:
    """Answer with a stream, or with 503 where this process holds enough of them already."""
    reader = request.user.pk
    leave = PLACES.take(reader) if OFFERED in request.environ else None
    if leave is None:
        words = _("Too many pages follow a meeting; this one asks every few seconds instead.")
        answer = HttpResponse(words, status=503, content_type="text/plain; charset=utf-8")
        answer["Retry-After"] = str(COME_AGAIN_SECONDS)
        answer["Cache-Control"] = "no-store"
        return answer
    return EventStream(lambda: events(hub.listener(), meeting, draw, reader, had), leave)


@require_safe
@for_own_people
def present(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show the meeting on the screen of its room."""
    meeting = meeting_or_404(pk)
    context = stage(read(meeting), request.user)
    return render(request, "crb/present.html", context)
