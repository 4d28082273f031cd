"""The page on which the requester answers, signed in."""

from typing import Any

from django.test import Client
from django.urls import reverse

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast

NO = {"meets_need": "no", "wish": "not_right"}


class TestAnswerConfirmation(StepPageTests):
    verb = "answer_confirmation"
    make = stories.in_confirmation
    who = "requester"
    refused = ("colleague", "Only the original requester answers this.")
    required = ("meets_need", "as_expected")
    texts = {"reason": 5001}
    after = State.CLOSED

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"meets_need": "yes", "as_expected": "yes", "reason": "Thanks & regards."}

    def test_a_no_says_why(self, page: Client, cast: Cast, change: Change) -> None:
        for nothing in ("", "   ", None):
            answer = self.send(page, cast, change, **NO, reason=nothing)
            assert answer.status_code == 400
            assert 'id="id_reason_error"' in answer.content.decode()
        assert self.is_untouched(change)
        answer = self.send(page, cast, change, meets_need="no")
        assert 'id="id_wish_error"' in answer.content.decode()
        assert self.is_untouched(change)
        assert self.send(page, cast, change, **NO).status_code == 302
        assert Change.objects.get(pk=change.pk).state == State.NOT_CONFIRMED

    def test_something_further_leads_to_the_request_for_it(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        answer = self.send(page, cast, change, as_expected="no", wish="something_further")
        assert answer.status_code == 302
        address = reverse("changes:request_successor", args=[change.pk])
        assert answer["Location"] == address
        assert "Thanks &amp; regards." in page.get(address).content.decode()

    def test_shows_what_was_done_and_all_that_was_asked_for(
        self, page: Client, change: Change
    ) -> None:
        html = page.get(self.address(change)).content.decode()
        assert "What you asked for" in html
        assert "story-description-short" not in html, "it is in no box that scrolls"
        assert "Rooms can be booked around the clock." in html
