"""Who may record and withdraw an absence, and who may have a calendar address."""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from changes.permissions.rules import gate
from changes.turns.group import holds_role
from expansive_cm.workflow.decisions import Check, Decision, Refusal, decide, refuse

from ..models import Absence, Membership
from .checks import chair_of


def can_record_absence(user: User, membership: Membership) -> Decision:
    """Members for themselves, the chair and the deputy for everybody, until the term ends."""
    over = membership.ends_on is not None and membership.ends_on < membership.board.today
    return decide(_concerned(user, membership), gate(_("This term is over.") if over else ""))


def can_withdraw_absence(user: User, absence: Absence) -> Decision:
    """As for recording, once and only while the absence lasts or is still to come."""
    words = ""
    if absence.withdrawn_at is not None:
        words = _("This absence has already been withdrawn.")
    elif absence.ends_on < absence.membership.board.today:
        words = _("This absence is over.")
    late = refuse(Refusal.STATE, words) if words else None
    return decide(_concerned(user, absence.membership), late)


def can_answer_invitation(user: User) -> Decision:
    """Whoever may have a seat, for themselves: the step looks for their own invitation only."""
    return decide(holds_role(user, Role.CRB_MEMBER))


def can_make_feed(user: User) -> Decision:
    """People who can have a seat on a board."""
    return decide(holds_role(user, Role.CRB_MEMBER))


def _concerned(user: User, membership: Membership) -> Check:
    if membership.user_id == user.pk and user.has_role(Role.CRB_MEMBER):
        return None
    if chair_of(user, membership.board) is None:
        return None
    return refuse(
        Refusal.PERSON, _("This is for the member, the chair of the board and the deputy.")
    )
