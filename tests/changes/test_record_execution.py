"""The page on which the executor says how it went."""

from typing import Any

from django.test import Client

from changes import lifecycle
from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


def running(cast: Cast) -> Change:
    """A change whose execution has begun."""
    planned = stories.plan(stories.in_execution(cast), cast)
    return lifecycle.start_execution(planned, actor=cast.support, reason="Early.")


class TestRecordExecution(StepPageTests):
    verb = "record_execution"
    make = running
    who = "support"
    refused = ("success", "executor, Sam Support")
    required = ("outcome", "notes")
    texts = {"notes": 5001}
    after = State.DOCUMENTATION

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"outcome": "succeeded", "notes": "Two rooms booked as a test."}

    def test_a_roll_back_is_told(self, page: Client, cast: Cast, change: Change) -> None:
        assert self.send(page, cast, change, outcome="rolled_back").status_code == 302
        assert Change.objects.get(pk=change.pk).state == State.ROLLED_BACK

    def test_not_finished_is_no_outcome(self, page: Client, cast: Cast, change: Change) -> None:
        assert self.send(page, cast, change, outcome="").status_code == 400
        assert self.is_untouched(change)
