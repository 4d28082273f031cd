"""The people of the demonstration: who they are and what each of them is there to do."""

from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from expansive_cm.texts import Text

from .roles import Role

DEMO_PASSWORD = "demo-password"

HARBOURVIEW = "Harbour View Hospitals"
NORTHGATE = "Northgate Schools Trust"
MERIDIAN = "Meridian Retail"

HEALTH_TEAM = "Health and Education"
RETAIL_TEAM = "Retail and Leisure"


@dataclass(frozen=True)
class CastMember:
    """One person of the demonstration. Without an organisation they work at Expansive."""

    email: str
    name: str
    role: Text
    what: Text
    roles: tuple[Role, ...] = field(default=())
    organisation: str = ""
    team: str = ""
    approves_for: tuple[str, ...] = ()
    chairs_board: bool = False
    is_staff: bool = False
    time_zone: str = "Europe/London"


def demo_cast() -> tuple[CastMember, ...]:
    """Return everybody who can be signed in as from the sign-in page in demo mode."""
    return CUSTOMERS + SERVICE + BOARD + ENGINEERING + OVERSIGHT


CUSTOMERS = (
    CastMember(
        email="grace.okafor@harbourview.example",
        name="Grace Okafor",
        role=_("Requester"),
        what=_("Raises changes for the hospitals' estates team and confirms the result."),
        organisation=HARBOURVIEW,
    ),
    CastMember(
        email="tom.ellery@northgate.example",
        name="Tom Ellery",
        role=_("Requester"),
        what=_("Site manager of eleven schools; follows what he has asked for."),
        organisation=NORTHGATE,
    ),
    CastMember(
        email="lucia.marchetti@meridian.example",
        name="Lucia Marchetti",
        role=_("Requester"),
        what=_("Runs maintenance for the shops in southern Europe."),
        organisation=MERIDIAN,
        time_zone="Europe/Rome",
    ),
    CastMember(
        email="david.ashworth@harbourview.example",
        name="David Ashworth",
        role=_("Authorised approver"),
        what=_("Head of estates; authorises configuration changes for the hospitals."),
        roles=(Role.APPROVER,),
        organisation=HARBOURVIEW,
        approves_for=(HARBOURVIEW,),
    ),
)
SERVICE = (
    CastMember(
        email="nadia.rahman@expansive.example",
        name="Nadia Rahman",
        role=_("Support staff"),
        what=_("Takes calls and mails, raises changes for customers and assesses them."),
        roles=(Role.SUPPORT,),
    ),
    CastMember(
        email="owen.pryce@expansive.example",
        name="Owen Pryce",
        role=_("Customer success"),
        what=_("Assesses, reviews and documents changes for hospitals and schools."),
        roles=(Role.CUSTOMER_SUCCESS,),
        team=HEALTH_TEAM,
    ),
    CastMember(
        email="sofia.lindqvist@expansive.example",
        name="Sofia Lindqvist",
        role=_("Customer success"),
        what=_("Does the same for the retail customers."),
        roles=(Role.CUSTOMER_SUCCESS,),
        team=RETAIL_TEAM,
        time_zone="Europe/Stockholm",
    ),
    CastMember(
        email="helen.carrow@expansive.example",
        name="Helen Carrow",
        role=_("Authorised approver"),
        what=_("Head of service; authorises configuration changes for every customer."),
        roles=(Role.APPROVER,),
        approves_for=(HARBOURVIEW, NORTHGATE, MERIDIAN),
    ),
)
BOARD = (
    CastMember(
        email="margaret.finch@expansive.example",
        name="Margaret Finch",
        role=_("CRB chair"),
        what=_("Runs the fortnightly board meeting and records its outcomes."),
        roles=(Role.CRB_MEMBER,),
        chairs_board=True,
    ),
    CastMember(
        email="ravi.menon@expansive.example",
        name="Ravi Menon",
        role=_("CRB member"),
        what=_("Deputy chair; votes on code changes in the board."),
        roles=(Role.CRB_MEMBER,),
    ),
    CastMember(
        email="priya.nair@expansive.example",
        name="Priya Nair",
        role=_("CRB member"),
        what=_("Sits in the running meeting and still has votes to cast there."),
        roles=(Role.CRB_MEMBER,),
    ),
    CastMember(
        email="marta.kowalska@expansive.example",
        name="Marta Kowalska",
        role=_("CRB member"),
        what=_("Has not joined the running meeting yet and has most votes to cast."),
        roles=(Role.CRB_MEMBER,),
    ),
)
ENGINEERING = (
    CastMember(
        email="jonas.weber@expansive.example",
        name="Jonas Weber",
        role=_("Developer"),
        what=_("Defines requirements and builds the change."),
        roles=(Role.DEVELOPER,),
        time_zone="Europe/Berlin",
    ),
    CastMember(
        email="aisha.bello@expansive.example",
        name="Aisha Bello",
        role=_("Peer reviewer"),
        what=_("Signs risk assessments and reviews code that others wrote."),
        roles=(Role.DEVELOPER, Role.PEER_REVIEWER),
    ),
    CastMember(
        email="piotr.nowak@expansive.example",
        name="Piotr Nowak",
        role=_("Tester"),
        what=_("Runs functional, security and regression tests in staging."),
        roles=(Role.TESTER,),
        time_zone="Europe/Warsaw",
    ),
    CastMember(
        email="kate.sinclair@expansive.example",
        name="Kate Sinclair",
        role=_("Release manager"),
        what=_("Deploys what has been approved, reviewed and tested."),
        roles=(Role.RELEASE_MANAGER,),
    ),
)
OVERSIGHT = (
    CastMember(
        email="edward.lam@expansive.example",
        name="Edward Lam",
        role=_("Auditor"),
        what=_("Reads everything, with its whole history, and changes nothing."),
        roles=(Role.AUDITOR,),
    ),
    CastMember(
        email="rosalind.hart@expansive.example",
        name="Rosalind Hart",
        role=_("Administrator"),
        what=_("Looks after people, organisations, teams, roles and boards."),
        roles=(Role.ADMINISTRATOR,),
        is_staff=True,
    ),
)
