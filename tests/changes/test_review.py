"""The page on which customer success reviews."""

from typing import Any

from django.test import Client

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestReview(StepPageTests):
    verb = "review"
    make = stories.in_review
    who = "success"
    refused = ("stranger_success", "customer success team that looks after Harbour Hospitals")
    required = ("outcome", "findings")
    texts = {"findings": 5001}
    after = State.AUTHORISATION

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"outcome": "endorsed", "findings": "Checked <the> contract."}

    def test_a_refusal_ends_the_change(self, page: Client, cast: Cast, change: Change) -> None:
        assert self.send(page, cast, change, outcome="refused").status_code == 302
        assert Change.objects.get(pk=change.pk).state == State.REFUSED
