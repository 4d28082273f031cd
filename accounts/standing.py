"""All of a person that decides what they see and what waits for them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from .models import Organisation, SuccessTeam, User
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
    person = OuterRef("pk")
    groups = User.groups.through.objects.filter(user=person).values("group__name")
    teams = SuccessTeam.members.through.objects.filter(user=person).values("successteam")
    customers = Organisation.approvers.through.objects.filter(user=person).values("organisation")
    found = User.objects.filter(pk__in={one.pk for one in unknown}).order_by()
    arrays = map(ArraySubquery, (groups, teams, customers))
    rows = {pk: rest for pk, *rest in found.values_list("pk", *arrays)}
    for one in unknown:
        names, team_ids, approves_for = rows[one.pk]
        one.roles = held_by(names, is_internal=one.is_internal)
        one.team_ids = frozenset(team_ids)
        approves = one.has_role(Role.APPROVER)
        one.approves_for_ids = frozenset(approves_for) if approves else frozenset()


STANDING = frozenset({"roles", "team_ids", "approves_for_ids"})
