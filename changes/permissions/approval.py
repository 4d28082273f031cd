"""Who keeps the rules that say who approves, and who reads them."""

from accounts.models import User
from accounts.roles import Role
from expansive_cm.workflow.decisions import Decision, decide

from ..turns.group import holds_role
from .rules import internal


def can_read_approval_rules(user: User) -> Decision:
    """Expansive's own people; customers read nothing of them."""
    return decide(internal(user))


def can_keep_approval_rules(user: User) -> Decision:
    """Administrators make, change and end them."""
    return decide(internal(user), holds_role(user, Role.ADMINISTRATOR))
