"""The page on which the executor begins."""

from django.test import Client

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestStartExecution(StepPageTests):
    verb = "start_execution"
    make = staticmethod(lambda cast: stories.plan(stories.in_execution(cast), cast))
    who = "support"
    refused = ("success", "executor, Sam Support")
    after = State.EXECUTION

    def test_shows_the_plan_once_more(self, page: Client, cast: Cast, change: Change) -> None:
        html = page.get(self.address(change)).content.decode()
        assert "Set the hours back to 7–19." in html
        assert "not within the planned window now" in html
        assert Change.objects.get(pk=change.pk).execution.started_at is None

    def test_nothing_starts_without_a_plan(self, page: Client, cast: Cast) -> None:
        change = stories.in_execution(cast)
        for answer in (page.get(self.address(change)), self.send(page, cast, change)):
            assert answer.status_code == 409
            assert "window, steps and rollback plan are missing" in answer.content.decode()
