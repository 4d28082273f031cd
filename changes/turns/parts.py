"""Parts in the process that the administration gives: roles, customers' approvers, and teams.

Who holds one is said here, of all people; `groups` asks it of one change.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from django.db.models import OuterRef, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organisation, SuccessTeam, User
from accounts.roles import Role
from expansive_cm.statements import Given, ObjectStatement


class Kind(StrEnum):
    """For whom a part is given."""

    ROLE = "role"
    APPROVERS = "approvers"
    TEAM = "team"


@dataclass(frozen=True)
class Part:
    """What people are for every change, for those of a customer, or of a team's customers."""

    kind: Kind
    roles: tuple[Role, ...]


APPROVING = Part(Kind.APPROVERS, (Role.APPROVER,))
LOOKING_AFTER = Part(Kind.TEAM, (Role.CUSTOMER_SUCCESS,))


def holders_of(*roles: Role) -> QuerySet[User]:
    """Active people of Expansive's own with one of these roles."""
    people = User.objects.filter(is_active=True, organisation=None, groups__name__in=roles)
    return people.distinct()


@cache
def holding(roles: tuple[Role, ...]) -> ObjectStatement[User]:
    """Those of ``holders_of``, as nearly every step asks for them."""
    return ObjectStatement(lambda: holders_of(*roles))


def approvers() -> QuerySet[User]:
    """Active people who may authorise, for whichever customers they are named."""
    return User.objects.filter(is_active=True, groups__name=Role.APPROVER)


# Those of a customer, and those who look after one.
APPROVERS_OF = ObjectStatement(lambda: approvers().filter(approves_for=Given("customer")))
TEAM_MEMBERS = ObjectStatement(
    lambda: holders_of(Role.CUSTOMER_SUCCESS).filter(success_teams=Given("team"))
)


def holders_for_a_change(part: Part) -> QuerySet[User]:
    """Who holds a part for a change, in a subquery of changes."""
    if part.kind is Kind.APPROVERS:
        return approvers().filter(approves_for=OuterRef("organisation"))
    people = holders_of(*part.roles)
    if part.kind is Kind.TEAM:
        people = people.filter(success_teams=OuterRef("organisation__success_team"))
    return people


def name_of_roles(*roles: Role) -> str:
    """Return what a part is called that one of these roles gives."""
    return _(" or ").join(str(role.label) for role in roles)


def name_of_approvers(customer: Organisation) -> str:
    """Return what the part of a customer's approvers is called."""
    return _("Authorised approvers of %s") % customer


def name_of_team(team: SuccessTeam) -> str:
    """Return what the part of a customer success team is called."""
    return team.name
