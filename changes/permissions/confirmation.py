"""Who may answer for the requester's need, chase the answer, and close."""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from expansive_cm.workflow.decisions import Decision, Refusal, decide, refuse

from .. import gates
from ..models import Change
from ..turns import groups
from ..turns.group import holds_role
from .request import may_raise_for
from .rules import gate, in_state, sees


def can_answer_confirmation(user: User, change: Change) -> Decision:
    """The original requester and nobody else."""
    return decide(
        sees(user, change),
        groups.REQUESTER.objects(user, change),
        in_state(change, "answer_confirmation"),
    )


def can_request_successor(user: User, change: Change) -> Decision:
    """The original requester, who said that they would like something further."""
    customer, leaves = change.organisation, None
    if customer is not None and not may_raise_for(user, customer):
        leaves = refuse(Refusal.PERSON, _("You cannot send requests for %s.") % customer)
    return decide(
        sees(user, change),
        groups.REQUESTER.objects(user, change),
        leaves,
        in_state(change, "request_successor"),
        gate(gates.nothing_further_wished(change)),
    )


def can_rate(user: User, change: Change) -> Decision:
    """The original requester, once, after the close that followed their answer."""
    return decide(
        sees(user, change),
        groups.REQUESTER.objects(user, change),
        in_state(change, "rate"),
        gate(gates.not_to_be_rated(change)),
    )


def can_record_contact(user: User, change: Change) -> Decision:
    """Owner, success team or support: whoever may send the link again."""
    person = None if user.has_role(Role.SUPPORT) else groups.owner_or_team(user, change)
    return decide(sees(user, change), person, in_state(change, "record_contact"))


def can_follow_answers(user: User) -> Decision:
    """Who looks after requesters, and those who watch over the process."""
    return decide(
        holds_role(user, Role.CUSTOMER_SUCCESS, Role.SUPPORT, Role.AUDITOR, Role.ADMINISTRATOR)
    )


def can_resend_confirmation(user: User, change: Change) -> Decision:
    """Owner, success team or support chase the answer."""
    person = None if user.has_role(Role.SUPPORT) else groups.owner_or_team(user, change)
    return decide(sees(user, change), person, in_state(change, "resend_confirmation"))


def can_close_unanswered(user: User, change: Change) -> Decision:
    """Owner or success team, after the last reminder has gone unanswered."""
    return decide(
        sees(user, change),
        groups.owner_or_team(user, change),
        in_state(change, "close_unanswered"),
        gate(gates.requester_still_has_time(change)),
    )


def can_rework(user: User, change: Change) -> Decision:
    """Owner or success team."""
    return decide(
        sees(user, change), groups.owner_or_team(user, change), in_state(change, "rework")
    )


def can_close_with_successor(user: User, change: Change) -> Decision:
    """Owner or success team."""
    return decide(
        sees(user, change),
        groups.owner_or_team(user, change),
        in_state(change, "close_with_successor"),
    )
