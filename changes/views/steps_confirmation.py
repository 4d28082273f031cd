"""The steps from the question to the requester to the close."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from .. import lifecycle
from ..forms.base import ConfirmForm
from ..forms.confirmation import (
    AnswerConfirmationForm,
    CloseUnansweredForm,
    CloseWithSuccessorForm,
    RateForm,
    RecordContactForm,
    RequestSuccessorForm,
    ReworkForm,
)
from ..models import Change, Confirmation
from .steps import StepPage, step


@step
def answer_confirmation(page: StepPage) -> HttpResponse:
    """The requester, signed in, says whether the change meets the need."""
    return page.respond(
        AnswerConfirmationForm,
        lifecycle.answer_confirmation,
        done=_("Thank you: your answer on %(reference)s is recorded."),
        onward=_after_the_answer,
    )


def _after_the_answer(change: Change) -> str:
    """Lead who would like something further to the request for it."""
    if change.confirmation.wish == Confirmation.Wish.SOMETHING_FURTHER:
        return reverse("changes:request_successor", args=[change.pk])
    return ""


@step
def request_successor(page: StepPage) -> HttpResponse:
    """The requester, signed in, sends what goes beyond the change as a new request."""
    return page.respond(
        RequestSuccessorForm,
        lifecycle.request_successor,
        done=_("Your new request %(reference)s is sent, and this change is closed."),
        beside=("confirmation",),
    )


@step
def rate(page: StepPage) -> HttpResponse:
    """The requester, signed in, rates a change that they have answered for."""
    return page.respond(
        RateForm, lifecycle.rate, done=_("Thank you: your rating of %(reference)s is recorded.")
    )


def _back_to_waiting(page: StepPage) -> dict[str, Any]:
    """Who came from the page of those who have not answered goes back to it."""
    if page.request.GET.get("from") != "waiting":
        return {}
    return {"onward": lambda change: reverse("changes:waiting_answers")}


@step
def resend_confirmation(page: StepPage) -> HttpResponse:
    """Send a new link to the recorded address; earlier ones stop working."""
    return page.respond(
        ConfirmForm,
        lifecycle.resend_confirmation,
        done=_("A new link is on its way to the requester of %(reference)s."),
        beside=("confirmation",),
        **_back_to_waiting(page),
    )


@step
def record_contact(page: StepPage) -> HttpResponse:
    """Write down how one tried to reach a requester who does not answer."""
    return page.respond(
        RecordContactForm,
        lifecycle.record_contact,
        done=_("Your note on %(reference)s is kept."),
        beside=("confirmation",),
        **_back_to_waiting(page),
    )


@step
def close_unanswered(page: StepPage) -> HttpResponse:
    """Close a change whose requester did not answer."""
    return page.respond(
        CloseUnansweredForm,
        lifecycle.close_unanswered,
        done=_("You closed %(reference)s without an answer."),
        beside=("confirmation",),
        **_back_to_waiting(page),
    )


@step
def rework(page: StepPage) -> HttpResponse:
    """Take the change back because what was agreed is not what was delivered."""
    return page.respond(
        ReworkForm,
        lifecycle.rework,
        done=_("You took %(reference)s back to rework it."),
        beside=("confirmation",),
    )


@step
def close_with_successor(page: StepPage) -> HttpResponse:
    """Close, and raise what goes beyond the agreed change as a new request."""
    return page.respond(
        CloseWithSuccessorForm,
        lifecycle.close_with_successor,
        done=_("The successor %(reference)s is raised, and this change is closed."),
        beside=("confirmation",),
    )
