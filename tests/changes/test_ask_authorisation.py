"""The page on which a standard change is given back for an authorisation of its own."""

from typing import Any

from changes.models import Change
from changes.states import State
from tests import standards
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestAskAuthorisation(StepPageTests):
    verb = "ask_authorisation"
    make = standards.rolled_back
    who = "success"
    refused = ("tester", "customer success team")
    required = ("reason",)
    texts = {"reason": 2001}
    after = State.AUTHORISATION

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"reason": "It was the network, not the switch."}
