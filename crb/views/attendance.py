"""Who is at a meeting, marked by the chair: one press for each person."""

from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from expansive_cm import errors
from expansive_cm.numbers import whole_number
from expansive_cm.workflow.errors import StepError

from .. import lifecycle
from ..forms import MarkForm
from ..live.rooms import read
from ..models import Meeting
from ..pages.attendance import NEW_GUEST, RollCard, Sent
from ..sight import Sight
from .access import SignedInRequest, for_own_people, meeting_or_404
from .page import MeetingPage, in_place_of


@require_POST
@for_own_people
def mark_attendance(request: SignedInRequest, pk: int) -> HttpResponse:
    """Mark where one person stands, add a guest, or take the last mark back."""
    found, form = meeting_or_404(pk), MarkForm(request.POST)
    valid = form.is_valid()
    for name in ("person", "mark", "seen"):
        if name in form.errors:
            raise BadRequest(name)
    user = _person(form)
    if not valid:
        words = " ".join(str(error) for own in form.errors.values() for error in own)
        return _not_done(request, found, form, user, words, HTTPStatus.BAD_REQUEST)
    about: dict[str, Any] = {"actor": request.user, "user": user, **form.arguments()}
    try:
        if form.takes_back:
            lifecycle.take_back_mark(found, **about)
            sentence = _("Taken back: %(name)s.")
        else:
            about |= {"at": form.moment, "is_presenter": form.cleaned_data["is_presenter"]}
            made = lifecycle.mark_attendance(found, mark=form.cleaned_data["mark"], **about)
            sentence = made.get_mark_display() + ": %(name)s."
    except StepError as error:
        return _not_done(request, found, form, user, str(error), HTTPStatus(error.status))
    messages.success(request, sentence % {"name": user or form.cleaned_data["guest"]})
    if not getattr(request, "htmx", False):
        return redirect(f"{found.get_absolute_url()}#attendance")
    done = _key(found, form, user)
    if request.headers.get("Meeting-Live"):
        return _card(request, pk, done=done)
    page = MeetingPage(request, meeting_or_404(pk), _item_shown(request))
    return page.show(roll=RollCard(page.meeting, page.sight.items, request.user, done=done))


def _item_shown(request: SignedInRequest) -> int | None:
    """Return the item that the page showed, by its address as the browser says it."""
    try:
        query = parse_qs(urlsplit(request.htmx.current_url or "").query)
    except ValueError:  # not an address at all
        return None
    return whole_number(query.get("item", [""])[0])


def _person(form: MarkForm) -> User | None:
    key = form.cleaned_data.get("person")
    if key is None:
        return None
    try:
        return User.objects.get(pk=key)
    except User.DoesNotExist:
        raise Http404 from None


def _key(meeting: Meeting, form: MarkForm, user: User | None) -> str:
    """Return the row that the form was about, as the page names it."""
    if user is not None:
        return f"roll-{user.pk}"
    known = meeting.roster.guests.get(" ".join(form.data.get("guest", "").split()).lower())
    given = form.cleaned_data.get("seen")
    return f"roll-guest-{known.marks[0].pk}" if known and given else NEW_GUEST


def _not_done(
    request: SignedInRequest,
    meeting: Meeting,
    form: MarkForm,
    user: User | None,
    words: str,
    status: HTTPStatus,
) -> HttpResponse:
    """Say why, with what was typed: beside it or, without scripts, on a page with the way back."""
    guest = form.data.get("guest", "") if user is None else ""
    if not getattr(request, "htmx", False):
        typed = [(form.fields["guest"].label, guest)] if guest else []
        here = meeting.get_absolute_url()
        return errors.page(request, status, words, current_url=here, typed=typed)
    sent = Sent(_key(meeting, form, user), words, form.data.get("at", ""), guest)
    return _card(request, meeting.pk, HTTPStatus.UNPROCESSABLE_ENTITY, sent=sent)


def _card(
    request: SignedInRequest, pk: int, status: HTTPStatus = HTTPStatus.OK, **about: Any
) -> HttpResponse:
    """Answer with the card alone, as it is now; the stream brings what else has changed."""
    fresh = meeting_or_404(pk)
    sight = Sight(request.user, read(fresh), None)
    roll = RollCard(fresh, sight.items, request.user, **about)
    if roll.unplaced:
        messages.error(request, roll.unplaced)
    frame = sight.frame() | {"roll": roll}
    answer = render(request, "crb/partials/attendance_answer.html", frame, status=status)
    return in_place_of(answer, "#attendance")
