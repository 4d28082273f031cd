"""The steps of the configuration path."""

from django.http import HttpResponse
from django.utils.translation import gettext as _

from .. import approving, gates, lifecycle, planning, standard
from ..forms.configuration import (
    AskAuthorisationForm,
    AuthoriseForm,
    CloseRolledBackForm,
    DocumentForm,
    PlanExecutionForm,
    RecordExecutionForm,
    ReviewForm,
    StartExecutionForm,
)
from .plan_steps import steps_context
from .steps import StepPage, step


@step
def review(page: StepPage) -> HttpResponse:
    """Endorse the request for authorisation, or refuse it."""
    return page.respond(
        ReviewForm,
        lifecycle.review,
        done=_("You reviewed %(reference)s."),
        beside=("assessment",),
        standing=standard.standing_of(
            page.change, standard.latest_approval(page.change), page.user.pk
        ),
    )


@step
def authorise(page: StepPage) -> HttpResponse:
    """Authorise the change for this customer, or refuse it."""
    return page.respond(
        AuthoriseForm,
        lifecycle.authorise,
        done=_("Your decision on %(reference)s is recorded."),
        beside=("review", "assessment"),
        freezes=planning.freezes_ahead(page.user, page.change),
        planned_ahead=planning.plans_ahead(page.user, page.change),
        approvals=approving.approvals_of(page.user, page.change),
    )


@step
def plan_execution(page: StepPage) -> HttpResponse:
    """Plan who does what, when, and how it is undone."""
    return page.respond(
        PlanExecutionForm,
        lifecycle.plan_execution,
        done=_("The execution of %(reference)s is planned."),
        onward=page.leads_to("start_execution") if page.goes_further else None,
        beside=("execution", "authorisation", "review"),
    )


@step
def start_execution(page: StepPage) -> HttpResponse:
    """Show the plan once more, then begin."""
    return page.respond(
        StartExecutionForm,
        lifecycle.start_execution,
        done=_("You started the execution of %(reference)s."),
        further=(lifecycle.execute, _("%(reference)s is recorded as carried out.")),
        onward=page.leads_to("document"),
        beside=("authorisation",),
        outside_window=gates.outside_window(page.change),
        conflicts=planning.shown_to(page.user, page.change, begins=True),
    )


@step
def record_execution(page: StepPage) -> HttpResponse:
    """Say how the execution went."""
    return page.respond(
        RecordExecutionForm,
        lifecycle.record_execution,
        done=_("The outcome of the execution of %(reference)s is recorded."),
        onward=page.leads_to("document"),
        beside=("execution",),
        is_late=gates.outside_window(page.change) == "late",
        **steps_context(page.change.execution),
    )


@step
def ask_authorisation(page: StepPage) -> HttpResponse:
    """Give a standard change back, to be authorised by itself."""
    return page.respond(
        AskAuthorisationForm,
        lifecycle.ask_authorisation,
        done=_("%(reference)s waits for an authorisation of its own."),
        beside=("execution", "authorisation"),
    )


@step
def close_rolled_back(page: StepPage) -> HttpResponse:
    """Give the change up after it was rolled back."""
    return page.respond(
        CloseRolledBackForm,
        lifecycle.close_rolled_back,
        done=_("You closed %(reference)s without the change."),
        beside=("execution",),
    )


@step
def document(page: StepPage) -> HttpResponse:
    """Log the change in the customer success tool, and ask the requester."""
    return page.respond(
        DocumentForm,
        lifecycle.document,
        done=_("%(reference)s is documented, and the requester has been asked by e-mail."),
        beside=("execution",),
    )
