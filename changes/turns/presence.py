"""Whether those a change depends on are still there; where they are not, others stand in.

An owner or executor who left, lost their roles or changed sides keeps their name on the change
and can take no step. Each rule is said twice, of a loaded change and in SQL.
"""

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.roles import Role
from accounts.standing import know_standing

from ..models import Change, Execution
from .parts import LOOKING_AFTER, holders_for_a_change


def acting_owner(change: Change) -> User | None:
    """Return the owner, if they can still see the change through."""
    owner = change.owner
    if owner is None or not owner.is_active or not owner.is_internal:
        return None
    know_standing([owner])
    return owner if owner.roles else None


def without_owner() -> Q:
    """Return the condition for changes without an acting owner."""
    roles = User.groups.through.objects.filter(user=OuterRef("owner"))
    left = Q(owner__is_active=False) | Q(owner__organisation__isnull=False)
    return Q(owner=None) | left | ~Q(Exists(roles))


def team_owner(change: Change) -> User | None:
    """Return the acting owner, if they are of the customer success team themselves."""
    owner, organisation = acting_owner(change), change.organisation
    if owner is None or organisation is None or not owner.has_role(Role.CUSTOMER_SUCCESS):
        return None
    return owner if organisation.success_team_id in owner.team_ids else None


def with_team_owner() -> Q:
    """Return the condition for changes whose acting owner is of the team."""
    return Q(Exists(holders_for_a_change(LOOKING_AFTER).filter(pk=OuterRef("owner"))))


def requester_is_there(change: Change) -> bool:
    """Whether the requester is still with us, and with their customer."""
    requester, organisation = change.requester, change.organisation_id
    if requester is None or not requester.is_active:
        return False
    return requester.organisation_id in (None, organisation) or organisation is None


def without_requester() -> Q:
    """Return the condition for changes whose requester has left, or left their customer."""
    moved = Q(requester__organisation__isnull=False) & ~Q(requester__organisation=F("organisation"))
    return Q(requester__is_active=False) | moved


def is_there(asked: User, change: Change) -> bool:
    """Whether somebody who was asked can still answer: active, and able to see the change."""
    if not asked.is_active:
        return False
    return (
        bool(asked.roles) if asked.is_internal else asked.organisation_id == change.organisation_id
    )


def left(person: str, change: str) -> Q:
    """Return the condition for rows of which the named person ``is_there`` no more."""
    roles = User.groups.through.objects.filter(user=OuterRef(person))
    theirs = Q(**{f"{person}__organisation": None})
    moved = ~theirs & ~Q(**{f"{person}__organisation": F(f"{change}__organisation")})
    return Q(**{f"{person}__is_active": False}) | (theirs & ~Q(Exists(roles))) | moved


def executor_is_there(change: Change, execution: Execution) -> bool:
    """Whether the executor may still execute: support, or the customer's success team."""
    executor, organisation = execution.executor, change.organisation
    if executor.has_role(Role.SUPPORT):
        return True
    team = organisation.success_team_id if organisation else None
    return executor.has_role(Role.CUSTOMER_SUCCESS) and team in executor.team_ids


def without_executor(executions: QuerySet[Execution]) -> QuerySet[Execution]:
    """Leave of some executions those whose executor is not there any more."""
    support = Q(groups__name=Role.SUPPORT)
    team = Q(
        groups__name=Role.CUSTOMER_SUCCESS,
        success_teams=OuterRef("change__organisation__success_team"),
    )
    own = User.objects.filter(is_active=True, organisation=None)
    able = own.filter(support | team, pk=OuterRef("executor"))
    return executions.filter(~Exists(able))
