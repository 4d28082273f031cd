"""Who keeps change freezes and maintenance windows, and who may override one."""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from expansive_cm.workflow.decisions import Check, Decision, Refusal, decide, refuse

from ..models import Change, Window
from ..states import State
from ..turns.groups import holds_role
from .rules import internal, sees

BY = (Role.RELEASE_MANAGER, Role.ADMINISTRATOR)
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
    """Colleagues, on a change that is to be put in place; ``may_override`` says of which window."""
    place = None
    if change.state not in PLANNED_IN:
        words = _("%s is not at the point at which it is planned or put in place.")
        place = refuse(Refusal.STATE, words % change.reference)
    return decide(sees(user, change), internal(user), place)


def may_override(user: User, window: Window) -> Decision:
    """Who holds the role that the window names."""
    if window.effect != Window.Effect.OVERRIDE:
        words = _("“%s” cannot be overridden. Release managers and administrators can cancel it.")
        return decide(internal(user), refuse(Refusal.GATE, words % window))
    role = Role(window.override_role)
    return decide(internal(user), holds_role(user, role), _in_force(window))


def _in_force(window: Window) -> Check:
    if window.cancelled_at is not None:
        return refuse(Refusal.STATE, _("“%s” was cancelled.") % window)
    if window.is_over:
        return refuse(Refusal.STATE, _("“%s” is over.") % window)
    return None
