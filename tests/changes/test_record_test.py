"""The page on which tests in staging are recorded."""

import re
from typing import Any

from django.test import Client

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestRecordTest(StepPageTests):
    verb = "record_test"
    make = stories.in_testing
    who = "tester"
    refused = ("developer", "role: Tester")
    required = ("kind", "result", "environment", "evidence")
    texts = {"environment": 101, "evidence": 10001}
    after = State.TESTING

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {
            "kind": "security",
            "result": "passed",
            "environment": "staging 2",
            "evidence": "Scan of 23 pages: nothing.",
        }

    def test_shows_which_kinds_are_done(self, page: Client, cast: Cast, change: Change) -> None:
        assert page.get(self.address(change)).content.decode().count("still to pass") == 3
        for kind in ("functional", "security"):
            now = Change.objects.get(pk=change.pk)
            assert self.send(page, cast, now, kind=kind).status_code == 302
        html = page.get(self.address(change)).content.decode()
        assert html.count("still to pass") == 1
        assert "2 of 3 passed" in html
        assert re.search(r'value="regression"[^>]* checked', html)
        now = Change.objects.get(pk=change.pk)
        self.send(page, cast, now, kind="regression")
        assert Change.objects.get(pk=change.pk).state == State.DEPLOYMENT

    def test_a_failure_is_a_new_round(self, page: Client, cast: Cast, change: Change) -> None:
        assert self.send(page, cast, change, result="failed").status_code == 302
        now = Change.objects.get(pk=change.pk)
        assert (now.state, now.round) == (State.DEVELOPMENT, 2)
        assert "Round 1" in page.get(now.get_absolute_url()).content.decode()
