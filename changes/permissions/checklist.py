"""Who may tick the checklist of a change."""

from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.decisions import Check, Decision, Refusal, decide, refuse

from ..models import Change
from ..states import State
from ..turns import groups
from .configuration import named_executor
from .rules import sees

TICKED_IN = frozenset({State.EXECUTION, State.DOCUMENTATION, State.DEPLOYMENT})
"""From the plan of the execution or deployment until it is documented, or asked about."""


def can_tick_checklist(user: User, change: Change) -> Decision:
    """The customer success team, and who executes or deploys, while there is something to check."""
    return decide(sees(user, change), _works_on_it(user, change), _is_worked_on(change))


def _works_on_it(user: User, change: Change) -> Check:
    objection = groups.TEAM.objects(user, change)
    if objection is None:
        return None
    if change.state == State.DEPLOYMENT:
        return groups.RELEASE_MANAGERS.objects(user, change)
    return objection if change.execution is None else named_executor(user, change)


def _is_worked_on(change: Change) -> Check:
    if change.state in TICKED_IN:
        return None
    words = _("The checklist is ticked while the change is executed, deployed or documented.")
    return refuse(Refusal.STATE, words)
