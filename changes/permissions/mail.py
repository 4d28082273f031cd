"""Who may sort incoming mail, read the mail log and send links out."""

from accounts.models import User
from accounts.roles import Role
from expansive_cm.workflow.decisions import Decision, decide

from ..models import Change
from ..turns.group import holds_role
from ..turns.groups import owner_or_team
from .rules import internal, sees


def can_triage(user: User) -> Decision:
    """Support looks through the mail that cannot be sorted by itself."""
    return decide(holds_role(user, Role.SUPPORT))


def can_read_incoming_mail(user: User) -> Decision:
    """Support, and auditors, who read what came in and what was made of it."""
    return decide(holds_role(user, Role.SUPPORT, Role.AUDITOR))


# Mail that does not arrive


def can_see_mail(user: User, change: Change) -> Decision:
    """Expansive's own people read what mail went out about a change."""
    return decide(sees(user, change), internal(user))


def can_settle_delivery(user: User, change: Change) -> Decision:
    """Owner, success team or support say what was done about mail that did not arrive."""
    person = None if user.has_role(Role.SUPPORT) else owner_or_team(user, change)
    return decide(sees(user, change), person)


# Without an account


def can_send_link(user: User, change: Change) -> Decision:
    """Support, the owner or the success team help somebody who has lost the link."""
    person = None if user.has_role(Role.SUPPORT) else owner_or_team(user, change)
    return decide(sees(user, change), person)


def can_revoke_links(user: User, change: Change) -> Decision:
    """The same people take links back."""
    return can_send_link(user, change)
