"""Who plans releases, and who reads of them."""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from expansive_cm.workflow.decisions import Check, Decision, Refusal, decide, refuse

from ..models import Release
from ..turns.group import holds_role
from .rules import internal

BY = (Role.RELEASE_MANAGER, Role.ADMINISTRATOR)


def can_read_releases(user: User) -> Decision:
    """Expansive's own people; customers read of theirs on the page of their change."""
    return decide(internal(user))


def can_read_promises(user: User) -> Decision:
    """The same people: what was promised stands on every change that they read."""
    return decide(internal(user))


def can_read_figures(user: User) -> Decision:
    """The same people: each figure is counted from changes that they read."""
    return decide(internal(user))


def can_read_own_promises(user: User) -> Decision:
    """People of a customer: what was promised on the changes that they read."""
    theirs = None
    if not user.customer_ids:
        theirs = refuse(Refusal.PERSON, _("This is for the people of a customer."))
    return decide(theirs)


def can_plan_releases(user: User) -> Decision:
    """Release managers and administrators."""
    return decide(internal(user), holds_role(user, *BY))


def can_change_release(user: User, release: Release) -> Decision:
    """The same, until it is out or cancelled."""
    return decide(internal(user), holds_role(user, *BY), _still_to_come(release))


def can_freeze_release(user: User, release: Release) -> Decision:
    """The same, once."""
    frozen = None
    if release.frozen_at is not None:
        frozen = refuse(Refusal.STATE, _("Release %s is frozen already.") % release)
    return decide(internal(user), holds_role(user, *BY), _still_to_come(release), frozen)


def can_finish_release(user: User, release: Release) -> Decision:
    """The same, until it is out or cancelled."""
    return can_change_release(user, release)


def can_cancel_release(user: User, release: Release) -> Decision:
    """The same; what has begun to go out with it is not undone by cancelling."""
    allowed = can_change_release(user, release)
    if not allowed:
        return allowed
    begun = release.deployments.filter(started_at__isnull=False).exclude(outcome="rolled_back")
    first = begun.select_related("change").order_by("pk").first()
    if first is None:
        return allowed
    words = _("%s went out with this release, or is going out: it can no longer be cancelled.")
    return refuse(Refusal.GATE, words % first.change.reference)


def _still_to_come(release: Release) -> Check:
    if release.released_at is not None:
        return refuse(Refusal.STATE, _("Release %s is out already.") % release)
    if release.cancelled_at is not None:
        return refuse(Refusal.STATE, _("Release %s was cancelled.") % release)
    return None
