"""The page on which the requester answers, signed in."""

from typing import Any

from django.test import Client

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestAnswerConfirmation(StepPageTests):
    verb = "answer_confirmation"
    make = stories.in_confirmation
    who = "requester"
    refused = ("colleague", "Only the original requester answers this.")
    required = ("answer",)
    texts = {"reason": 5001}
    after = State.CLOSED

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"answer": "confirmed", "reason": "Thanks & regards."}

    def test_a_no_says_why(self, page: Client, cast: Cast, change: Change) -> None:
        for nothing in ("", "   ", None):
            answer = self.send(page, cast, change, answer="not_as_expected", reason=nothing)
            assert answer.status_code == 400
            assert 'id="id_reason_error"' in answer.content.decode()
        assert self.is_untouched(change)
        assert self.send(page, cast, change, answer="not_as_expected").status_code == 302
        assert Change.objects.get(pk=change.pk).state == State.NOT_CONFIRMED

    def test_shows_what_was_done(self, page: Client, change: Change) -> None:
        html = page.get(self.address(change)).content.decode()
        assert "Rooms can be booked around the clock." in html
