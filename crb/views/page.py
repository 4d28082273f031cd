"""The page of a meeting: agenda, one item with its case, and what this person may do.

One template draws it whole or, for htmx, its body alone; the views of votes and outcomes answer
with the same page, so that a mistake or a refusal loses nothing that was typed.
"""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.forms import CharField, Form
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from expansive_cm.workflow.errors import StepError, StepIncomplete

from .. import queries
from ..forms.base import BoardForm
from ..live.parts import Viewer, part_after
from ..live.rooms import read
from ..models import AgendaItem, Meeting, Vote
from ..sight import Sight
from ..states import MeetingState
from .access import SignedInRequest


class MeetingPage:
    """One person's page of one meeting."""

    def __init__(
        self,
        request: SignedInRequest,
        meeting: Meeting,
        wanted: int | None,
        *,
        batch: bool = False,
    ) -> None:
        self.request = request
        self.sight = Sight(request.user, read(meeting), wanted, batch=batch or None)
        self.item = self.sight.item
        self.meeting = meeting
        chosen = self.sight.chosen
        self.is_absent = wanted is not None and (chosen is None or chosen.pk != wanted)
        current = meeting.current_item_id
        shown = self.item.item.pk if self.item else None
        self.follows = not self.sight.shows_batch and (wanted is None or shown == current)

    def context(self, **more: Any) -> dict[str, Any]:
        """Return what the template shows; ``more`` replaces forms that have been filled in."""
        if self.item is not None:
            self.sight.snapshot.tell(self.item.item)
        sight = {**self.sight.context(), **self.sight.agenda_forms(), **self.sight.steps()}
        panel = {"people": self.sight.people, "items": self.sight.items}
        return {**sight, **panel, "moved": self._moved(), "follows": self.follows, **more}

    def _moved(self) -> list[AgendaItem]:
        """Where items went: all of a cancelled meeting, or what was asked for and is not here."""
        if self.is_absent or self.meeting.state == MeetingState.CANCELLED:
            return list(queries.moved_from(self.meeting))
        return []

    def show(self, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
        """Draw the page, or for htmx its body; htmx swaps in mistakes as 422."""
        htmx = bool(getattr(self.request, "htmx", False))
        if htmx and status >= HTTPStatus.BAD_REQUEST:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        whole = "crb/ballot.html" if self.meeting.is_ballot else "crb/meeting.html"
        name = "crb/partials/meeting_answer.html" if htmx else whole
        response = render(self.request, name, self.context(htmx=htmx, **more), status=status)
        patch_vary_headers(response, ["HX-Request"])
        return response


def page_of_item(request: SignedInRequest, item: AgendaItem) -> MeetingPage:
    """Return the meeting's page with this item chosen, from fresh rows."""
    return MeetingPage(request, queries.meeting_shown(item.meeting_id), item.pk)


def address_of(item: AgendaItem) -> str:
    """Return the meeting's page with this item chosen."""
    return f"{reverse('crb:meeting', args=[item.meeting_id])}?item={item.pk}"


def done(
    request: SignedInRequest, item: AgendaItem, sentence: str, vote: Vote | None = None
) -> HttpResponse:
    """Say what was done, on the page as it is now.

    A page that follows the meeting is brought everything that has changed by its stream: after a
    vote it is answered with the box of the vote alone. Twenty whole pages in the same second
    would keep the others waiting.
    """
    messages.success(request, sentence)
    if vote is not None and request.headers.get("Meeting-Live"):
        box = part_after(vote, "vote-box", viewer_of(request))
        answer = render(request, "crb/partials/vote_answer.html", {"box": box})
        return in_place_of(answer, "#vote-box")
    if getattr(request, "htmx", False):
        return page_of_item(request, item).show(focus="vote")
    return redirect(f"{address_of(item)}#position")


def moved_on(request: SignedInRequest, meeting: Meeting) -> HttpResponse:
    """Show what the meeting is at, after it has gone there; from now on the page follows it."""
    if not getattr(request, "htmx", False):
        return redirect(meeting)
    response = MeetingPage(request, queries.meeting_shown(meeting.pk), None).show(focus="item")
    response["HX-Push-Url"] = meeting.get_absolute_url()
    return response


def in_place_of(answer: HttpResponse, target: str) -> HttpResponse:
    """Let an answer take the place of a part of the page, without scrolling to it."""
    answer["HX-Reswap"] = "outerHTML show:none"
    answer["HX-Retarget"] = target
    return answer


def viewer_of(request: SignedInRequest) -> Viewer:
    """Return who looks at the meeting, for what is drawn apart from a request."""
    user = request.user
    user.roles  # noqa: B018 - read now: drawing asks nothing about the person
    own = getattr(user, "_wrapped", user)
    return Viewer(own, timezone.get_current_timezone(), get_token(request))


def missing(
    request: SignedInRequest,
    item: AgendaItem,
    name: str,
    form: BoardForm,
    error: StepIncomplete | None,
) -> HttpResponse:
    """Show the page with the form as it was filled in, and what is wrong beside its fields."""
    if error is not None:
        form.take_error(error)
    return page_of_item(request, item).show(HTTPStatus.BAD_REQUEST, **{name: form})


def refused(
    request: SignedInRequest, item: AgendaItem, name: str, form: Form, error: StepError
) -> HttpResponse:
    """Show the page as it is now with the reason above it, and what was typed."""
    page = page_of_item(request, item)
    more: dict[str, Any] = {"refusal": str(error)}
    if name in page.context():
        more[name] = form
    else:
        more["typed"] = typed(form)
    return page.show(error.status, **more)


def typed(form: Form) -> list[tuple[Any, str]]:
    """Return the texts that somebody wrote into a form, for copying from a refusal."""
    if not form.is_bound:
        return []
    texts = [field for field in form if isinstance(field.field, CharField)]
    return [(field.label, field.value()) for field in texts if (field.value() or "").strip()]
