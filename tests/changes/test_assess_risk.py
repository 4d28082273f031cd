"""The page on which security risks are assessed."""

from typing import Any

from django.test import Client

from changes import lifecycle
from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestAssessRisk(StepPageTests):
    verb = "assess_risk"
    make = stories.in_risk_assessment
    who = "developer"
    refused = ("tester", "role: Developer")
    required = ("security_risks", "impact_analysis", "mitigations")
    texts = {"security_risks": 10001, "impact_analysis": 10001, "mitigations": 10001}
    after = State.RISK_ASSESSMENT

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {
            "security_risks": "Bookings without supervision.",
            "impact_analysis": "Space booking & its mails.",
            "mitigations": "A limit per person.",
        }

    def test_one_at_a_time_waits_for_its_signature(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        answer = page.get(self.address(stories.risk_assessed(cast)))
        assert answer.status_code == 409
        assert "waiting for its sign-off" in answer.content.decode()

    def test_a_returned_one_is_where_the_next_begins(self, page: Client, cast: Cast) -> None:
        change = lifecycle.sign_risk_assessment(
            stories.risk_assessed(cast),
            actor=cast.release_manager,
            signed_off=False,
            remarks="What about guests?",
        )
        html = page.get(self.address(change)).content.decode()
        assert "Unsupervised bookings." in html
        assert "What about guests?" in html

    def test_a_customer_does_not_read_the_risks(
        self, client: Client, page: Client, cast: Cast, change: Change
    ) -> None:
        self.send(page, cast, change)
        assert "A limit per person." in page.get(change.get_absolute_url()).content.decode()
        client.force_login(cast.requester)
        html = client.get(change.get_absolute_url()).content.decode()
        assert "A limit per person." not in html
        assert "Bookings without supervision." not in html
