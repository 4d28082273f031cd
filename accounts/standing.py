"""All of a person that decides what they see and what waits for them."""

from collections.abc import Iterable
from dataclasses import dataclass

from expansive_cm.prepared import Prepared

from .models import User
from .roles import Role, held_by


@dataclass(frozen=True)
class Standing:
    """Who somebody is and what they may: equal for as long as none of it changes.

    What is kept for a standing is made for ``person()``, who has nothing else that it could
    depend on.
    """

    pk: int
    is_active: bool
    organisation_id: int | None
    roles: frozenset[Role]
    team_ids: frozenset[int]
    approves_for_ids: frozenset[int]

    @classmethod
    def of(cls, user: User) -> "Standing":
        """Return a person's standing; teams and customers are read for those who act for them."""
        in_teams = user.has_role(Role.CUSTOMER_SUCCESS)
        approves = not user.is_internal or user.has_role(Role.APPROVER)
        return cls(
            user.pk,
            user.is_active,
            user.organisation_id,
            user.roles,
            user.team_ids if in_teams else frozenset(),
            user.approves_for_ids if approves else frozenset(),
        )

    def person(self) -> User:
        """Return somebody of whom nothing but this is known."""
        person = User(pk=self.pk, is_active=self.is_active, organisation_id=self.organisation_id)
        person.roles = self.roles
        person.team_ids = self.team_ids
        person.approves_for_ids = self.approves_for_ids
        return person


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
