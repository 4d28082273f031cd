"""Who declares emergency changes, and who looks back on what was put in place."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from expansive_cm.statements import known_or_read
from expansive_cm.workflow.decisions import Check, Decision, Refusal, decide, first, refuse

from .. import gates
from ..models import Change, PostAction, PostReview
from ..states import ChangeType
from ..turns import groups
from ..turns.group import holds_role
from .rules import gate, in_state, internal, not_only_auditor, sees

MayAct = Callable[[User, Change, PostAction], Decision]

# Emergency changes


def can_declare_emergency(user: User, change: Change) -> Decision:
    """The customer's own success team, who assess, until it is being built or put in place."""
    already = _("It is an emergency change already.") if change.is_emergency else ""
    return _of_emergency(user, change, "declare_emergency", already)


def can_withdraw_emergency(user: User, change: Change) -> Decision:
    """Whoever may declare one, for as long."""
    none = "" if change.is_emergency else _("It is no emergency change.")
    return _of_emergency(user, change, "withdraw_emergency", none)


def _of_emergency(user: User, change: Change, verb: str, objection: str) -> Decision:
    return decide(
        sees(user, change),
        groups.TEAM.objects(user, change),
        in_state(change, verb),
        gate(objection or gates.in_place_or_under_way(change)),
    )


# Post-implementation reviews


def is_the_boards(change: Change, review: PostReview) -> bool:
    """Whether the board looks back: of code that went out as an emergency."""
    return review.is_of_emergency and change.type == ChangeType.CODE


def may_review(user: User, change: Change, review: PostReview) -> Decision:
    """Members of the board on an emergency change of code; else owner, team, release managers."""
    return decide(sees(user, change), internal(user), _reviewer(user, change, review))


def _reviewer(user: User, change: Change, review: PostReview) -> Check:
    if is_the_boards(change, review):
        return holds_role(user, Role.CRB_MEMBER)
    if change.type == ChangeType.CODE and user.has_role(Role.RELEASE_MANAGER):
        return None
    return first(not_only_auditor(user, change), groups.owner_or_team(user, change))


def can_record_post_review(user: User, change: Change) -> Decision:
    """Whoever may look back on it, while a review is asked for; see ``may_review``."""
    reviews = list(known_or_read(change, "post_reviews"))
    found = [one for one in reviews if one.is_open]
    if not found:
        why = _("The review is recorded already.") if reviews else _("No review is asked for.")
        return decide(sees(user, change), internal(user), gate(why))
    return may_review(user, change, found[0])


def can_add_post_action(user: User, change: Change) -> Decision:
    """Whoever may look back on it, once a review was asked for; see ``may_review``."""
    found = list(known_or_read(change, "post_reviews"))
    if not found:
        return decide(sees(user, change), internal(user), gate(_("No review is asked for.")))
    return max(
        (may_review(user, change, one) for one in found), key=lambda decision: bool(decision)
    )


def can_change_post_action(user: User, change: Change) -> Decision:
    """Whoever may change one of its actions; see ``may_change_post_action``."""
    return _one_of(user, change, may_change_post_action)


def can_complete_post_action(user: User, change: Change) -> Decision:
    """Whoever may end one of its actions; see ``may_complete_post_action``."""
    return _one_of(user, change, may_complete_post_action)


def _one_of(user: User, change: Change, may: MayAct) -> Decision:
    asked = [may(user, change, one) for one in known_or_read(change, "post_actions") if one.is_open]
    if not asked:
        return decide(sees(user, change), internal(user), gate(_("No action is open.")))
    return max(asked, key=lambda decision: bool(decision))


def may_change_post_action(user: User, change: Change, action: PostAction) -> Decision:
    """Whoever may look back on the change; administrators, when somebody leaves."""
    if user.has_role(Role.ADMINISTRATOR):
        return decide(sees(user, change))
    return may_review(user, change, action.review)


def may_complete_post_action(user: User, change: Change, action: PostAction) -> Decision:
    """Its owner, or whoever may look back on the change."""
    own = user.pk == action.owner_id
    person = None if own else _reviewer(user, change, action.review)
    if person is not None and person.kind == Refusal.PERSON:
        person = refuse(Refusal.PERSON, _("This is for %s, who is to do it.") % action.owner)
    return decide(sees(user, change), internal(user), person)


def can_read_post_reviews(user: User) -> Decision:
    """All reviews and their actions are for Expansive's own people."""
    return decide(internal(user))
