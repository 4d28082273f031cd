"""What else must be so within a state for a step to be next: of a loaded change, and in SQL.

The two stand side by side, and a test goes through every situation and holds them together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from expansive_cm.statements import Given, Statement

from .. import gates
from ..answers import undelivered
from ..models import (
    Authorisation,
    Change,
    Confirmation,
    DeliveryProblem,
    Deployment,
    Development,
    Execution,
    PeerReview,
    RiskAssessment,
)
from .groups import open_questions
from .presence import (
    executor_is_there,
    is_there,
    left,
    requester_is_there,
    without_executor,
    without_requester,
)


@dataclass(frozen=True)
class Situation:
    """Something that holds of a change, or does not; ``changes`` is the same as a condition."""

    holds: Callable[[Change], bool]
    changes: Callable[[], Q]

    def __and__(self, other: "Situation") -> "Situation":
        return Situation(
            lambda change: self.holds(change) and other.holds(change),
            lambda: self.changes() & other.changes(),
        )

    def __invert__(self) -> "Situation":
        return Situation(lambda change: not self.holds(change), lambda: ~self.changes())


ALWAYS = Situation(lambda change: True, Q)


def _of_this_round(model: Any) -> QuerySet:
    return model.objects.filter(
        change=OuterRef("pk"), path=OuterRef("path"), round=OuterRef("round")
    )


def _unfinished(model: Any, *, started: bool) -> QuerySet:
    return _of_this_round(model).filter(finished_at=None, started_at__isnull=not started)


def _without_its_release() -> QuerySet:
    return _unfinished(Deployment, started=False).filter(release__cancelled_at__isnull=False)


# Execution and deployment -----------------------------------------------------------------------

UNPLANNED = Situation(
    lambda change: change.execution is None,
    lambda: ~Q(Exists(_of_this_round(Execution))),
)
PLANNED = Situation(
    lambda change: bool(change.execution) and not change.execution.started_at,
    lambda: Q(Exists(_unfinished(Execution, started=False))),
)
RUNNING = Situation(
    lambda change: not gates.execution_not_running(change),
    lambda: Q(Exists(_unfinished(Execution, started=True))),
)


def _authorised_in_advance() -> Q:
    """The newest authorisation of this path was given by the approval of a standard change."""
    given = Authorisation.objects.filter(change=OuterRef("pk"), path=OuterRef("path"))
    later = Authorisation.objects.filter(
        change=OuterRef("change"), path=OuterRef("path"), pk__gt=OuterRef("pk")
    )
    return Q(Exists(given.filter(~Exists(later), standard__isnull=False)))


AS_STANDARD = Situation(gates.authorised_as_standard, _authorised_in_advance)
EXECUTOR_LEFT = Situation(
    lambda change: bool(change.execution) and not executor_is_there(change, change.execution),
    lambda: Q(Exists(without_executor(_of_this_round(Execution).filter(finished_at=None)))),
)
DEPLOYMENT_UNPLANNED = Situation(
    lambda change: change.deployment is None or gates.release_is_cancelled(change),
    lambda: ~Q(Exists(_of_this_round(Deployment))) | Q(Exists(_without_its_release())),
)
DEPLOYMENT_PLANNED = Situation(
    lambda change: (
        bool(change.deployment)
        and not change.deployment.started_at
        and not gates.release_is_cancelled(change)
    ),
    lambda: Q(Exists(_unfinished(Deployment, started=False))) & ~Q(Exists(_without_its_release())),
)
DEPLOYMENT_RUNNING = Situation(
    lambda change: not gates.deployment_not_running(change),
    lambda: Q(Exists(_unfinished(Deployment, started=True))),
)


# Development --------------------------------------------------------------------------------


def _pending_risk() -> Q:
    pending = RiskAssessment.objects.filter(
        change=OuterRef("pk"), path=OuterRef("path"), outcome=RiskAssessment.Outcome.PENDING
    )
    return Q(Exists(pending))


def _unreviewed() -> Q:
    """The newest development of this round has no review yet."""
    newer = Development.objects.filter(
        change=OuterRef("change"),
        path=OuterRef("path"),
        round=OuterRef("round"),
        pk__gt=OuterRef("pk"),
    )
    review = PeerReview.objects.filter(development=OuterRef("pk"))
    return Q(Exists(_of_this_round(Development).filter(~Exists(newer), ~Exists(review))))


RISK_AWAITS_SIGNING = Situation(
    lambda change: bool(gates.risk_awaits_sign_off(change)), _pending_risk
)
UNREVIEWED = Situation(lambda change: not gates.nothing_to_review(change), _unreviewed)


# The requester and those asked ----------------------------------------------------------------


def _escalated(change: Change) -> bool:
    asked = change.confirmation
    return bool(asked and asked.escalated_at) and not gates.requester_still_has_time(change)


def _escalated_changes() -> Q:
    silent = Confirmation.objects.filter(
        change=OuterRef("pk"), answer="", escalated_at__isnull=False
    )
    return Q(Exists(silent)) & ~undelivered("pk", "requester")


SILENT_FOR_LONG = Situation(_escalated, _escalated_changes)
"""The requester was reminded again and again, and the owner was told."""

REQUESTER_LEFT = Situation(lambda change: not requester_is_there(change), without_requester)

SOMEBODY_ASKED_LEFT = Situation(
    lambda change: any(not is_there(one.answerer, change) for one in change.open_questions),
    lambda: Q(Exists(open_questions().filter(left("answerer", "change")))),
)

PROBLEM_WITH = Statement(
    lambda: (
        DeliveryProblem.objects.filter(change=Given("change"), resolved_at=None)
        .order_by()
        .values_list("pk")[:1]
    ),
    planned_once=True,
)

MAIL_DID_NOT_ARRIVE = Situation(
    lambda change: bool(PROBLEM_WITH.rows(change=change.pk)),
    lambda: Q(pk__in=DeliveryProblem.objects.filter(resolved_at=None).order_by().values("change")),
)
"""Nobody has said what was done about it. There are few of these."""
