"""Who may take the steps of a configuration change."""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role

from .. import gates
from ..models import Change
from ..presence import executor_is_there
from .rules import (
    Check,
    Decision,
    Refusal,
    approver,
    decide,
    gate,
    in_state,
    not_alone,
    not_asker,
    not_done,
    not_executor,
    owner_or_success_team,
    refuse,
    sees,
    success_team,
)


def can_review(user: User, change: Change) -> Decision:
    """The relevant customer success team reviews."""
    return decide(sees(user, change), success_team(user, change), in_state(change, "review"))


def can_authorise(user: User, change: Change) -> Decision:
    """An authorised approver of that customer who neither asked for nor executes the change."""
    return decide(
        sees(user, change),
        approver(user, change),
        in_state(change, "authorise"),
        not_asker(user, change, _("the approver must not have asked for the change.")),
        not_executor(user, change),
        not_alone(user, change),
    )


def can_plan_execution(user: User, change: Change) -> Decision:
    """The customer success team plans, as long as nothing is running."""
    return decide(
        sees(user, change),
        success_team(user, change),
        in_state(change, "plan_execution"),
        gate(gates.execution_running(change)),
    )


def may_execute(user: User, change: Change) -> Decision:
    """Who can be named as executor: customer success or support, but not the approver."""
    person = None if user.has_role(Role.SUPPORT) else success_team(user, change)
    rule = _("the executor must not have authorised the change.")
    return decide(person, not_done(user, change, rule, "authorise"))


def named_executor(user: User, change: Change) -> Check:
    """The executor; where they left in the middle of it, whoever could have been named."""
    execution = change.execution
    own = execution is None or execution.executor_id == user.pk
    if not (own or (execution.started_at and not executor_is_there(change, execution))):
        return refuse(Refusal.PERSON, _("This is for the executor, %s.") % execution.executor)
    decision = may_execute(user, change)
    return None if decision else decision


def can_start_execution(user: User, change: Change) -> Decision:
    """The named executor starts a planned execution."""
    return decide(
        sees(user, change),
        named_executor(user, change),
        in_state(change, "start_execution"),
        gate(gates.execution_not_ready(change)),
    )


def can_record_execution(user: User, change: Change) -> Decision:
    """The named executor, or who takes their place, says how the running execution went."""
    return decide(
        sees(user, change),
        named_executor(user, change),
        in_state(change, "record_execution"),
        gate(gates.execution_not_running(change)),
    )


def can_close_rolled_back(user: User, change: Change) -> Decision:
    """Owner or customer success team."""
    return decide(
        sees(user, change),
        owner_or_success_team(user, change),
        in_state(change, "close_rolled_back"),
    )


def can_document(user: User, change: Change) -> Decision:
    """The customer success team logs the change in its tool."""
    return decide(sees(user, change), success_team(user, change), in_state(change, "document"))
