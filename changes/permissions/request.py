"""Who may raise, edit, assess and withdraw a change, and who becomes its owner or requester."""

from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from accounts.roles import Role
from expansive_cm.workflow.decisions import ALLOWED, Decision, Refusal, decide, refuse

from .. import gates
from ..models import Change
from ..turns import groups
from ..turns.groups import in_success_team
from ..turns.past import AUTHORISERS
from .rules import gate, in_state, is_requester_or_raiser, may_see, sees


def may_raise_for(user: User, organisation: Organisation) -> bool:
    """Whether the person may raise changes for this customer."""
    if not (user.is_active and organisation.is_active):
        return False
    if not user.is_internal:
        return user.organisation_id == organisation.pk
    if user.has_role(Role.SUPPORT):
        return True
    return user.has_role(Role.CUSTOMER_SUCCESS) and organisation.success_team_id in user.team_ids


def can_raise(user: User) -> Decision:
    """Support raises for any customer, customer success for its own, customers for themselves."""
    if user.raises_changes:
        return ALLOWED
    return refuse(
        Refusal.PERSON, _("Change requests are raised by customers, support and customer success.")
    )


def can_follow_up(user: User, change: Change) -> Decision:
    """Whoever may raise requests for its customer goes on from a change that has ended."""
    ended = None
    if not change.is_final or change.is_thrown_away:
        ended = refuse(Refusal.STATE, _("A follow-up request begins once a change has ended."))
    customer = change.organisation
    person = None
    if customer is None or not may_raise_for(user, customer):
        person = refuse(Refusal.PERSON, _("You cannot raise changes for this organisation."))
    return decide(sees(user, change), person, ended)


def can_submit(user: User, change: Change) -> Decision:
    """The person who wrote the draft submits it."""
    return decide(
        sees(user, change), groups.RAISER.objects(user, change), in_state(change, "submit")
    )


def can_throw_away(user: User, change: Change) -> Decision:
    """The person who wrote the draft, who alone sees it; also once they may raise no more."""
    return decide(
        sees(user, change), groups.RAISER.objects(user, change), in_state(change, "throw_away")
    )


def can_edit(user: User, change: Change) -> Decision:
    """Raiser, requester, support or customer success, until the decision stands."""
    allowed = (
        is_requester_or_raiser(user, change)
        or user.has_role(Role.SUPPORT)
        or in_success_team(user, change)
    )
    person = None
    if not allowed:
        person = refuse(
            Refusal.PERSON,
            _("This is for the requester, support and the customer success team."),
        )
    return decide(sees(user, change), person, in_state(change, "edit"))


def can_assess(user: User, change: Change) -> Decision:
    """The customer's own success team assesses."""
    return decide(sees(user, change), groups.TEAM.objects(user, change), in_state(change, "assess"))


def can_assign(user: User, change: Change) -> Decision:
    """Support and the customer success team name the owner; administrators, when one leaves."""
    anywhere = user.has_role(Role.SUPPORT, Role.ADMINISTRATOR)
    team = None if anywhere else groups.TEAM.objects(user, change)
    return decide(sees(user, change), team, in_state(change, "assign"))


def can_reclassify(user: User, change: Change) -> Decision:
    """The customer's own success team, while nothing is in place or under way."""
    return decide(
        sees(user, change),
        groups.TEAM.objects(user, change),
        in_state(change, "reclassify"),
        gate(gates.in_place_or_under_way(change)),
    )


def can_withdraw(user: User, change: Change) -> Decision:
    """Requester, raiser, owner, support or customer success, until delivery has begun."""
    allowed = is_requester_or_raiser(user, change) or user.has_role(Role.SUPPORT)
    person = None if allowed else groups.owner_or_team(user, change)
    return decide(
        sees(user, change),
        person,
        in_state(change, "withdraw"),
        gate(gates.in_place_or_under_way(change)),
    )


def may_use_link_of(reader: User, user: User, change: Change) -> bool:
    """Whether a link that was forwarded to somebody who is signed in acts for them.

    It does for colleagues at the customer, whose name is kept, but for who authorised the change
    and so could not ask for it. One of Expansive's own people, or somebody of another customer,
    answers nothing in a requester's name.
    """
    of_one_customer = user.organisation_id == reader.organisation_id
    if user.organisation_id is None or not of_one_customer or not may_see(user, change):
        return False
    return not AUTHORISERS.act(user, change)


def can_replace_requester(user: User, change: Change) -> Decision:
    """The requester, the customer success team, or an administrator, who keeps people.

    To name who takes somebody's place is to keep people; it takes no step of the process.
    """
    allowed = (
        user.pk == change.requester_id
        or in_success_team(user, change)
        or user.has_role(Role.ADMINISTRATOR)
    )
    person = None
    if not allowed:
        person = refuse(
            Refusal.PERSON,
            _("This is for the requester, the customer success team and administrators."),
        )
    return decide(sees(user, change), person, in_state(change, "replace_requester"))


def can_correct_customer(user: User, change: Change) -> Decision:
    """Support and the customer success team, until it is assessed for whom it was raised."""
    person = None
    if not (user.has_role(Role.SUPPORT) or in_success_team(user, change)):
        person = refuse(Refusal.PERSON, _("This is for support and the customer success team."))
    return decide(sees(user, change), person, in_state(change, "correct_customer"))


def can_hand_over(user: User, person: User) -> Decision:
    """Who may name a successor for all open requests of a customer's person."""
    organisation = person.organisation
    allowed = organisation is not None and (
        (user.is_active and user.pk == person.pk)
        or user.has_role(Role.ADMINISTRATOR)
        or (user.has_role(Role.CUSTOMER_SUCCESS) and organisation.success_team_id in user.team_ids)
    )
    return ALLOWED if allowed else refuse(Refusal.PERSON, _("There is no such person."))
