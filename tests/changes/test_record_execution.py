"""The page on which the executor says how it went."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from changes import lifecycle
from changes.models import Change
from changes.states import State
from expansive_cm.workflow.errors import StepIncomplete
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


@pytest.mark.parametrize("minutes", [-1, 1])
def test_what_ends_after_its_window_says_so(client: Client, cast: Cast, minutes: int) -> None:
    change = running(cast)
    late = minutes > 0
    end = change.execution.window_end
    client.force_login(cast.support)
    with time_machine.travel(end + timedelta(minutes=minutes), tick=False):
        page = client.get(f"/changes/{change.reference}/record_execution/").content.decode()
        assert ("say also why it took longer" in page) is late
        act = {"actor": cast.support, "outcome": "succeeded"}
        if late:
            with pytest.raises(StepIncomplete, match="The window has closed"):
                lifecycle.record_execution(change, notes=" ", **act)
        lifecycle.record_execution(change, notes="The ward held us up.", **act)
    event = change.events.get(verb="record_execution")
    assert event.data.get("outside_window") == ("late" if late else None)
