"""The fixed cast of every test: the people of two customers and everybody who serves them."""

from dataclasses import dataclass, fields

import pytest
from django.contrib.auth.models import Group

from accounts.models import EmailDomain, Organisation, SuccessTeam, User
from accounts.roles import Role
from tests.remembered import remembered


def person(
    name: str, *roles: Role, organisation: Organisation | None = None, **extra: object
) -> User:
    """Create a person; a customer's if an organisation is given."""
    domain = "harbour.example" if organisation else "expansive.example"
    user = User.objects.create_user(
        f"{name.lower().replace(' ', '.')}@{domain}",
        "secret",
        display_name=name,
        organisation=organisation,
        **extra,
    )
    # A transactional test before this one may have emptied the table.
    user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
    return user


@dataclass
class Cast:
    """Harbour's people, Expansive's people, and those who must be kept out."""

    harbour: Organisation
    meridian: Organisation
    care_team: SuccessTeam
    retail_team: SuccessTeam

    requester: User
    colleague: User
    approver: User
    support: User
    success: User
    developer: User
    peer_reviewer: User
    tester: User
    release_manager: User
    crb_member: User
    chair: User
    auditor: User
    administrator: User
    stranger_customer: User
    stranger_approver: User
    stranger_success: User
    nobody: User

    @property
    def people(self) -> dict[str, User]:
        """Everybody by the name of their part."""
        members = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: member for name, member in members.items() if isinstance(member, User)}


@pytest.fixture
def cast(db: None) -> Cast:
    """The cast. Harbour is looked after by the care team, Meridian by the retail team."""
    return everybody()


@remembered
def everybody() -> Cast:
    """Give two customers their people, and Expansive its own."""
    care = SuccessTeam.objects.create(name="Care team", email="care@expansive.example")
    retail = SuccessTeam.objects.create(name="Retail team", email="retail@expansive.example")
    harbour = Organisation.objects.create(name="Harbour Hospitals", success_team=care)
    EmailDomain.objects.create(organisation=harbour, domain="harbour.example")
    meridian = Organisation.objects.create(name="Meridian Retail", success_team=retail)
    cast = Cast(
        harbour=harbour,
        meridian=meridian,
        care_team=care,
        retail_team=retail,
        requester=person("Grace Requester", organisation=harbour),
        colleague=person("Colin Colleague", organisation=harbour),
        approver=person("Ada Approver", Role.APPROVER, organisation=harbour),
        support=person("Sam Support", Role.SUPPORT),
        success=person("Cleo Success", Role.CUSTOMER_SUCCESS),
        developer=person("Dan Developer", Role.DEVELOPER),
        peer_reviewer=person("Petra Reviewer", Role.PEER_REVIEWER),
        tester=person("Tess Tester", Role.TESTER),
        release_manager=person("Rita Release", Role.RELEASE_MANAGER),
        crb_member=person("Max Member", Role.CRB_MEMBER),
        chair=person("Cora Chair", Role.CRB_MEMBER),
        auditor=person("Otto Auditor", Role.AUDITOR),
        administrator=person("Alma Admin", Role.ADMINISTRATOR, is_staff=True, is_superuser=True),
        stranger_customer=person("Mia Meridian", organisation=meridian),
        stranger_approver=person("Mark Meridian", Role.APPROVER, organisation=meridian),
        stranger_success=person("Stan Stranger", Role.CUSTOMER_SUCCESS),
        nobody=person("Nora Nobody"),
    )
    care.members.add(cast.success)
    retail.members.add(cast.stranger_success)
    harbour.approvers.add(cast.approver)
    meridian.approvers.add(cast.stranger_approver)
    return cast
