"""Named querysets: what a person sees, what waits for them, what is late."""

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from accounts.models import User

from . import promises
from .models import Change, Development, Event, Question
from .states import OPEN, State
from .turns import any_turn_of

S = State

THROWN_AWAY = Q(state=S.WITHDRAWN, submitted_at=None)
"""Drafts that were given up: their writer finds them by their number, no list shows them."""
UNSENT = Q(state=S.DRAFT) | THROWN_AWAY
"""What was never sent exists for its writer alone, for good."""


def visible_to(user: User) -> QuerySet[Change]:
    """Changes that exist for this person (the rule of ``permissions.may_see``)."""
    if not user.is_active:
        return Change.objects.none()
    raised = Q(raised_by=user)
    if user.is_internal and user.roles:
        return Change.objects.filter(~UNSENT | raised)
    if user.is_internal:
        return Change.objects.filter(raised | (Q(requester=user) & ~UNSENT))
    theirs = Q(organisation__in={user.organisation_id, *user.approves_for_ids})
    drafts = Q(organisation=None) & raised
    return Change.objects.filter(drafts | (theirs & (raised | ~UNSENT)))


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


def owned_by(user: User) -> QuerySet[Change]:
    """Open changes that this person sees through."""
    return user.owned_changes.filter(state__in=OPEN)


def waiting_on(user: User) -> QuerySet[Change]:
    """Open changes on which it is this person's turn: a step waits that they may take now."""
    wanted = any_turn_of(user)
    if wanted is None:
        return Change.objects.none()
    return visible_to(user).filter(wanted, state__in=OPEN)


def overdue(changes: QuerySet[Change]) -> QuerySet[Change]:
    """Open changes whose promised date has passed where the board meets."""
    return changes.filter(promises.overdue(timezone.now()))
