"""The initial assessment, and what may happen to a change on its way."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from expansive_cm.sure import sure

from .. import lifecycle, mail_log
from ..forms.assessment import (
    AssessForm,
    AssignForm,
    ReclassifyForm,
    ReplaceRequesterForm,
    WithdrawForm,
    other_type,
)
from ..forms.base import ConfirmForm
from ..forms.correction import CorrectCustomerForm
from ..forms.post_review import DeclareEmergencyForm, WithdrawEmergencyForm
from ..models import Change
from .steps import StepPage, step


@step
def assess(page: StepPage) -> HttpResponse:
    """Decide the type and judge need, risk, impact and urgency."""
    return page.respond(
        AssessForm,
        lifecycle.assess,
        done=_("You assessed %(reference)s."),
        further=(lifecycle.assess_and_endorse, _("You assessed and endorsed %(reference)s.")),
        onward=page.leads_to("plan_execution"),
    )


@step
def assign(page: StepPage) -> HttpResponse:
    """Name the person who sees the change through."""
    return page.respond(
        AssignForm, lifecycle.assign, done=_("%(reference)s has the owner that you chose.")
    )


@step
def replace_requester(page: StepPage) -> HttpResponse:
    """Name another person of the same customer as the requester."""
    return page.respond(
        ReplaceRequesterForm,
        _replace_requester,
        done=_("%(reference)s has another requester. They have been told."),
    )


def _replace_requester(
    change: Change,
    *,
    actor: User,
    successor: User | None,
    new_name: str,
    new_email: str,
    **more: Any,
) -> Change:
    """Take the step, with somebody new added first if nobody of the list was chosen."""
    if successor is None:
        successor = lifecycle.find_or_create_requester(
            new_email, new_name, sure(change.organisation), actor=actor
        )
    return lifecycle.replace_requester(change, actor=actor, successor=successor, **more)


@step
def correct_customer(page: StepPage) -> HttpResponse:
    """Put right for whom a request was raised."""
    return page.respond(
        CorrectCustomerForm,
        _correct_customer,
        done=_("%(reference)s is for the customer and requester that you chose."),
        arrived=mail_log.arrived(page.change, sure(page.change.requester)),
    )


def _correct_customer(
    change: Change,
    *,
    actor: User,
    organisation: Organisation,
    new_name: str,
    email: str,
    **more: Any,
) -> Change:
    """Take the step, with a requester whom nobody knows yet added first."""
    requester = lifecycle.find_or_create_requester(email, new_name, organisation, actor=actor)
    return lifecycle.correct_customer(
        change, actor=actor, organisation=organisation, requester=requester, **more
    )


@step
def reclassify(page: StepPage) -> HttpResponse:
    """Turn a configuration change into a code change or back."""
    return page.respond(
        ReclassifyForm,
        lifecycle.reclassify,
        done=_("You reclassified %(reference)s; it begins its new path."),
        beside=("assessment",),
        new_type=other_type(page.change),
    )


@step
def declare_emergency(page: StepPage) -> HttpResponse:
    """Say that a change cannot wait, and why."""
    return page.respond(
        DeclareEmergencyForm,
        lifecycle.declare_emergency,
        done=_("%(reference)s is an emergency change."),
        beside=("assessment",),
    )


@step
def withdraw_emergency(page: StepPage) -> HttpResponse:
    """Say that a change is no emergency change after all."""
    return page.respond(
        WithdrawEmergencyForm,
        lifecycle.withdraw_emergency,
        done=_("%(reference)s is no emergency change any more."),
        beside=("assessment",),
    )


@step
def throw_away(page: StepPage) -> HttpResponse:
    """Give a draft up; on the way home nothing asks for it any more."""
    return page.respond(
        ConfirmForm,
        lifecycle.throw_away,
        done=_("You threw %(reference)s away."),
        onward=lambda change: reverse("changes:home"),
    )


@step
def withdraw(page: StepPage) -> HttpResponse:
    """Take the request back."""
    return page.respond(WithdrawForm, lifecycle.withdraw, done=_("You withdrew %(reference)s."))
