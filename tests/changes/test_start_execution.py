"""The page on which the executor begins."""

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


class TestStartExecution(StepPageTests):
    verb = "start_execution"
    make = staticmethod(lambda cast: stories.plan(stories.in_execution(cast), cast))
    who = "support"
    refused = ("success", "executor, Sam Support")
    required = ("reason",)
    texts = {"reason": 5001}
    after = State.EXECUTION

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"reason": "Agreed on the 'phone."}

    def test_shows_the_plan_once_more(self, page: Client, cast: Cast, change: Change) -> None:
        html = page.get(self.address(change)).content.decode()
        assert "Set the hours back to 7–19." in html
        assert "not within the planned window now" in html
        assert Change.objects.get(pk=change.pk).execution.started_at is None

    def test_nothing_starts_without_a_plan(self, page: Client, cast: Cast) -> None:
        change = stories.in_execution(cast)
        for answer in (page.get(self.address(change)), self.send(page, cast, change)):
            assert answer.status_code == 409
            assert "window, steps and rollback plan are missing" in answer.content.decode()

    def test_what_is_carried_out_keeps_to_the_window_all_the_same(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        answer = self.send(page, cast, change, further="yes", reason="")
        assert answer.status_code == 400 and "This field is required." in answer.content.decode()
        assert self.is_untouched(change)
        assert self.send(page, cast, change, further="yes").status_code == 302
        now = Change.objects.get(pk=change.pk)
        assert (now.state, now.execution.notes) == (State.DOCUMENTATION, "Carried out as planned.")
        began = now.events.get(verb="start_execution")
        assert (began.reason, began.data["outside_window"]) == ("Agreed on the 'phone.", "early")


@pytest.mark.parametrize(
    ("hours", "outside"), [(-1, "early"), (0.5, ""), (3, "late"), (24 * 40, "late")]
)
def test_outside_of_the_window_it_needs_a_reason_which_stays_on_record(
    client: Client, cast: Cast, hours: float, outside: str
) -> None:
    change = stories.plan(stories.in_execution(cast), cast)
    address = f"/changes/{change.reference}/start_execution/"
    with time_machine.travel(change.execution.window_start + timedelta(hours=hours), tick=False):
        client.force_login(cast.support)
        assert ('name="reason"' in client.get(address).content.decode()) is bool(outside)
        if outside:
            for blank in ("", "  "):
                with pytest.raises(StepIncomplete, match="not within the planned window"):
                    lifecycle.start_execution(change, actor=cast.support, reason=blank)
        why = "The ward asked." if outside else ""
        change = lifecycle.start_execution(change, actor=cast.support, reason=why)
    event = change.events.get(verb="start_execution")
    assert (event.reason, event.data.get("outside_window", "")) == (why, outside)
    assert outside == "" or why in change.execution.history.first().history_change_reason
    client.force_login(cast.requester)
    page = client.get(f"/changes/{change.reference}/").content.decode()
    assert "The ward asked." not in page, "it was written for colleagues"
