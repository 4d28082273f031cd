"""Who changes a saved view of the list, and who takes one over."""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from expansive_cm.workflow.decisions import Decision, Refusal, decide, refuse

from .. import saved_views
from ..models import SavedView
from ..turns.group import holds_role
from .rules import internal


def may_keep_view(user: User, view: SavedView) -> Decision:
    """Its owner, as long as they are among those it is for."""
    person = None
    if view.owner_id != user.pk or not saved_views.may_see(user, view):
        words = _("Only %s changes this view. Save it under a name of your own.")
        person = refuse(Refusal.PERSON, words % view.owner)
    return decide(person)


def may_take_over_view(user: User, view: SavedView) -> Decision:
    """Anybody with whom it is shared, once its owner is not among them any more."""
    person = state = None
    if not view.is_shared or not saved_views.may_see(user, view):
        person = refuse(Refusal.PERSON, _("This view is not shared with you."))
    elif view.owner_id == user.pk:
        state = refuse(Refusal.STATE, _("You keep this view already."))
    elif saved_views.may_see(view.owner, view):
        state = refuse(Refusal.STATE, _("%s keeps this view.") % view.owner)
    return decide(person, state)


def may_open_for_role(user: User, view: SavedView) -> Decision:
    """Administrators, for a view that is shared with a role."""
    state = None
    if not view.role:
        state = refuse(Refusal.STATE, _("This view is not shared with a role any more."))
    return decide(internal(user), holds_role(user, Role.ADMINISTRATOR), state)
