"""The page on which the deployment gate is passed."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from changes import lifecycle
from changes.models import Change, Release
from changes.states import State
from expansive_cm.workflow.errors import StepIncomplete
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


def test_a_release_that_is_out_needs_a_reason_which_stays_on_record(
    client: Client, cast: Cast
) -> None:
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    address = f"/changes/{change.reference}/start_deployment/"
    client.force_login(cast.release_manager)
    assert 'name="reason"' not in client.get(address).content.decode()
    Release.objects.update(released_at=timezone.now() - timedelta(days=1))
    change = Change.objects.get(pk=change.pk)
    html = client.get(address).content.decode()
    assert 'name="reason"' in html and "This release is out already." in html
    assert client.post(address, {"seen": change.version, "reason": " "}).status_code == 400
    with pytest.raises(StepIncomplete, match="The release is out already"):
        lifecycle.start_deployment(change, actor=cast.release_manager)
    sent = client.post(address, {"seen": change.version, "reason": "A hotfix."})
    assert sent.status_code == 302
    event = change.events.get(verb="start_deployment")
    assert (event.reason, event.data) == ("A hotfix.", {"release_was_out": True})
