"""What waits for whom: each duty is a step, the states it belongs to, and whose changes.

The conditions say in SQL what ``permissions`` says about one loaded change, so that a queue of
any length is one query. A test goes through every state and person and holds the two together:
whoever has a duty may take the step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Role

from .alone import barred_from
from .answers import undelivered
from .askers import asked_by
from .models import (
    Confirmation,
    DeliveryProblem,
    Deployment,
    Development,
    Event,
    Execution,
    PeerReview,
    Question,
    RiskAssessment,
)
from .presence import without_executor, without_owner, without_requester
from .process import STEP
from .states import OPEN, State

S = State
Condition = Callable[[User], Q | None]
"""Whose changes: None when nothing of this kind ever waits for the person."""


@dataclass(frozen=True)
class Duty:
    """A step that waits for a person: what it is called, where it is done, and whose it is."""

    verb: str
    states: tuple[State, ...]
    condition: Condition
    label: str | Promise
    url_name: str
    list_name: str = ""
    """The page that lists all of it, where the list of changes by state does not do."""


def _duty(
    verb: str,
    *states: State,
    whose: Condition,
    label: str | Promise = "",
    url_name: str = "",
    list_name: str = "",
) -> Duty:
    name = url_name or f"changes:{verb}"
    return Duty(verb, states, whose, label or STEP[verb].label, name, list_name)


# Whose changes ------------------------------------------------------------------------------


def _team(user: User) -> Q | None:
    if not user.has_role(Role.CUSTOMER_SUCCESS) or not user.team_ids:
        return None
    return Q(organisation__success_team__in=user.team_ids)


def _holders_of(*roles: Role) -> Condition:
    return lambda user: Q() if user.has_role(*roles) else None


def _owner_or_team(user: User) -> Q | None:
    """The owner; without one who is still there, the customer success team."""
    team = _team(user)
    owner = Q(owner=user) if user.is_internal else None
    if team is None:
        return owner
    unowned = team & without_owner()
    return unowned if owner is None else owner | unowned


def _both(first: Condition, second: Condition) -> Condition:
    def condition(user: User) -> Q | None:
        one, other = first(user), second(user)
        return None if one is None or other is None else one & other

    return condition


# What must be so ----------------------------------------------------------------------------


def _of_this_round(model: type) -> QuerySet:
    return model.objects.filter(  # type: ignore[attr-defined]
        change=OuterRef("pk"), path=OuterRef("path"), round=OuterRef("round")
    )


def _did(user: User, *verbs: str) -> Exists:
    return Exists(Event.objects.filter(change=OuterRef("pk"), actor=user, verb__in=verbs))


def _approver(user: User) -> Q | None:
    """An authorised approver who neither asked for the change nor executes it."""
    if not user.has_role(Role.APPROVER) or not user.approves_for_ids:
        return None
    executes = Exists(Execution.objects.filter(change=OuterRef("pk"), executor=user))
    acted = _did(user, "start_execution", "record_execution")
    allowed = ~asked_by(user) & ~executes & ~acted & ~barred_from(user)
    return Q(organisation__in=user.approves_for_ids) & allowed


def _unplanned(model: type) -> Condition:
    return lambda user: Q(~Exists(_of_this_round(model)))


def _executor(*, started: bool) -> Condition:
    def condition(user: User) -> Q | None:
        allowed = Q() if user.has_role(Role.SUPPORT) else _team(user)
        if allowed is None:
            return None
        plans = _of_this_round(Execution).filter(executor=user, finished_at=None)
        own = Exists(plans.filter(started_at__isnull=not started))
        return allowed & Q(own) & ~_did(user, "authorise")

    return condition


def _left_by_executor(*, started: bool) -> Condition:
    def condition(user: User) -> Q | None:
        team = _team(user)
        if team is None:
            return None
        plans = _of_this_round(Execution).filter(finished_at=None, started_at__isnull=not started)
        return team & Q(Exists(without_executor(plans))) & ~_did(user, "authorise")

    return condition


def _deployment(*, started: bool) -> Condition:
    plans = _of_this_round(Deployment).filter(finished_at=None, started_at__isnull=not started)
    return lambda user: Q(Exists(plans))


def _open_questions() -> QuerySet:
    """What waits for an answer; the questions of older paths are void."""
    return Question.objects.filter(
        change=OuterRef("pk"), decision__path=OuterRef("path"), answered_at=None
    )


def _asked(user: User) -> Q:
    return Q(Exists(_open_questions().filter(answerer=user)))


def _question_to_nobody() -> Q:
    """A question whose answerer has left, or can see no change any more."""
    roles = User.groups.through.objects.filter(user=OuterRef("answerer"))
    left = Q(answerer__is_active=False) | (Q(answerer__organisation=None) & ~Q(Exists(roles)))
    found = _open_questions().filter(left)
    return Q(Exists(found))


def _pending_risk() -> QuerySet:
    return RiskAssessment.objects.filter(
        change=OuterRef("pk"), path=OuterRef("path"), outcome=RiskAssessment.Outcome.PENDING
    )


def _second_person(user: User) -> Q:
    """Somebody who wrote neither the assessment that waits nor an earlier version of it."""
    wrote = RiskAssessment.objects.filter(change=OuterRef("pk"), recorded_by=user)
    return Q(Exists(_pending_risk())) & ~Q(Exists(wrote))


def _unreviewed() -> Exists:
    """The newest development of this round has no review yet."""
    newer = Development.objects.filter(
        change=OuterRef("change"),
        path=OuterRef("path"),
        round=OuterRef("round"),
        pk__gt=OuterRef("pk"),
    )
    review = PeerReview.objects.filter(development=OuterRef("pk"))
    return Exists(_of_this_round(Development).filter(~Exists(newer), ~Exists(review)))


def _not_author(user: User) -> Q:
    written = Development.authors.through.objects.filter(
        development__change=OuterRef("pk"), user=user
    )
    return ~Q(Exists(written)) & ~_did(user, "record_development")


def _escalated(user: User) -> Q:
    silent = Confirmation.objects.filter(
        ~undelivered(), change=OuterRef("pk"), answer="", escalated_at__isnull=False
    )
    return Q(Exists(silent))


def _undelivered(user: User) -> Q:
    """Mail about it did not arrive, and nobody has said what was done. There are few of these."""
    unsettled = DeliveryProblem.objects.filter(resolved_at=None).order_by()
    return Q(pk__in=unsettled.values("change"))


def _owner_outside_the_team(user: User) -> Q | None:
    """An owner who cannot plan, and so can only give the change up."""
    if not user.is_internal:
        return None
    team = _team(user)
    return Q(owner=user) if team is None else Q(owner=user) & ~team


DEVELOPERS = _holders_of(Role.DEVELOPER)
RELEASE_MANAGERS = _holders_of(Role.RELEASE_MANAGER)

DUTIES: tuple[Duty, ...] = (
    _duty(
        "answer_confirmation",
        S.CONFIRMATION,
        whose=lambda user: Q(requester=user),
        label=_("Confirm the result"),
    ),
    _duty("answer_question", S.INFORMATION_REQUIRED, whose=_asked),
    _duty(
        "answer_question",
        S.INFORMATION_REQUIRED,
        whose=_both(_team, lambda user: _question_to_nobody()),
        label=_("Answer for somebody who has left"),
    ),
    _duty(
        "replace_requester",
        S.CONFIRMATION,
        whose=_both(_team, lambda user: without_requester()),
        label=_("Name another requester: they have left"),
    ),
    _duty("authorise", S.AUTHORISATION, whose=_approver),
    _duty("record_execution", S.EXECUTION, whose=_executor(started=True)),
    _duty("start_execution", S.EXECUTION, whose=_executor(started=False)),
    _duty("assess", S.SUBMITTED, whose=_team),
    _duty("review", S.REVIEW, whose=_team),
    _duty("plan_execution", S.EXECUTION, whose=_both(_team, _unplanned(Execution))),
    _duty("plan_execution", S.ROLLED_BACK, whose=_team, label=_("Plan again or close")),
    _duty("close_rolled_back", S.ROLLED_BACK, whose=_owner_outside_the_team),
    _duty("record_execution", S.EXECUTION, whose=_left_by_executor(started=True)),
    _duty(
        "plan_execution",
        S.EXECUTION,
        whose=_left_by_executor(started=False),
        label=_("Name another executor"),
    ),
    _duty("document", S.DOCUMENTATION, whose=_team),
    _duty(
        "rework",
        S.NOT_CONFIRMED,
        whose=_owner_or_team,
        label=_("Rework or close"),
        url_name="changes:detail",
    ),
    _duty(
        "settle_delivery",
        *(state for state in State if state in OPEN),
        whose=_both(_owner_or_team, _undelivered),
        label=_("Settle mail that did not arrive"),
        url_name="changes:mail_log",
        list_name="changes:mail_problems",
    ),
    _duty("close_unanswered", S.CONFIRMATION, whose=_both(_owner_or_team, _escalated)),
    _duty(
        "record_board_outcome",
        S.BOARD,
        whose=_holders_of(Role.CRB_MEMBER),
        label=_("Vote"),
        url_name="crb:board",
    ),
    _duty("define_requirements", S.REQUIREMENTS, whose=DEVELOPERS),
    _duty(
        "sign_risk_assessment",
        S.RISK_ASSESSMENT,
        whose=_both(
            _holders_of(Role.DEVELOPER, Role.PEER_REVIEWER, Role.RELEASE_MANAGER), _second_person
        ),
    ),
    _duty(
        "assess_risk",
        S.RISK_ASSESSMENT,
        whose=_both(DEVELOPERS, lambda user: ~Q(Exists(_pending_risk()))),
    ),
    _duty(
        "peer_review",
        S.DEVELOPMENT,
        whose=_both(
            _holders_of(Role.PEER_REVIEWER), lambda user: Q(_unreviewed()) & _not_author(user)
        ),
    ),
    _duty(
        "record_development",
        S.DEVELOPMENT,
        whose=_both(DEVELOPERS, lambda user: ~Q(_unreviewed())),
    ),
    _duty("record_test", S.TESTING, whose=_both(_holders_of(Role.TESTER), _not_author)),
    _duty(
        "record_deployment", S.DEPLOYMENT, whose=_both(RELEASE_MANAGERS, _deployment(started=True))
    ),
    _duty(
        "start_deployment", S.DEPLOYMENT, whose=_both(RELEASE_MANAGERS, _deployment(started=False))
    ),
    _duty("plan_deployment", S.DEPLOYMENT, whose=_both(RELEASE_MANAGERS, _unplanned(Deployment))),
)
"""In the order in which a person's duties are shown: first what somebody else waits for."""


def duties_of(user: User) -> list[tuple[Duty, Q]]:
    """Return every duty that this person can have, with the condition on the changes."""
    found = ((duty, duty.condition(user)) for duty in DUTIES)
    return [
        (duty, Q(state__in=duty.states) & condition)
        for duty, condition in found
        if condition is not None
    ]


def any_duty_of(user: User) -> Q | None:
    """Return the condition for a change on which this person has a duty, None if there is none."""
    conditions = [condition for _duty, condition in duties_of(user)]
    return reduce(or_, conditions) if conditions else None
