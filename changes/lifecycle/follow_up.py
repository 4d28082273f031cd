"""A request that goes on from a change that has ended, or that is like another one."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import ChangeStale
from expansive_cm.workflow.steps import require

from .. import access_links, messages, permissions, proposing
from ..models import AccessLink, Change, ChangeLink, Channel, ConfirmationLink, Service
from .core import Step, lock, record_event
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
        return _begun(
            old, actor, key, ChangeLink.Kind.SUCCESSOR_OF, description=proposing.following(old)
        )


def send_follow_up(
    change: Change,
    *,
    actor: User,
    title: str,
    description: str,
    link: AccessLink | ConfirmationLink,
) -> Change:
    """Send a request that goes on from a change that has ended, through a mailed link.

    Who has no account has no drafts, so it is submitted at once, in their own name and with the
    services in use; the ended change stays as it is. Raises ChangeStale for a link that lost its
    meaning in the meantime, StepForbidden or StepIllegal with the reason. Effects: the request in
    ``submitted``, its event, the link between both; the success team is told, and its requester
    gets a receipt, which leads to the new request.
    """
    with acting():
        old = lock(change)
        require(permissions.can_follow_up(actor.read_afresh(), old))
        if not access_links.still_works(link):
            raise ChangeStale(_("This link is no longer valid."))
        reason = _("Follow-up of %s") % old.reference
        services = old.services.filter(is_active=True)
        words = {"title": title, "description": description, "requester": actor}
        birth = submitted_after(old, actor, reason, services, link, channel=Channel.EMAIL, **words)
        record_link(birth, birth.change, old, ChangeLink.Kind.SUCCESSOR_OF)
        birth.event = record_event(birth)
        messages.announce(birth.change, birth.event)
        messages.acknowledge(birth.change, sure(birth.event))
    return birth.change


def submitted_after(
    old: Change,
    actor: User | None,
    reason: str,
    services: Iterable[Service],
    link: AccessLink | ConfirmationLink | None = None,
    **fields: Any,
) -> Step:
    """Store a request of the same customer that follows another one, submitted.

    Its step is returned; its event is still to be recorded, and told.
    """
    new = Change(organisation=old.organisation, raised_by=actor, **fields)
    birth = Step(new, "submit", actor)
    if link is not None:
        birth.came_through(link)
    birth.reason = reason
    birth.save(new)
    new.services.set(services)
    new.submit()
    birth.save(new)
    return birth


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
