"""The page on which the outcome of a deployment is recorded."""

from typing import Any

from django.test import Client

from changes import lifecycle
from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


def running(cast: Cast) -> Change:
    """A change whose deployment has begun."""
    planned = stories.deployment_planned(stories.in_deployment(cast), cast)
    return lifecycle.start_deployment(planned, actor=cast.release_manager)


class TestRecordDeployment(StepPageTests):
    verb = "record_deployment"
    make = running
    who = "release_manager"
    refused = ("developer", "role: Release manager")
    required = ("outcome", "notes")
    texts = {"notes": 5001}
    after = State.CONFIRMATION

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"outcome": "succeeded", "notes": "Rooms can be booked at night."}

    def test_a_roll_back_returns_to_development(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        assert self.send(page, cast, change, outcome="rolled_back").status_code == 302
        now = Change.objects.get(pk=change.pk)
        assert (now.state, now.round) == (State.DEVELOPMENT, 2)
