"""The page behind the link that the requester gets by mail; no account is needed.

Mail systems open links, and some run what is on the page: opening shows, and only a form sent
with an explicit choice decides. After the answer the same page takes what follows it: the
request for something further, and a rating.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import cached_property

from accounts.middleware import zone_of
from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.ui import markdown
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete

from .. import access_links, lifecycle, permissions, plain
from ..forms.base import StepForm
from ..forms.confirmation import (
    AnswerConfirmationForm,
    FollowUpForm,
    RateForm,
    RequestSuccessorForm,
)
from ..models import Change, ChangeLink, Confirmation, ConfirmationLink
from .further import SENT, TOO_MUCH, further, may_send_one
from .once import taken_once
from .secret_link import behind_a_link, contact_of, not_valid


@behind_a_link(access_links.find_confirmation)
def confirmation(request: HttpRequest, link: ConfirmationLink, token: str) -> HttpResponseBase:
    """Show what was requested and done, and take the requester's answer and what follows it.

    Whoever is signed in, the answer is the requester's: the link went to their address.
    """
    page = ConfirmationPage(request, link, token)
    with timezone.override(zone_of(page.reader)):
        if request.method != "POST":
            return page.show()
        act = ACTS.get(request.POST.get("act", "answer"))
        if act is None:
            raise BadRequest("act")
        return act(page)


@dataclass
class ConfirmationPage:
    """The page of one question, for the person whom the link was mailed to."""

    request: HttpRequest
    link: ConfirmationLink
    token: str

    @property
    def confirmation(self) -> Confirmation:
        return self.link.confirmation

    @cached_property
    def change(self) -> Change:
        return self.confirmation.change

    @property
    def reader(self) -> User:
        """Whom the link was mailed to."""
        return sure(self.change.requester)

    @property
    def is_about_the_latest(self) -> bool:
        """Whether the requester has not been asked again since, after rework."""
        latest = self.change.confirmation
        return latest is not None and latest.pk == self.confirmation.pk

    def status(self) -> plain.Status:
        """Where the change is, which not every page says."""
        return plain.status_of(self.change, self.reader)

    def form(self, form_class: type[StepForm], data: Any = None) -> StepForm:
        return form_class(data, change=self.change, user=self.reader)

    def take(self, form: StepForm, act: Callable[..., Change]) -> HttpResponse:
        """Do what the form asks for and show the page anew; keep what was typed if it cannot be."""
        if not form.is_valid():
            return self.show(HTTPStatus.BAD_REQUEST, form)
        try:
            act(self.change, actor=self.reader, link=self.link, **form.arguments())
        except StepIncomplete as error:
            form.take_error(error)
            return self.show(HTTPStatus.BAD_REQUEST, form)
        except (ChangeStale, StepIllegal, StepForbidden) as error:
            is_answer = isinstance(form, AnswerConfirmationForm)
            return self.too_late(form, "" if is_answer else str(error))
        return redirect("changes:confirmation", token=self.token)

    def too_late(self, form: StepForm, sentence: str = "") -> HttpResponse:
        """Tell a person who was not the first what happened, and give their words back.

        Without a sentence the page says it of an answer.
        """
        link = access_links.find_confirmation(self.token)
        if link is None or link.confirmation.is_open:
            return not_valid(self.request)
        now = ConfirmationPage(self.request, link, self.token)
        return now.show(HTTPStatus.CONFLICT, sentence=sentence, typed=form.typed())

    def show(
        self, status: HTTPStatus = HTTPStatus.OK, form: StepForm | None = None, **context: Any
    ) -> HttpResponse:
        """Draw the question, or what was answered and what can follow it."""
        if self.confirmation.is_open:
            template = "changes/confirmation.html"
            context["form"] = form or self.form(AnswerConfirmationForm)
        else:
            template = "changes/confirmation_over.html"
            context |= self._what_follows(form)
        context |= {
            "confirmation": self.confirmation,
            "change": self.change,
            "requested": markdown.render(self.change.description),
            "status": self.status,
            "contact": contact_of(sure(self.change.organisation).success_team.email),
            "too_late": status == HTTPStatus.CONFLICT,
        }
        return render(self.request, template, context, status=status)

    def _what_follows(self, form: StepForm | None) -> dict[str, Any]:
        """Return the form that this answer leads to, if any, and the successor that was sent."""
        person, change = self.reader, self.change
        found: dict[str, Any] = {"successor": self._successor()}
        sent = form if isinstance(form, FollowUpForm) else None
        found |= further(person, change, sent)
        if not self.is_about_the_latest:
            return found
        if permissions.can_request_successor(person, change):
            found["successor_form"] = form or self.form(RequestSuccessorForm)
        elif permissions.can_rate(person, change):
            found["rate_form"] = self.form(RateForm) if sent or form is None else form
        return found

    def _successor(self) -> Change | None:
        if self.confirmation.answer != Confirmation.Answer.NOT_AS_EXPECTED:
            return None
        kind = ChangeLink.Kind.SUCCESSOR_OF
        link = self.change.links_in.filter(kind=kind).select_related("source").first()
        return link.source if link else None


def _answer(page: ConfirmationPage) -> HttpResponse:
    form = page.form(AnswerConfirmationForm, page.request.POST)
    if not page.confirmation.is_open:
        return page.too_late(form)
    return page.take(form, lifecycle.answer_confirmation)


def _then(verb: str, form_class: type[StepForm], act: Callable[..., Change]) -> "Act":
    """What can be sent after the answer; a form that nothing waits for any more is given back."""

    def taken(page: ConfirmationPage) -> HttpResponse:
        if page.confirmation.is_open:
            raise BadRequest("act")
        form = page.form(form_class, page.request.POST)
        decision = permissions.check(verb, page.reader, page.change)
        if decision and page.is_about_the_latest:
            return page.take(form, act)
        return page.too_late(form, decision.reason)

    return taken


def _follow_up(page: ConfirmationPage) -> HttpResponseBase:
    """Send a request that goes on from the change, once it has ended; twice sent, it is one."""
    form = page.form(FollowUpForm, page.request.POST)
    if page.confirmation.is_open:
        raise BadRequest("act")
    decision = permissions.can_follow_up(page.reader, page.change)
    if not decision:
        return page.too_late(form, decision.reason)

    def send(change: Change, **more: Any) -> Change:
        made = lifecycle.send_follow_up(change, **more)
        messages.success(page.request, SENT % made.reference)
        return made

    def take() -> HttpResponse:
        if form.is_valid() and not may_send_one(page.reader):
            return page.too_late(form, str(TOO_MUCH))
        return page.take(form, send)

    return taken_once(page.request, page.reader, take, lambda: page.request.path)


Act = Callable[[ConfirmationPage], HttpResponseBase]
ACTS: dict[str, Act] = {
    "answer": _answer,
    "successor": _then("request_successor", RequestSuccessorForm, lifecycle.request_successor),
    "follow_up": _follow_up,
    "rate": _then("rate", RateForm, lifecycle.rate),
}
"""What can be done on the page, by the name that its form sends."""
