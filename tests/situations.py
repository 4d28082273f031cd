"""One maker for every situation of a change: its states, and what can be so within a state."""

from collections.abc import Callable
from datetime import date, time

from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle
from changes.models import Change, Confirmation, DeliveryProblem, Release
from crb.models import Board
from tests import standards
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
    on_board,
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


def release_cancelled(cast: Cast) -> Change:
    """A deployment that is planned with a release which will not come."""
    manager = cast.release_manager
    gone = lifecycle.plan_release(
        actor=manager, name=f"9.{Release.objects.count()}", planned_on=timezone.localdate()
    )
    change = lifecycle.plan_deployment(
        in_deployment(cast), actor=manager, release=gone, rollback_plan="Redeploy 4.11."
    )
    lifecycle.cancel_release(gone, actor=manager, reason="No time.")
    return change


def on_a_board(cast: Cast) -> Change:
    """Where everybody who is a member now has a seat on the board that decides."""
    seat_everybody()
    return on_board(cast)


def seat_everybody() -> None:
    """Seat all members on a board for every customer."""
    board = Board.objects.create(name="The board", start=time(14), first_date=date(2026, 1, 6))
    for user in User.objects.filter(groups__name=Role.CRB_MEMBER):
        board.memberships.create(user=user, starts_on=date(2020, 1, 1))


EVERY_SITUATION: dict[str, Callable[[Cast], Change]] = {
    **{str(state): maker for state, maker in MAKERS.items()},
    "board": on_a_board,
    "standard": standards.used,
    "standard rolled back": standards.rolled_back,
    "execution planned": execution_planned,
    "execution running": lambda cast: start(execution_planned(cast), cast),
    "risk assessed": risk_assessed,
    "developed": lambda cast: developed(in_development(cast), cast),
    "deployment planned": lambda cast: deployment_planned(in_deployment(cast), cast),
    "release cancelled": release_cancelled,
    "deployment running": lambda cast: deploy(deployment_planned(in_deployment(cast), cast), cast),
    "escalated": escalated,
    "undelivered": undelivered,
}
