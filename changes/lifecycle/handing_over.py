"""One change at a time from somebody who leaves to a successor: what a run of many does."""

from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import StepIllegal

from ..models import Change
from .core import read_locked
from .intake import assign
from .requesters import replace_requester


def pass_ownership_on(change: Change, *, actor: User, former: User, owner: User) -> Change:
    """Name another owner, if the change still is the former one's.

    Raises StepIllegal where a colleague took it over meanwhile, and what ``assign`` raises.
    Effects: those of ``assign``.
    """
    with acting():
        fresh = read_locked(change.pk)
        if fresh.owner_id != former.pk:
            raise StepIllegal(_("It has another owner than %s by now.") % former)
        return assign(fresh, actor=actor, owner=owner)


def pass_request_on(
    change: Change, *, actor: User, former: User, successor: User, reason: str
) -> Change:
    """Name another requester, if the request still is the former one's.

    Raises StepIllegal where it has another requester by now, and what ``replace_requester``
    raises. Effects: those of ``replace_requester``.
    """
    with acting():
        fresh = read_locked(change.pk)
        if fresh.requester_id != former.pk:
            raise StepIllegal(_("It has another requester than %s by now.") % former)
        return replace_requester(fresh, actor=actor, successor=successor, reason=reason)
