"""Who may take the steps of a configuration change."""

from accounts.models import User
from expansive_cm.workflow.decisions import Check, Decision, decide

from .. import gates
from ..models import Change
from ..turns import groups
from ..turns.presence import executor_is_there
from .rules import gate, in_state, sees


def can_review(user: User, change: Change) -> Decision:
    """The relevant customer success team reviews."""
    return decide(sees(user, change), groups.TEAM.objects(user, change), in_state(change, "review"))


def can_authorise(user: User, change: Change) -> Decision:
    """An authorised approver of that customer who neither asked for nor executes the change."""
    return decide(
        sees(user, change),
        groups.APPROVERS.belongs(user, change),
        in_state(change, "authorise"),
        groups.APPROVERS.apart(user, change),
    )


def can_plan_execution(user: User, change: Change) -> Decision:
    """The customer success team plans, as long as nothing is running."""
    return decide(
        sees(user, change),
        groups.TEAM.objects(user, change),
        in_state(change, "plan_execution"),
        gate(gates.execution_running(change)),
        gate(gates.standard_was_rolled_back(change)),
    )


def may_execute(user: User, change: Change) -> Decision:
    """Who can be named as executor: customer success or support, but not the approver."""
    return decide(groups.may_execute(user, change))


def named_executor(user: User, change: Change) -> Check:
    """The executor; where they left in the middle of it, whoever could have been named."""
    execution = change.execution
    if execution and execution.started_at and not executor_is_there(change, execution):
        return groups.may_execute(user, change)
    return groups.EXECUTOR.objects(user, change)


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


def can_execute(user: User, change: Change) -> Decision:
    """Whoever may start it now, or, where it runs, say how it went."""
    if gates.execution_not_running(change):
        return can_start_execution(user, change)
    return can_record_execution(user, change)


def can_close_rolled_back(user: User, change: Change) -> Decision:
    """Owner or customer success team."""
    return decide(
        sees(user, change),
        groups.owner_or_team(user, change),
        in_state(change, "close_rolled_back"),
    )


def can_document(user: User, change: Change) -> Decision:
    """The customer success team logs the change in its tool."""
    return decide(
        sees(user, change), groups.TEAM.objects(user, change), in_state(change, "document")
    )
