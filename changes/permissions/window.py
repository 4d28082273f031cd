"""Who keeps change freezes and maintenance windows, and who may override one."""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from expansive_cm.workflow.decisions import Check, Decision, Refusal, decide, first, refuse

from ..models import Change, Window
from ..states import State
from ..turns import overriding
from ..turns.group import holds_role
from .rules import internal, sees

BY = (Role.RELEASE_MANAGER, Role.ADMINISTRATOR)
OVERRIDING = tuple(
    role for role in Role if role not in (Role.AUDITOR, Role.APPROVER, Role.ADMINISTRATOR)
)
"""Roles that a window can name: with these colleagues have a part in changes."""
PLANNED_IN = (State.EXECUTION, State.ROLLED_BACK, State.DEPLOYMENT)
"""Where a change is when its execution or deployment is planned or begins."""


def can_read_windows(user: User) -> Decision:
    """Expansive's own people; customers see in the calendar that there is one."""
    return decide(internal(user))


def can_plan_windows(user: User) -> Decision:
    """Release managers and administrators."""
    return decide(internal(user), holds_role(user, *BY))


def can_cancel_window(user: User, window: Window) -> Decision:
    """The same, whoever made it, once; until it is over."""
    return decide(internal(user), holds_role(user, *BY), _in_force(window))


def can_override_window(user: User, change: Change) -> Decision:
    """Colleagues, on a change that is to be put in place; ``may_let_pass`` says of which window."""
    place = None
    if change.state not in PLANNED_IN:
        words = _("%s is not at the point at which it is planned or put in place.")
        place = refuse(Refusal.STATE, words % change.reference)
    return decide(sees(user, change), internal(user), place)


def may_override(user: User, window: Window) -> Decision:
    """Who holds the role that the window names; ``may_let_pass`` says of which change."""
    return decide(_overrides(user, window))


def may_let_pass(user: User, window: Window, change: Change) -> Decision:
    """The same, for a change that the window is for, and in which they have no part.

    Where nobody else holds the role they may all the same: nothing waits for somebody who is not.
    """
    return decide(
        _overrides(user, window),
        _is_for(window, change),
        overriding.objection(user, change, window),
    )


def _overrides(user: User, window: Window) -> Check:
    if window.effect != Window.Effect.OVERRIDE:
        words = _("“%s” cannot be overridden. Release managers and administrators can cancel it.")
        return first(internal(user), refuse(Refusal.GATE, words % window))
    role = Role(window.override_role)
    return first(internal(user), holds_role(user, role), _in_force(window))


def _is_for(window: Window, change: Change) -> Check:
    if window.is_for(change, {one.pk for one in change.services.all()}):
        return None
    words = _("“%(window)s” does not concern %(change)s: it is for another service or customer.")
    return refuse(Refusal.GATE, words % {"window": window, "change": change.reference})


def _in_force(window: Window) -> Check:
    if window.cancelled_at is not None:
        return refuse(Refusal.STATE, _("“%s” was cancelled.") % window)
    if window.is_over:
        return refuse(Refusal.STATE, _("“%s” is over.") % window)
    return None
