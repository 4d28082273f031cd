"""Named querysets: what a person sees, what waits for them, what is late."""

from django.db.models import Prefetch, Q, QuerySet

from accounts.models import User
from accounts.roles import Role

from .models import Change, Development, Event, Question
from .states import OPEN, State

S = State


def visible_to(user: User) -> QuerySet[Change]:
    """Changes that exist for this person (the rule of ``permissions.may_see``)."""
    if not user.is_active:
        return Change.objects.none()
    own_drafts = Q(state=S.DRAFT, raised_by=user)
    if user.is_internal and user.roles:
        return Change.objects.filter(~Q(state=S.DRAFT) | own_drafts)
    mine = Q(raised_by=user) | Q(requester=user)
    if not user.is_internal:
        mine |= Q(organisation__in={user.organisation_id, *user.approves_for_ids})
    return Change.objects.filter((~Q(state=S.DRAFT) & mine) | own_drafts)


def with_people(changes: QuerySet[Change]) -> QuerySet[Change]:
    """Join what every row of a list shows, so that rows cost no queries."""
    return changes.select_related(
        "organisation__success_team", "requester", "raised_by", "owner", "promised_release"
    )


def with_story(changes: QuerySet[Change]) -> QuerySet[Change]:
    """Load all that a change's page and its permissions read, in a fixed number of queries."""
    return with_people(changes).prefetch_related(
        Prefetch("events", Event.objects.select_related("actor")),
        "services",
        "assessments__recorded_by",
        "executions__executor",
        "board_decisions",
        Prefetch("questions", Question.objects.select_related("answerer", "answered_by")),
        "risk_assessments",
        "requirements",
        Prefetch("developments", Development.objects.prefetch_related("authors")),
        "peer_reviews",
        "staging_tests",
        "deployments__release",
        "confirmations",
    )


def waiting_on(user: User) -> QuerySet[Change]:
    """Open changes whose next step this person may take, by role; the page checks the rest."""
    wanted = Q(state=S.INFORMATION_REQUIRED, questions__answerer=user, questions__answered_at=None)
    wanted |= Q(state=S.CONFIRMATION, requester=user)
    if user.is_internal:
        wanted |= Q(state__in=[S.NOT_CONFIRMED, S.ROLLED_BACK], owner=user)
        wanted |= Q(state=S.EXECUTION, executions__executor=user, executions__outcome="")
    if user.has_role(Role.CUSTOMER_SUCCESS):
        team = Q(organisation__success_team__in=user.team_ids)
        wanted |= team & Q(state__in=[S.SUBMITTED, S.REVIEW, S.DOCUMENTATION])
        wanted |= team & Q(state__in=[S.NOT_CONFIRMED, S.ROLLED_BACK], owner=None)
        wanted |= team & Q(state=S.EXECUTION) & ~Q(executions__outcome="")
    if user.has_role(Role.APPROVER):
        others = ~Q(requester=user) & ~Q(raised_by=user) & ~Q(executions__executor=user)
        wanted |= Q(state=S.AUTHORISATION, organisation__in=user.approves_for_ids) & others
    for role, states in CODE_DUTIES.items():
        if user.has_role(role):
            wanted |= Q(state__in=states)
    return visible_to(user).filter(wanted, state__in=OPEN).distinct()


CODE_DUTIES: dict[Role, list[State]] = {
    Role.CRB_MEMBER: [S.BOARD],
    Role.DEVELOPER: [S.REQUIREMENTS, S.RISK_ASSESSMENT, S.DEVELOPMENT],
    Role.PEER_REVIEWER: [S.RISK_ASSESSMENT, S.DEVELOPMENT],
    Role.TESTER: [S.TESTING],
    Role.RELEASE_MANAGER: [S.DEPLOYMENT],
}
"""The states of the code path in which a role has something to do, whoever the customer is."""
