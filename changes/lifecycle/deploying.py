"""Deploying at once what is ready: the start and the outcome as one act."""

from accounts.models import User
from expansive_cm.workflow.acts import acting

from .. import gates
from ..models import Change, Deployment
from .code import record_deployment, start_deployment
from .core import lock


def deploy(change: Change, *, actor: User, notes: str, seen: int | None = None) -> Change:
    """Record that a change was put in place: start its deployment, unless it runs, and end it.

    Both steps or none. Raises and does what ``start_deployment`` and ``record_deployment`` do;
    without a reason for a release that is out already, which only the single step asks for.
    """
    with acting():
        fresh = lock(change)
        if gates.deployment_not_running(fresh):
            start_deployment(fresh, actor=actor, seen=seen)
            seen = None
        outcome = Deployment.Outcome.SUCCEEDED
        return record_deployment(change, actor=actor, outcome=outcome, notes=notes, seen=seen)
