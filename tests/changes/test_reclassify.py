"""The page on which a change gets the other type."""

from typing import Any

from django.test import Client

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestReclassify(StepPageTests):
    verb = "reclassify"
    make = stories.in_execution
    who = "success"
    refused = ("tester", "customer success team that looks after Harbour Hospitals")
    required = (
        "reason",
        "need",
        "likelihood",
        "impact",
        "service_impact",
        "customer_impact",
        "urgency",
    )
    texts = {"reason": 2001, "need": 5001}
    after = State.BOARD

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {
            **stories.ASSESSMENT,
            "reason": "The booking module must change.",
            "need": "Nights.",
        }

    def test_says_what_restarts(self, page: Client, cast: Cast, change: Change) -> None:
        html = page.get(self.address(change)).content.decode()
        assert "becomes a Code change" in html
        assert "The next step is the Change Request Board." in html
        assert "Night staff cannot book rooms." in html

    def test_earlier_records_are_kept(self, page: Client, cast: Cast, change: Change) -> None:
        self.send(page, cast, change)
        html = page.get(change.get_absolute_url()).content.decode()
        assert "Before the change was reclassified" in html
        assert "Endorsed" in html
        assert "The booking module must change." in html
