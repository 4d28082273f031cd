"""The organisations, teams and people of the demonstration."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db.models import Model

from accounts.demo import (
    DEMO_PASSWORD,
    HARBOURVIEW,
    HEALTH_TEAM,
    MERIDIAN,
    NORTHGATE,
    RETAIL_TEAM,
    CastMember,
    demo_cast,
)
from accounts.models import EmailDomain, Organisation, SuccessTeam, User
from accounts.roles import Role
from expansive_cm.sure import sure
from expansive_cm.workflow.steps import explain

Record = TypeVar("Record", bound=Model)

TEAMS = {
    HEALTH_TEAM: "success.health@expansive.example",
    RETAIL_TEAM: "success.retail@expansive.example",
}
CUSTOMERS = {
    HARBOURVIEW: (HEALTH_TEAM, "harbourview.example"),
    NORTHGATE: (HEALTH_TEAM, "northgate.example"),
    MERIDIAN: (RETAIL_TEAM, "meridian.example"),
}


def _member(email: str, name: str, *roles: Role, **more: Any) -> CastMember:
    return CastMember(email=email, name=name, role="", what="", roles=roles, **more)


SUPPORTING_CAST = (
    _member("fatima.siddiqui@harbourview.example", "Fatima Siddiqui", organisation=HARBOURVIEW),
    _member("peter.lindsay@harbourview.example", "Peter Lindsay", organisation=HARBOURVIEW),
    _member("anwen.jones@northgate.example", "Anwen Jones", organisation=NORTHGATE),
    _member(
        "judith.marsh@northgate.example",
        "Judith Marsh",
        Role.APPROVER,
        organisation=NORTHGATE,
        approves_for=(NORTHGATE,),
    ),
    _member("chloe.martin@meridian.example", "Chloe Martin", organisation=MERIDIAN),
    _member(
        "henrik.dahl@meridian.example",
        "Henrik Dahl",
        organisation=MERIDIAN,
        time_zone="Europe/Copenhagen",
    ),
    _member(
        "bethan.rees@expansive.example", "Bethan Rees", Role.CUSTOMER_SUCCESS, team=HEALTH_TEAM
    ),
    _member(
        "marco.fabbri@expansive.example", "Marco Fabbri", Role.CUSTOMER_SUCCESS, team=RETAIL_TEAM
    ),
    _member(
        "leon.fischer@expansive.example",
        "Leon Fischer",
        Role.DEVELOPER,
        Role.PEER_REVIEWER,
        time_zone="Europe/Berlin",
    ),
    _member("yuki.tanaka@expansive.example", "Yuki Tanaka", Role.TESTER),
    _member("daniel.osei@expansive.example", "Daniel Osei", Role.CRB_MEMBER),
    _member("ingrid.halvorsen@expansive.example", "Ingrid Halvorsen", Role.CRB_MEMBER),
    _member("callum.reid@expansive.example", "Callum Reid", Role.CRB_MEMBER),
    _member("amara.okafor@expansive.example", "Amara Okafor", Role.CRB_MEMBER),
)
"""People whom the stories need and whom nobody signs in as from the sign-in page."""

SEATS = ("margaret", "ravi", "daniel", "ingrid", "callum", "priya", "marta")
"""The board: the chair, the deputy and the other members."""
ALTERNATE = "amara"
"""Has the role of a member and no seat of her own."""


@dataclass
class People:
    """Everybody by first name, in lower case, as the stories call them."""

    by_name: dict[str, User] = field(default_factory=dict)
    seated: User | None = None

    def __getitem__(self, name: str) -> User:
        return self.by_name[name]

    @property
    def chair(self) -> User:
        """Who leads the board, once it has its seats."""
        return sure(self.seated)

    @property
    def board(self) -> list[User]:
        """The members of the board, the chair first."""
        return [self[name] for name in SEATS]

    def success_manager_of(self, organisation: Organisation | None) -> User:
        """Return who usually looks after this customer."""
        health = sure(organisation).success_team.name == HEALTH_TEAM
        return self["owen" if health else "sofia"]


def create_people() -> People:
    """Create teams, customers and everybody in both casts, each with the demo password."""
    teams = {name: saved(SuccessTeam(name=name, email=email)) for name, email in TEAMS.items()}
    customers = {}
    for name, (team, domain) in CUSTOMERS.items():
        customers[name] = saved(Organisation(name=name, success_team=teams[team]))
        saved(EmailDomain(organisation=customers[name], domain=domain))
    people = People()
    password = make_password(DEMO_PASSWORD)
    for member in demo_cast() + SUPPORTING_CAST:
        user = _create(member, customers, password)
        people.by_name[member.name.split()[0].lower()] = user
        if member.team:
            teams[member.team].members.add(user)
        for name in member.approves_for:
            customers[name].approvers.add(user)
        if member.chairs_board:
            people.seated = user
    return people


def _create(member: CastMember, customers: dict[str, Organisation], password: str) -> User:
    user = saved(
        User(
            email=member.email,
            display_name=member.name,
            time_zone=member.time_zone,
            organisation=customers.get(member.organisation),
            is_staff=member.is_staff,
            password=password,
        )
    )
    user.groups.set(Group.objects.filter(name__in=member.roles))
    return user


def saved(record: Record) -> Record:
    """Save a record that no step of the process creates; its history says where it is from."""
    explain(record, "added for the demonstration")
    record.save()
    return record
