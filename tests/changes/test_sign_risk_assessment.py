"""The page on which a second person signs."""

from typing import Any

from django.test import Client

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestSignRiskAssessment(StepPageTests):
    verb = "sign_risk_assessment"
    make = stories.risk_assessed
    who = "release_manager"
    refused = (
        "developer",
        "a risk assessment is signed off by a second person. You wrote this one",
    )
    required = ("decision",)
    texts = {"remarks": 5001}
    after = State.DEVELOPMENT

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"decision": "signed_off", "remarks": "Complete & clear."}

    def test_a_return_says_what_is_lacking(self, page: Client, cast: Cast, change: Change) -> None:
        answer = self.send(page, cast, change, decision="returned", remarks="")
        assert answer.status_code == 400
        assert 'id="id_remarks_error"' in answer.content.decode()
        assert self.is_untouched(change)
        assert self.send(page, cast, change, decision="returned").status_code == 302
        assert Change.objects.get(pk=change.pk).state == State.RISK_ASSESSMENT
