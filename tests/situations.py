"""One maker for every situation of a change: its states, and what can be so within a state."""

from collections.abc import Callable

from django.utils import timezone

from changes import lifecycle
from changes.models import Change, Confirmation, DeliveryProblem
from tests.people import Cast
from tests.remembered import remembered
from tests.stories import (
    MAKERS,
    deployment_planned,
    developed,
    in_confirmation,
    in_deployment,
    in_development,
    in_execution,
    plan,
    risk_assessed,
)


@remembered
def execution_planned(cast: Cast) -> Change:
    return plan(in_execution(cast), cast)


@remembered
def escalated(cast: Cast) -> Change:
    change = in_confirmation(cast)
    Confirmation.objects.filter(change=change).update(escalated_at=timezone.now())
    return change


@remembered
def undelivered(cast: Cast) -> Change:
    change = in_confirmation(cast)
    DeliveryProblem.objects.create(
        change=change, person=cast.requester, address=cast.requester.email, reason="No such user."
    )
    return change


def start(change: Change, cast: Cast) -> Change:
    return lifecycle.start_execution(change, actor=cast.support, reason="Early.")


def deploy(change: Change, cast: Cast) -> Change:
    return lifecycle.start_deployment(change, actor=cast.release_manager)


EVERY_SITUATION: dict[str, Callable[[Cast], Change]] = {
    **{str(state): maker for state, maker in MAKERS.items()},
    "execution planned": execution_planned,
    "execution running": lambda cast: start(execution_planned(cast), cast),
    "risk assessed": risk_assessed,
    "developed": lambda cast: developed(in_development(cast), cast),
    "deployment planned": lambda cast: deployment_planned(in_deployment(cast), cast),
    "deployment running": lambda cast: deploy(deployment_planned(in_deployment(cast), cast), cast),
    "escalated": escalated,
    "undelivered": undelivered,
}
