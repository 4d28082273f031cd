"""The page on which a silent requester's change is closed."""

from typing import Any

from django.test import Client

from changes import lifecycle
from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


def escalated(cast: Cast) -> Change:
    """A change whose requester has stayed silent to the last."""
    change = stories.in_confirmation(cast)
    lifecycle.escalate(change.confirmation.pk)
    return Change.objects.get(pk=change.pk)


class TestCloseUnanswered(StepPageTests):
    verb = "close_unanswered"
    make = escalated
    who = "success"
    refused = ("tester", "owner or its customer success team")
    required = ("reason",)
    texts = {"reason": 5001}
    after = State.CLOSED

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"reason": "Phoned twice; she is on leave."}

    def test_the_requester_has_time_first(self, page: Client, cast: Cast) -> None:
        change = stories.in_confirmation(cast)
        for answer in (page.get(self.address(change)), self.send(page, cast, change)):
            assert answer.status_code == 409
            assert "reminders are still going out" in answer.content.decode()
        assert self.is_untouched(change)
