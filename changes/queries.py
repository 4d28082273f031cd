"""Named querysets: what a person sees, what waits for them, what is late."""

from enum import Enum, auto
from functools import cache

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.standing import Anybody
from expansive_cm.numbers import LARGEST_KEY
from expansive_cm.statements import Given, ObjectStatement, given_keys, is_one_of

from . import promises
from .models import Change, Development, Event, Question
from .states import OPEN, State
from .turns import any_turn_of

S = State

THROWN_AWAY = Q(state=S.WITHDRAWN, submitted_at=None)
"""Drafts that were given up: their writer finds them by their number, no list shows them."""
UNSENT = Q(state=S.DRAFT) | THROWN_AWAY
"""What was never sent exists for its writer alone, for good."""


def visible_to(user: User | Anybody) -> QuerySet[Change]:
    """Changes that exist for this person (the rule of ``permissions.may_see``)."""
    if not user.is_active:
        return Change.objects.none()
    reader = _Reader.of(user)
    theirs = is_one_of("organisation", user.customer_ids)
    return Change.objects.filter(_exists_for(reader, user.pk, theirs))


class _Reader(Enum):
    """As what somebody reads."""

    COLLEAGUE = auto()
    WITHOUT_ROLE = auto()
    CUSTOMER = auto()

    @classmethod
    def of(cls, user: User | Anybody) -> "_Reader":
        if not user.is_internal:
            return cls.CUSTOMER
        return cls.COLLEAGUE if user.roles else cls.WITHOUT_ROLE


def _exists_for(reader: _Reader, key: int | Given, theirs: Q) -> Q:
    """The condition for what exists for the person of a key; ``theirs``: of their customers."""
    raised = Q(raised_by=key)
    if reader is _Reader.COLLEAGUE:
        return ~UNSENT | raised
    if reader is _Reader.WITHOUT_ROLE:
        return raised | (Q(requester=key) & ~UNSENT)
    drafts = Q(organisation=None) & raised
    return drafts | (theirs & (raised | ~UNSENT))


def visible_one(user: User, key: int, *, people: bool = False) -> Change | None:
    """Return the change of a key if it exists for this person (``visible_to``), or None.

    ``people``: with those whom a row of a list shows.
    """
    if not user.is_active or key > LARGEST_KEY:
        return None
    reader = _Reader.of(user)
    given = {"change": key, "reader": user.pk, "customers": sorted(user.customer_ids)}
    return next(iter(_visible_one(reader, people).objects(**given)), None)


@cache
def _visible_one(reader: _Reader, people: bool) -> ObjectStatement[Change]:
    exists = _exists_for(
        reader, Given("reader"), is_one_of("organisation", given_keys("customers"))
    )
    one = Change.objects.filter(exists, pk=Given("change"))
    return ObjectStatement(lambda: with_people(one) if people else one)


def with_people(changes: QuerySet[Change]) -> QuerySet[Change]:
    """Join what every row of a list shows, so that rows cost no queries."""
    return changes.select_related(
        "organisation__success_team",
        "requester",
        "raised_by",
        "owner",
        "promised_release",
        "release",
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
