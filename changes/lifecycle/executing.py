"""Executing at once what is planned: the start and the outcome as one act."""

from accounts.models import User
from expansive_cm.workflow.acts import acting

from .. import gates
from ..models import Change, Execution
from .configuration import record_execution, start_execution
from .core import lock


def execute(change: Change, *, actor: User, notes: str, seen: int | None = None) -> Change:
    """Record that a change was carried out: start its execution, unless it runs, and end it.

    Both steps or none. Raises and does what ``start_execution`` and ``record_execution`` do;
    without a reason for a time before or after its window, which only the single step asks for.
    """
    with acting():
        fresh = lock(change)
        if gates.execution_not_running(fresh):
            start_execution(fresh, actor=actor, seen=seen)
            seen = None
        outcome = Execution.Outcome.SUCCEEDED
        return record_execution(change, actor=actor, outcome=outcome, notes=notes, seen=seen)
