"""The page on which a rolled-back change is given up."""

from typing import Any

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestCloseRolledBack(StepPageTests):
    verb = "close_rolled_back"
    make = stories.rolled_back
    who = "success"
    refused = ("tester", "owner or its customer success team")
    required = ("reason",)
    texts = {"reason": 5001}
    after = State.CLOSED

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"reason": "The setting does not do what was hoped."}
