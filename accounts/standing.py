"""All of a person that decides what they see and what waits for them."""

from dataclasses import dataclass

from .models import User
from .roles import Role


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
