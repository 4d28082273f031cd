"""The page on which a request is taken back."""

from typing import Any

from django.test import Client

from changes import lifecycle
from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestWithdraw(StepPageTests):
    verb = "withdraw"
    make = stories.in_authorisation
    who = "requester"
    refused = ("tester", "owner or its customer success team")
    required = ("reason",)
    texts = {"reason": 5001}
    after = State.WITHDRAWN

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"reason": "We've found another way."}

    def test_ends_when_the_execution_has_begun(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        running = stories.plan(stories.in_execution(cast), cast)
        running = lifecycle.start_execution(running, actor=cast.support, reason="Early.")
        answer = page.get(self.address(running))
        assert answer.status_code == 409
        assert "already being put in place" in answer.content.decode()
