"""The page on which an authorised approver decides."""

from typing import Any

from django.test import Client

from changes import lifecycle
from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestAuthorise(StepPageTests):
    verb = "authorise"
    make = stories.in_authorisation
    who = "approver"
    refused = ("success", "authorised approver of Harbour Hospitals")
    required = ("outcome", "reason")
    texts = {"reason": 5001}
    after = State.EXECUTION

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"outcome": "authorised", "reason": "The wards need it."}

    def test_shows_request_assessment_and_review(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        html = page.get(self.address(change)).content.decode()
        assert "extend the booking hours" in html
        assert "Space booking restarts once." in html
        assert "Harmless." in html

    def test_a_refusal_ends_the_change(self, page: Client, cast: Cast, change: Change) -> None:
        assert self.send(page, cast, change, outcome="refused").status_code == 302
        assert Change.objects.get(pk=change.pk).state == State.REFUSED

    def test_nobody_authorises_what_they_asked_for(self, page: Client, cast: Cast) -> None:
        change = stories.assessed(cast, "configuration", requester=cast.approver)
        change = lifecycle.review(
            change, actor=cast.success, outcome="endorsed", findings="Harmless."
        )
        for answer in (page.get(self.address(change)), self.send(page, cast, change)):
            assert answer.status_code == 403
            assert "You requested this change." in answer.content.decode()
        assert self.is_untouched(change)
