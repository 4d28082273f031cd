"""The page on which requirements are written down."""

from typing import Any

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestDefineRequirements(StepPageTests):
    verb = "define_requirements"
    make = stories.in_requirements
    who = "developer"
    refused = ("tester", "role: Developer")
    required = ("purpose", "scope", "objectives", "acceptance_criteria")
    texts = {"purpose": 5001, "scope": 5001, "objectives": 5001, "acceptance_criteria": 5001}
    after = State.RISK_ASSESSMENT

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {
            "purpose": "Rooms at night.",
            "scope": "Space booking only.",
            "objectives": "No calls to the day team.",
            "acceptance_criteria": "A booking at 3 o'clock works.",
        }
