"""A meeting as it happens: the stream of its page, and the screen of its room."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from expansive_cm.numbers import whole_number

from ..live import hub
from ..live.present import Screen, stage
from ..live.rooms import read
from ..live.stream import Draw, Follower, events
from .access import SignedInRequest, for_own_people, meeting_or_404
from .page import viewer_of


@require_safe
@for_own_people
def live(request: SignedInRequest, pk: int) -> HttpResponse | StreamingHttpResponse:
    """Send what happens in the meeting, as Server-Sent Events.

    ``item`` is the item that the page shows, with ``show=consent`` it shows the batch instead;
    with ``follow`` the page goes where the meeting goes. HEAD answers whether there is anything to
    follow for this person.
    """
    meeting_or_404(pk)
    if request.method == "HEAD":
        return HttpResponse(content_type="text/event-stream")
    if request.GET.get("view") == "present":
        return stream(pk, Screen(request.user), request.user)
    viewer = viewer_of(request)
    wanted, follows = _number(request, "item"), "follow" in request.GET
    batch = request.GET.get("show") == "consent"
    return stream(pk, Follower(viewer, wanted, follows, batch=batch), request.user)


def _number(request: HttpRequest, name: str) -> int | None:
    return whole_number(request.GET.get(name, ""))


def stream(meeting: int, draw: Draw, reader: User) -> StreamingHttpResponse:
    """Answer with a stream that nobody on the way keeps or holds back."""
    body: Iterator[bytes] = events(hub.listener(), meeting, draw, reader.pk)
    response = StreamingHttpResponse(body, content_type="text/event-stream")
    response["Cache-Control"] = "no-store, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


@require_safe
@for_own_people
def present(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show the meeting on the screen of its room."""
    meeting = meeting_or_404(pk)
    context = stage(read(meeting), request.user)
    return render(request, "crb/present.html", context)
