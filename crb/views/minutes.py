"""Minutes: read, written section by section, published, amended, and as a file."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from changes.models.board import undo_time
from changes.views.once import sent_once
from expansive_cm.errors import page
from expansive_cm.numbers import whole_number
from expansive_cm.sure import sure
from expansive_cm.workflow.errors import StepError, StepIncomplete

from .. import lifecycle, permissions, queries
from ..forms import AddendumForm, SectionForm
from ..lifecycle.core import require
from ..minutes import compose, file_name, reading, typeset
from ..models import AgendaItem, Meeting
from ..states import MeetingState
from .access import SignedInRequest, for_own_people

REMARKS = "remarks"


@require_safe
@for_own_people
def minutes(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show the minutes as they were published, or as a draft of what was recorded."""
    return MinutesPage(request, _meeting_or_404(pk)).show()


@require_safe
@for_own_people
def minutes_pdf(request: SignedInRequest, pk: int) -> HttpResponse:
    """Send the minutes as a file: with single votes for those who may see them."""
    found = MinutesPage(request, _meeting_or_404(pk))
    if not found.exists:
        raise Http404
    at = found.minutes.published_at if found.minutes else None
    response = HttpResponse(typeset(found.view, at=at), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{file_name(found.view)}"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@for_own_people
def write_minutes(request: SignedInRequest, pk: int) -> HttpResponse:
    """Save one section; a mistake or a refusal loses nothing that was typed."""
    meeting = _meeting_or_404(pk)
    name = request.POST.get("section", "")
    item = None if name == REMARKS else _item_or_404(meeting, name)
    form = MinutesPage(request, meeting).form_of(name, request.POST)
    try:
        require(permissions.can_write_minutes(request.user, meeting))
        if not form.is_valid():
            return MinutesPage(request, meeting, form).show(HTTPStatus.BAD_REQUEST)
        text, seen = form.cleaned_data["text"], form.cleaned_data["seen"]
        lifecycle.write_minutes(meeting, actor=request.user, text=text, item=item, seen=seen)
    except StepError as error:
        return MinutesPage(request, _meeting_or_404(pk), form).refused(error)
    if getattr(request, "htmx", False):
        return MinutesPage(request, _meeting_or_404(pk), section=name).show(saved=True)
    messages.success(request, _("Saved."))
    return redirect(f"{_address(meeting)}#section-{name}")


@require_POST
@for_own_people
def publish_minutes(request: SignedInRequest, pk: int) -> HttpResponse:
    """Freeze the minutes and mail them, with what stands in the boxes of the page."""
    meeting = _meeting_or_404(pk)
    try:
        seen = int(request.POST["seen"])
    except (KeyError, ValueError):
        raise BadRequest("seen") from None
    sent = MinutesPage(request, meeting).sent()
    try:
        require(permissions.can_publish_minutes(request.user, meeting))
        if not all(form.is_valid() for form in sent):
            return MinutesPage(request, meeting, sent=sent).show(HTTPStatus.BAD_REQUEST)
        unsaved = [_prose(meeting, form) for form in sent]
        lifecycle.publish_minutes(meeting, actor=request.user, seen=seen, unsaved=unsaved)
    except StepError as error:
        return MinutesPage(request, _meeting_or_404(pk), sent=sent).unpublished(error)
    messages.success(request, _("The minutes are published and on their way by mail."))
    return redirect(_address(meeting))


def _addenda_of(_request: SignedInRequest, pk: int) -> str:
    return f"{reverse('crb:minutes', args=[pk])}#addenda"


@require_POST
@for_own_people
@sent_once(_addenda_of)
def add_addendum(request: SignedInRequest, pk: int) -> HttpResponse:
    """Add something to published minutes."""
    meeting = _meeting_or_404(pk)
    form = AddendumForm(request.POST)
    shown = MinutesPage(request, meeting, addendum=form)
    try:
        require(permissions.can_add_addendum(request.user, meeting))
        if not form.is_valid():
            return shown.show(HTTPStatus.BAD_REQUEST)
        lifecycle.add_addendum(meeting, actor=request.user, **form.arguments())
    except StepIncomplete as error:
        form.take_error(error)
        return shown.show(HTTPStatus.BAD_REQUEST)
    except StepError as error:
        return page(request, HTTPStatus(error.status), str(error), current_url=_address(meeting))
    messages.success(request, _("The addendum is added and on its way by mail."))
    return redirect(f"{_address(meeting)}#addenda")


class MinutesPage:
    """One person's page of the minutes of one meeting.

    ``form`` is a section that was filled in and could not be saved; ``section`` names the one
    that htmx asks for; ``sent`` are all sections of a page that could not be published.
    """

    def __init__(
        self,
        request: SignedInRequest,
        meeting: Meeting,
        form: SectionForm | None = None,
        *,
        section: str = "",
        addendum: AddendumForm | None = None,
        sent: Sequence[SectionForm] = (),
    ) -> None:
        self.request, self.user, self.meeting = request, request.user, meeting
        self.minutes = permissions.minutes_of(meeting)
        self.exists = meeting.state in (MeetingState.RUNNING, MeetingState.CLOSED)
        self.writes = permissions.can_write_minutes(self.user, meeting)
        self.form, self.addendum, self.filled_in = form, addendum, sent
        self.section = form.section if form else section
        self.view = self._view() if self.exists else {}

    def _view(self) -> dict[str, Any]:
        votes = permissions.may_see_votes(self.user, self.meeting)
        minutes = self.minutes
        published = minutes is not None and minutes.is_published
        content = minutes.content if minutes is not None and published else compose(self.meeting)
        if votes and not published:
            content = self._without_open_votes(content)
        return reading(content, self.minutes, votes=votes)

    def _without_open_votes(self, content: dict[str, Any]) -> dict[str, Any]:
        """Leave out the votes that this person does not see as long as their item may open again.

        Asks only where an outcome is so young.
        """
        since = timezone.now() - undo_time()
        decided = [one for one in content["items"] if one["outcome"]]
        young = {
            one["item"] for one in decided if datetime.fromisoformat(one["recorded_at"]) > since
        }
        hidden = {
            str(item.pk)
            for item in (queries.agenda_of(self.meeting) if young else ())
            if item.pk in young
            and not permissions.votes_open_to(self.user, item, queries.tally_of(item))
        }
        shown = {key: votes for key, votes in content["votes"].items() if key not in hidden}
        return {**content, "votes": shown}

    # Sections

    def form_of(self, name: str, data: Any = None) -> SectionForm:
        """Return the form of one section with the text that is there."""
        if name == REMARKS:
            return SectionForm(
                data, section=name, label=_("Remarks"), current=self.view.get("remarks", "")
            )
        items = self.view.get("items", [])
        item = next((one for one in items if str(one["item"]) == name), None)
        label = _("Discussion of %s") % (item["reference"] if item else "")
        return SectionForm(
            data, section=name, label=label, current=item["discussion"] if item else ""
        )

    def _sections(self) -> None:
        """Give every section that can be written its form."""
        forms: dict[str, SectionForm] = {}
        if self.writes:
            forms = {name: self.form_of(name) for name in self._names()}
            forms |= {form.section: form for form in self.filled_in}
        if self.form is not None and self.writes:
            forms[self.form.section] = self.form
        self.view["form"] = forms.get(REMARKS)
        for item in self.view["items"]:
            item["form"] = forms.get(str(item["item"]))

    def _mark_corrected(self) -> None:
        """Say beside what was published what the board has decided on it since, and where."""
        if not (self.exists and self.view["is_published"]):
            return
        later = queries.corrections_of(self.meeting)
        for item in self.view["items"]:
            item["correction"] = later.get(item["item"])

    def _names(self) -> list[str]:
        return [REMARKS, *(str(item["item"]) for item in self.view.get("items", []))]

    def sent(self) -> list[SectionForm]:
        """Return the sections that were sent with a text that nobody has saved."""
        forms = [self.form_of(name, self.request.POST) for name in self._names()]
        return [form for form in forms if form.was_changed]

    def unpublished(self, error: StepError) -> HttpResponse:
        """Show the page as it is now with the reason above it, and everything that was typed."""
        for form in self.filled_in:
            form.show_current(self.form_of(form.section).initial["text"])
        lost = [] if self.writes else [one for one in self.filled_in if one.typed.strip()]
        return self.show(error.status, unpublished=str(error), lost=lost)

    def refused(self, error: StepError) -> HttpResponse:
        """Show what is there now, the reason, and what was typed: in its field or to copy."""
        typed = self.form.typed if self.form else ""
        current = self.form_of(self.section).initial["text"] if self.exists else ""
        if self.form is not None:
            self.form.show_current(current)
        return self.show(error.status, refusal=str(error), typed=typed, current=current)

    # Answers

    def context(self, **more: Any) -> dict[str, Any]:
        if self.exists:
            self._sections()
        context = {
            "meeting": self.meeting,
            "board": self.meeting.board,
            "view": self.view,
            "exists": self.exists,
            "writes": self.writes,
            "publish": permissions.can_publish_minutes(self.user, self.meeting),
            "version": self.minutes.version if self.minutes else 0,
            "section": self.section,
            "item": next(
                (one for one in self.view.get("items", []) if str(one["item"]) == self.section),
                None,
            ),
        }
        self._mark_corrected()
        if permissions.can_add_addendum(self.user, self.meeting):
            context["addendum_form"] = self.addendum or AddendumForm()
            # The next addendum is another draft: the browser drops that of one that has arrived.
            context["addenda_written"] = (
                sure(self.minutes).addenda.filter(added_by=self.user).count()
            )
        return {**context, **more}

    def show(self, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
        """Draw the page or, for htmx, the section alone; htmx swaps in mistakes as 422."""
        htmx = bool(getattr(self.request, "htmx", False)) and self.section
        if htmx and status >= HTTPStatus.BAD_REQUEST:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        name = "crb/partials/minutes_section_answer.html" if htmx else "crb/minutes.html"
        response = render(self.request, name, self.context(htmx=htmx, **more), status=status)
        response["Cache-Control"] = "private, no-store" if htmx else "private, no-cache"
        return response


def _meeting_or_404(pk: int) -> Meeting:
    try:
        return queries.meeting_with_minutes(pk)
    except Meeting.DoesNotExist as error:
        raise Http404 from error


def _item_or_404(meeting: Meeting, name: str) -> AgendaItem:
    found = meeting.items.filter(pk=number).first() if (number := whole_number(name)) else None
    if found is None:
        raise Http404
    return found


def _prose(meeting: Meeting, form: SectionForm) -> lifecycle.Prose:
    item = None if form.section == REMARKS else _item_or_404(meeting, form.section)
    return lifecycle.Prose(form.cleaned_data["text"], item, form.cleaned_data["seen"])


def _address(meeting: Meeting) -> str:
    return reverse("crb:minutes", args=[meeting.pk])
