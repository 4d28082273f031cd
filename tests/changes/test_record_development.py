"""The page on which a round of development is recorded."""

from typing import Any

from django.test import Client

from changes.models import CHECKLIST, Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestRecordDevelopment(StepPageTests):
    verb = "record_development"
    make = stories.in_development
    who = "developer"
    refused = ("peer_reviewer", "role: Developer")
    required = ("reference", "authors", "notes", "checklist")
    texts = {"reference": 501, "notes": 5001}
    after = State.DEVELOPMENT

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {
            "reference": "https://git.expansive.example/space/pull/7",
            "authors": [cast.developer.pk],
            "notes": "Hours are a setting.",
            "checklist": list(CHECKLIST),
        }

    def test_every_open_point_is_named(self, page: Client, cast: Cast, change: Change) -> None:
        answer = self.send(page, cast, change, checklist=["input_validated"])
        html = answer.content.decode()
        assert answer.status_code == 400
        assert "Still open: No secrets in code, logs or error messages." in html
        assert "Still open: All input is validated" not in html
        assert self.send(page, cast, change, checklist=["made_up"]).status_code == 400
        assert self.is_untouched(change)

    def test_only_developers_are_authors(self, page: Client, cast: Cast, change: Change) -> None:
        for outsider in (cast.tester, cast.requester, cast.nobody):
            assert self.send(page, cast, change, authors=[outsider.pk]).status_code == 400
        assert self.is_untouched(change)

    def test_a_script_is_no_link(self, page: Client, cast: Cast, change: Change) -> None:
        self.send(page, cast, change, reference="javascript:alert(1)")
        html = page.get(change.get_absolute_url()).content.decode()
        assert "javascript:alert(1)" in html
        assert 'href="javascript' not in html
