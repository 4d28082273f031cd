"""The page on which a change is taken back."""

from typing import Any

from django.test import Client

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestRework(StepPageTests):
    verb = "rework"
    make = stories.not_confirmed
    who = "success"
    refused = ("tester", "owner or its customer success team")
    required = ("reason",)
    texts = {"reason": 5001}
    after = State.EXECUTION

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"reason": "Sundays were agreed."}

    def test_shows_what_the_requester_wrote(self, page: Client, change: Change) -> None:
        assert "Not on Sundays." in page.get(self.address(change)).content.decode()
