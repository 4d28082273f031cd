"""A request that goes on from a change that has ended."""

from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.decisions import Refusal
from expansive_cm.workflow.errors import StepForbidden, StepIllegal

from .. import permissions
from ..models import Change, ChangeLink, Channel
from .core import Step, lock
from .intake import save_draft
from .successor import record_link


def follow_up(change: Change, *, actor: User, key: str = "") -> Change:
    """Begin a request that goes on from a change that has ended: a draft, filled in and linked.

    It asks for the same until its writer says what is different. A customer's person asks in their
    own name; colleagues for the same requester, who is left open if they have gone. The ended
    change stays as it is, and nobody sees the link before the draft is sent. ``key`` is that of
    the button's form: raises SentBefore where it was pressed already. Raises StepForbidden or
    StepIllegal with the reason. Effects: the draft, its event, the link.
    """
    with acting():
        old = lock(change)
        decision = permissions.can_follow_up(actor.read_afresh(), old)
        if not decision:
            refused = StepIllegal if decision.kind == Refusal.STATE else StepForbidden
            raise refused(decision.reason)
        draft = save_draft(
            None,
            actor=actor,
            services=old.services.filter(is_active=True),
            key=key,
            title=old.title,
            description=_follows(old),
            organisation=old.organisation,
            requester=_requester(old, actor),
            channel=Channel.PHONE if actor.is_internal else Channel.PORTAL,
        )
        step = Step(draft, "save_draft", actor)
        step.reason = _("Follow-up of %s") % old.reference
        record_link(step, draft, old, ChangeLink.Kind.SUCCESSOR_OF)
    return draft


def _requester(old: Change, actor: User) -> User | None:
    if not actor.is_internal:
        return actor
    asked = old.requester
    if asked is None or not asked.is_active or asked.organisation_id != old.organisation_id:
        return None
    return asked


def _follows(old: Change) -> str:
    """Return what was asked for, below the number of what it follows, as far as there is room."""
    longest = Change._meta.get_field("description").max_length
    text = "\n\n".join((_("This follows %s.") % old.reference, old.description))
    return text[:longest]
