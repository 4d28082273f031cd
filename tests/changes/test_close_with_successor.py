"""The page on which what goes beyond a change becomes a new one."""

from typing import Any

from django.test import Client

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestCloseWithSuccessor(StepPageTests):
    verb = "close_with_successor"
    make = stories.not_confirmed
    who = "success"
    refused = ("tester", "owner or its customer success team")
    required = ("reason", "title", "description")
    texts = {"reason": 5001, "title": 201, "description": 50001}
    after = State.CLOSED

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {
            "reason": "Sundays were never part of it.",
            "title": "Let night staff book on Sundays",
            "description": "As CR-1, on Sundays too.",
        }

    def test_begins_with_the_requesters_words(self, page: Client, change: Change) -> None:
        html = page.get(self.address(change)).content.decode()
        assert f'value="{change.title}"' in html
        assert "&gt; Not on Sundays." in html
        assert "Grace Requester wrote" in html
        assert "extend the booking hours" in html

    def test_the_successor_is_linked_and_submitted(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        self.send(page, cast, change)
        link = change.links_in.get()
        assert link.kind == "successor_of"
        assert link.source.state == State.SUBMITTED
        assert link.source.requester == cast.requester
        html = page.get(change.get_absolute_url()).content.decode()
        assert link.source.reference in html
        assert f'<a class="alert-link" href="{link.source.get_absolute_url()}">Open ' in html
