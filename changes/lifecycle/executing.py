"""Executing at once what is planned: the start and the outcome as one act."""

from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.acts import acting

from .. import gates
from ..models import Change, Execution
from .configuration import record_execution, start_execution
from .core import lock


def execute(
    change: Change, *, actor: User, notes: str = "", reason: str = "", seen: int | None = None
) -> Change:
    """Record that a change was carried out: start its execution, unless it runs, and end it.

    Both steps or none. Without notes the record says that it was carried out as planned, which
    does where its window has not closed yet. Raises and does what ``start_execution``, of which
    ``reason`` is, and ``record_execution`` do.
    """
    with acting():
        fresh = lock(change)
        if gates.execution_not_running(fresh):
            start_execution(fresh, actor=actor, reason=reason, seen=seen)
            seen = None
        if not notes.strip() and gates.outside_window(fresh) != "late":
            notes = _("Carried out as planned.")
        outcome = Execution.Outcome.SUCCEEDED
        return record_execution(change, actor=actor, outcome=outcome, notes=notes, seen=seen)
