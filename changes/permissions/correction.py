"""Who may put right what is on record of an execution or a deployment."""

from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.decisions import Check, Decision, Refusal, decide, refuse

from .. import gates, taking_back
from ..corrections import Carried, finished
from ..models import Change, Execution
from ..turns import groups, past
from .rules import gate, not_only_auditor, sees


def can_correct_execution(user: User, change: Change) -> Decision:
    """Whoever may correct one of its executions; see ``may_correct_record``."""
    return _one_of(user, change, "execution")


def can_correct_deployment(user: User, change: Change) -> Decision:
    """Whoever may correct one of its deployments; see ``may_correct_record``."""
    return _one_of(user, change, "deployment")


def _one_of(user: User, change: Change, kind: str) -> Decision:
    records = finished(change, kind)
    asked = [may_correct_record(user, change, one) for one in records]
    nothing = _("Nothing of this kind is finished.")
    if not asked:
        return decide(sees(user, change), gate(nothing))
    return next((one for one in asked if one), asked[-1])


def can_take_back_execution(user: User, change: Change) -> Decision:
    """Whoever recorded the outcome, while they could still record one; see ``gates``."""
    return _takes_back(user, change, "execution", groups.may_execute(user, change))


def can_take_back_deployment(user: User, change: Change) -> Decision:
    """Whoever recorded the outcome, while they could still record one; see ``gates``."""
    return _takes_back(user, change, "deployment", groups.RELEASE_MANAGERS.objects(user, change))


def _takes_back(user: User, change: Change, kind: str, role: Check) -> Decision:
    event = taking_back.recorded(change, f"record_{kind}")
    own = None
    if event is not None and event.actor_id != user.pk:
        own = refuse(Refusal.PERSON, _("This is for %s, who recorded it.") % event.actor_name)
    stays = "" if own or role else gates.carried_out_stays(change, kind)
    return decide(sees(user, change), role, own, gate(stays))


def may_correct_record(user: User, change: Change, record: Carried) -> Decision:
    """Those who record such an outcome, of an execution also owner and success team; at any time.

    It is evidence, which must be true after the change has closed as well. The executor, and
    who recorded it in their place, are asked as they are when they record: a lost role ends it.
    The team documents what the executor says, and stands in for one who has left.
    """
    person = _their_kind(user, change, record)
    running = "" if record.finished_at else _("It is not finished: nothing is recorded yet.")
    return decide(sees(user, change), not_only_auditor(user, change), person, gate(running))


def _their_kind(user: User, change: Change, record: Carried) -> Check:
    if not isinstance(record, Execution):
        return groups.RELEASE_MANAGERS.objects(user, change)
    if groups.owner_or_team(user, change) is None:
        return None
    own = user.pk == record.executor_id or past.acts_of(user, change, ["record_execution"])
    if own:
        return groups.may_execute(user, change)
    return refuse(
        Refusal.PERSON,
        _("This is for who executed it, the change's owner or its customer success team."),
    )
