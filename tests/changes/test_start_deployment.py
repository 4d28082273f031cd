"""The page on which the deployment gate is passed."""

from django.test import Client

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestStartDeployment(StepPageTests):
    verb = "start_deployment"
    make = staticmethod(lambda cast: stories.deployment_planned(stories.in_deployment(cast), cast))
    who = "release_manager"
    refused = ("developer", "role: Release manager")
    after = State.DEPLOYMENT

    def test_the_gate_shows_what_is_there(self, page: Client, change: Change) -> None:
        html = page.get(self.address(change)).content.decode()
        assert html.count("check-done") == 9
        assert "check-open" not in html
        assert "Redeploy 4.11." in html

    def test_the_gate_names_what_is_missing(self, page: Client, cast: Cast) -> None:
        change = stories.in_deployment(cast)
        answer = page.get(self.address(change))
        html = answer.content.decode()
        assert answer.status_code == 200
        assert "Missing before deployment: release and rollback plan." in html
        assert html.count("check-done") == 8
        assert html.count("check-open") == 1
        assert 'aria-disabled="true"' in html
        answer = self.send(page, cast, change)
        assert answer.status_code == 409
        assert "Missing before deployment: release and rollback plan." in answer.content.decode()
        assert self.is_untouched(change)
