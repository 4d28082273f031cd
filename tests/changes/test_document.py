"""The page on which the change is logged and the requester asked."""

from typing import Any

from django.test import Client

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestDocument(StepPageTests):
    verb = "document"
    make = stories.in_documentation
    who = "success"
    refused = ("tester", "customer success team that looks after Harbour Hospitals")
    required = ("system", "reference", "summary")
    texts = {"system": 101, "reference": 101, "summary": 5001}
    after = State.CONFIRMATION

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {
            "system": "Success desk",
            "reference": "SD-4711",
            "link": "https://desk.expansive.example/SD-4711",
            "summary": "Rooms can be booked at night.",
        }

    def test_a_link_must_be_a_web_address(self, page: Client, cast: Cast, change: Change) -> None:
        for bad in ("javascript:alert(1)", "ftp://desk.example/1", "not a link", "https://"):
            answer = self.send(page, cast, change, link=bad)
            assert answer.status_code == 400, bad
            assert 'id="id_link_error"' in answer.content.decode()
        assert self.is_untouched(change)
        assert self.send(page, cast, change, link="").status_code == 302

    def test_whose_turn_it_is_then_is_said(self, page: Client, cast: Cast, change: Change) -> None:
        self.send(page, cast, change)
        told = page.get(change.get_absolute_url()).content.decode()
        assert "Next: Say whether the change meets the need (Grace Requester)." in told

    def test_the_customer_reads_the_summary_and_not_the_tool(
        self, client: Client, page: Client, cast: Cast, change: Change
    ) -> None:
        self.send(page, cast, change)
        assert "SD-4711" in page.get(change.get_absolute_url()).content.decode()
        client.force_login(cast.requester)
        html = client.get(change.get_absolute_url()).content.decode()
        assert "Rooms can be booked at night." in html
        assert "SD-4711" not in html
