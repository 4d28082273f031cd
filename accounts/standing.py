"""All of a person that decides what they see and what waits for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from expansive_cm.prepared import Prepared
from expansive_cm.statements import Given, given_keys

from .models import User
from .roles import Role, held_by


@dataclass(frozen=True)
class Standing:
    """What somebody may, whoever they are: the same for all with the same roles.

    It decides by which conditions they see changes and have a turn on them.
    """

    is_active: bool
    is_internal: bool
    roles: frozenset[Role]
    is_in_teams: bool
    is_approver: bool

    @classmethod
    def of(cls, user: User) -> "Standing":
        """Return a person's standing."""
        return cls(
            user.is_active,
            user.is_internal,
            user.roles,
            bool(_teams_of(user)),
            bool(_customers_approved_by(user)),
        )


class Anybody(Given):
    """Stands in a queryset for a person of some standing, who is given when it is run.

    Written and planned once, such a statement answers for all of them, with ``given_of`` each.
    Nothing else is known of the person, so nothing else can get into it.
    """

    def __init__(self, standing: Standing) -> None:
        super().__init__("person")
        self.pk = self
        self.is_active, self.is_internal = standing.is_active, standing.is_internal
        self.roles = standing.roles
        self.team_ids: Given | frozenset[int]
        self.approves_for_ids: Given | frozenset[int]
        self.team_ids = given_keys("teams") if standing.is_in_teams else frozenset()
        self.approves_for_ids = given_keys("approves_for") if standing.is_approver else frozenset()
        self.customer_ids = given_keys("customers")

    def has_role(self, *roles: Role) -> bool:
        """Whether the person is active and holds at least one of these roles."""
        return self.is_active and not self.roles.isdisjoint(roles)


def given_of(user: User) -> dict[str, Any]:
    """Return what a statement for `Anybody` is given, to answer for this person."""
    return {
        "person": user.pk,
        "teams": sorted(_teams_of(user)),
        "approves_for": sorted(_customers_approved_by(user)),
        "customers": sorted(user.customer_ids),
    }


def _teams_of(user: User) -> frozenset[int]:
    """The teams for which somebody acts; read for those who do."""
    return user.team_ids if user.has_role(Role.CUSTOMER_SUCCESS) else frozenset()


def _customers_approved_by(user: User) -> frozenset[int]:
    """The customers for whom somebody authorises; read for those who do."""
    return user.approves_for_ids if user.has_role(Role.APPROVER) else frozenset()


def know_standing(people: Iterable[User]) -> None:
    """Read the roles, teams and customers of many people in one query, instead of three each."""
    unknown = [one for one in people if not one.__dict__.keys() >= STANDING]
    if not unknown:
        return
    found = STANDINGS.rows({"people": sorted({one.pk for one in unknown})})
    rows = {pk: rest for pk, *rest in found}
    for one in unknown:
        names, team_ids, approves_for = rows[one.pk]
        one.roles = held_by(names, is_internal=one.is_internal)
        one.team_ids = frozenset(team_ids)
        approves = one.has_role(Role.APPROVER)
        one.approves_for_ids = frozenset(approves_for) if approves else frozenset()


STANDING = frozenset({"roles", "team_ids", "approves_for_ids"})
STANDINGS = Prepared(
    """
SELECT u.id,
  ARRAY(SELECT g.name FROM accounts_user_groups m JOIN auth_group g ON g.id = m.group_id
        WHERE m.user_id = u.id),
  ARRAY(SELECT m.successteam_id FROM accounts_successteam_members m WHERE m.user_id = u.id),
  ARRAY(SELECT m.organisation_id FROM accounts_organisation_approvers m WHERE m.user_id = u.id)
FROM accounts_user u WHERE u.id = ANY(%s)
""",
    [None],
    {0: ("people", "bigint[]")},
)
"""Every step that tells people asks it; Django takes longer to write it than it takes to run."""
