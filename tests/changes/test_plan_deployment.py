"""The page on which release and rollback plan are chosen."""

from typing import Any

from django.test import Client
from django.utils import timezone

from changes.models import Change, Release
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestPlanDeployment(StepPageTests):
    verb = "plan_deployment"
    make = stories.in_deployment
    who = "release_manager"
    refused = ("developer", "role: Release manager")
    required = ("release", "rollback_plan")
    texts = {"rollback_plan": 10001}
    after = State.DEPLOYMENT

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"release": stories.release().pk, "rollback_plan": "Put 4.11 back."}

    def test_a_release_that_is_out_is_not_offered(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        out = Release.objects.create(
            name="4.10", planned_on="2026-01-01", released_at=timezone.now()
        )
        assert "4.10" not in page.get(self.address(change)).content.decode()
        assert self.send(page, cast, change, release=out.pk).status_code == 400
        assert self.is_untouched(change)

    def test_a_plan_can_be_changed_until_it_starts(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        self.send(page, cast, change)
        now = Change.objects.get(pk=change.pk)
        assert "Put 4.11 back." in page.get(self.address(now)).content.decode()
        self.send(page, cast, now, rollback_plan="Switch back.")
        assert [one.rollback_plan for one in now.deployments.all()] == ["Switch back."]
