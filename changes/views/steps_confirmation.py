"""The steps from the question to the requester to the close."""

from django.http import HttpResponse
from django.utils.translation import gettext as _

from .. import lifecycle
from ..forms.base import ConfirmForm
from ..forms.confirmation import (
    AnswerConfirmationForm,
    CloseUnansweredForm,
    CloseWithSuccessorForm,
    ReworkForm,
)
from .steps import StepPage, step


@step
def answer_confirmation(page: StepPage) -> HttpResponse:
    """The requester, signed in, says whether the change meets the need."""
    return page.respond(
        AnswerConfirmationForm,
        lifecycle.answer_confirmation,
        done=_("Thank you: your answer on %(reference)s is recorded."),
    )


@step
def resend_confirmation(page: StepPage) -> HttpResponse:
    """Send a new link to the recorded address; earlier ones stop working."""
    return page.respond(
        ConfirmForm,
        lifecycle.resend_confirmation,
        done=_("A new link is on its way to the requester of %(reference)s."),
        beside=("confirmation",),
    )


@step
def close_unanswered(page: StepPage) -> HttpResponse:
    """Close a change whose requester did not answer."""
    return page.respond(
        CloseUnansweredForm,
        lifecycle.close_unanswered,
        done=_("You closed %(reference)s without an answer."),
        beside=("confirmation",),
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
