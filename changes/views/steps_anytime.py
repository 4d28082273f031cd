"""The initial assessment, and what may happen to a change on its way."""

from django.http import HttpResponse
from django.utils.translation import gettext as _

from .. import lifecycle
from ..forms.assessment import AssessForm, AssignForm, ReclassifyForm, WithdrawForm, other_type
from .steps import StepPage, step


@step
def assess(page: StepPage) -> HttpResponse:
    """Decide the type and judge need, risk, impact and urgency."""
    return page.respond(AssessForm, lifecycle.assess, done=_("You assessed %(reference)s."))


@step
def assign(page: StepPage) -> HttpResponse:
    """Name the person who sees the change through."""
    return page.respond(
        AssignForm, lifecycle.assign, done=_("%(reference)s has the owner that you chose.")
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
def withdraw(page: StepPage) -> HttpResponse:
    """Take the request back."""
    return page.respond(WithdrawForm, lifecycle.withdraw, done=_("You withdrew %(reference)s."))
