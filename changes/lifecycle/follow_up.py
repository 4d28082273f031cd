"""A request that goes on from a change that has ended, or that is like another one."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.texts import quoted
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.steps import require

from .. import permissions, proposing
from ..asked import SHOWN, unanswered
from ..models import Change, ChangeLink, Channel
from .core import Step, lock
from .intake import save_draft
from .links import record_link


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
        require(permissions.can_follow_up(actor.read_afresh(), old))
        return _begun(old, actor, key, ChangeLink.Kind.SUCCESSOR_OF, description=_follows(old))


def copy_as_new(change: Change, *, actor: User, key: str = "") -> Change:
    """Begin a request like another one, in whatever state that is: a draft, filled in and linked.

    It takes what was asked for: text, services in use, customer, requester and template; no
    notes, files, answers or dates. Whose it is, ``key``, and what is raised are as in
    ``follow_up``. Effects: the draft, its event, the link.
    """
    with acting():
        old = lock(change)
        require(permissions.can_copy_as_new(actor.read_afresh(), old))
        usable = proposing.usable_by(actor).filter(pk=old.template_id or 0).first()
        template = usable if proposing.fits(usable, old.organisation_id) else None
        kind = ChangeLink.Kind.COPY_OF
        return _begun(old, actor, key, kind, description=old.description, template=template)


def _begun(old: Change, actor: User, key: str, kind: ChangeLink.Kind, **fields: Any) -> Change:
    draft = save_draft(
        None,
        actor=actor,
        services=old.services.filter(is_active=True),
        key=key,
        title=old.title,
        organisation=old.organisation,
        requester=_requester(old, actor),
        channel=Channel.PHONE if actor.is_internal else Channel.PORTAL,
        **fields,
    )
    step = Step(draft, "save_draft", actor)
    is_copy = kind == ChangeLink.Kind.COPY_OF
    words = _("Copy of %s") if is_copy else _("Follow-up of %s")
    step.reason = words % old.reference
    record_link(step, draft, old, kind)
    return draft


def _requester(old: Change, actor: User) -> User | None:
    if not actor.is_internal:
        return actor
    asked = old.requester
    if asked is None or not asked.is_active or asked.organisation_id != old.organisation_id:
        return None
    return asked


def _follows(old: Change) -> str:
    """Return what was asked for, below the number of what it follows, as far as there is room.

    Between them what its customer asked and nobody answered before it ended.
    """
    longest = Change._meta.get_field("description").max_length
    parts = [_("This follows %s.") % old.reference]
    if old.left_unanswered:
        parts.append(_("Asked there, and not answered when it ended:"))
        parts += [quoted(one.body) for one in unanswered(old)[-SHOWN:]]
    return "\n\n".join([*parts, old.description])[:longest]
