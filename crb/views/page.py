"""The page of a meeting: agenda, one item with its case, and what this person may do.

One template draws it whole or, for htmx, its body alone; the views of votes and outcomes answer
with the same page, so that a mistake or a refusal loses nothing that was typed.
"""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.forms import CharField, Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from changes.errors import StepError, StepIncomplete

from .. import pages, permissions, queries
from ..lifecycle.planning import plan_token
from ..models import AgendaItem, Meeting
from ..pages.agenda import AgendaCard, ConsentBatch, shows_batch
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
        self.user = request.user
        self.meeting = meeting
        self.items = queries.agenda_of(meeting)
        self.chosen = pages.choose(self.items, self.user, wanted)
        batch = batch or shows_batch(self.items, self.user, self.chosen, wanted)
        self.shows_batch = batch and any(one.is_open and one.is_consent for one in self.items)
        if self.shows_batch:
            self.chosen = None
        self.attended = set(queries.attendance_of(meeting))
        self.item = pages.ItemPage(self.chosen, self.user, self.attended) if self.chosen else None

    def context(self, **more: Any) -> dict[str, Any]:
        """Return what the template shows; ``more`` replaces forms that have been filled in."""
        rows = pages.agenda_rows(self.items, self.user, self.chosen)
        card = AgendaCard(self.meeting, rows, self.user)
        context = {
            "agenda": card,
            "batch": ConsentBatch(card, self.user) if self.shows_batch else None,
            "meeting": self.meeting,
            "board": self.meeting.board,
            "rows": rows,
            "left_for_me": [row for row in rows if row.mine_missing],
            "page": self.item,
            "attended": self.attended,
            "seat": self.meeting.seat_of(self.user),
            "looks": pages.LOOKS,
            **self._steps(),
            **self._forms(),
            **self._neighbours(),
        }
        return {**context, **more}

    def _steps(self) -> dict[str, Any]:
        seat = self.meeting.seat_of(self.user)
        runs = seat is not None and seat.runs_meetings
        joinable = permissions.can_join_meeting(self.user, self.meeting)
        steps: dict[str, Any] = {"joinable": joinable and self.user.pk not in self.attended}
        if runs:
            steps["start"] = permissions.can_start_meeting(self.user, self.meeting)
            steps["close"] = permissions.can_close_meeting(self.user, self.meeting)
            steps["cancel"] = permissions.can_cancel_meeting(self.user, self.meeting)
        return steps

    def _forms(self) -> dict[str, Any]:
        item = self.item
        if item is None or not item.item.is_open:
            return {}
        forms: dict[str, Any] = {"vote": item.vote_decision, "record": item.outcome_decision}
        if item.vote_decision:
            forms |= {"vote_form": item.vote_form(), "recuse_form": item.recuse_form()}
        if item.outcome_decision:
            forms["outcome_form"] = item.outcome_form()
        return forms | self._agenda_forms(item)

    def _agenda_forms(self, page: pages.ItemPage) -> dict[str, Any]:
        """What the chair may do to the item's place on the agenda, and a member to the batch."""
        forms: dict[str, Any] = {}
        if permissions.can_plan_item(self.user, page.item):
            forms |= {"plan_form": page.plan_form(), "plan_token": plan_token(page.item)}
        if permissions.can_defer_item(self.user, page.item):
            forms["defer_form"] = page.defer_form()
        if permissions.can_pull_from_consent(self.user, page.item):
            forms["pull_form"] = page.pull_form()
        return forms

    def _neighbours(self) -> dict[str, Any]:
        if self.chosen is None:
            return {}
        place = self.items.index(self.chosen)
        return {
            "place": place + 1,
            "previous": self.items[place - 1] if place else None,
            "following": self.items[place + 1] if place + 1 < len(self.items) else None,
        }

    def show(self, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
        """Draw the page, or for htmx its body; htmx swaps in mistakes as 422."""
        htmx = bool(getattr(self.request, "htmx", False))
        if htmx and status >= HTTPStatus.BAD_REQUEST:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        name = "crb/partials/meeting_answer.html" if htmx else "crb/meeting.html"
        response = render(self.request, name, self.context(htmx=htmx, **more), status=status)
        patch_vary_headers(response, ["HX-Request"])
        return response


def page_of_item(request: SignedInRequest, item: AgendaItem) -> MeetingPage:
    """Return the meeting's page with this item chosen, from fresh rows."""
    return MeetingPage(request, queries.meetings().get(pk=item.meeting_id), item.pk)


def address_of(item: AgendaItem) -> str:
    """Return the meeting's page with this item chosen."""
    return f"{reverse('crb:meeting', args=[item.meeting_id])}?item={item.pk}"


def done(request: SignedInRequest, item: AgendaItem, sentence: str) -> HttpResponse:
    """Say what was done, on the page as it is now."""
    messages.success(request, sentence)
    if getattr(request, "htmx", False):
        return page_of_item(request, item).show(focus="vote")
    return redirect(f"{address_of(item)}#position")


def missing(
    request: SignedInRequest, item: AgendaItem, name: str, form: Form, error: StepIncomplete | None
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
    texts = [field for field in form if isinstance(field.field, CharField)]
    return [(field.label, field.value()) for field in texts if (field.value() or "").strip()]
