"""The page on which tests in staging are recorded."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from changes import gates, lifecycle
from changes.models import Change, Environment
from changes.states import State
from expansive_cm.workflow.errors import StepIncomplete
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestRecordTest(StepPageTests):
    verb = "record_test"
    make = stories.in_testing
    who = "tester"
    refused = ("developer", "role: Tester")
    required = ("kind", "result", "environment", "evidence")
    texts = {"evidence": 10001}
    after = State.TESTING

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {
            "kind": "security",
            "result": "passed",
            "environment": "staging",
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

    def test_screenshots_and_logs_are_kept_inside(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        assert 'enctype="multipart/form-data"' in page.get(self.address(change)).content.decode()
        files = [SimpleUploadedFile("run.log", b"ok"), SimpleUploadedFile("end.txt", b"23 of 23")]
        assert self.send(page, cast, change, attachments=files).status_code == 302
        kept = change.attachments.values_list("name", "is_internal", "uploaded_by")
        assert set(kept) == {("run.log", True, cast.tester.pk), ("end.txt", True, cast.tester.pk)}

    def test_a_file_that_is_refused_records_nothing(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        files = [SimpleUploadedFile("run.log", b"ok"), SimpleUploadedFile("run.exe", b"MZ")]
        answer = self.send(page, cast, change, attachments=files)
        assert answer.status_code == 400
        html = answer.content.decode()
        assert "“run.exe” is not a kind of file that can be attached." in html
        assert "choose the files again" in html
        assert self.is_untouched(change)
        assert not change.attachments.exists()

    def test_a_failure_is_a_new_round(self, page: Client, cast: Cast, change: Change) -> None:
        assert self.send(page, cast, change, result="failed").status_code == 302
        now = Change.objects.get(pk=change.pk)
        assert (now.state, now.round) == (State.DEVELOPMENT, 2)
        assert "Round 1" in page.get(now.get_absolute_url()).content.decode()

    def test_only_environments_that_are_kept_are_offered(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        Environment.objects.create(name="sandbox")
        Environment.objects.create(name="old", is_active=False)
        html = page.get(self.address(change)).content.decode()
        assert 'value="staging" selected' in html and 'value="sandbox"' in html
        assert 'value="old"' not in html
        for other in ("old", "production", ""):
            assert self.send(page, cast, change, environment=other).status_code == 400
        assert self.is_untouched(change)


def test_what_passed_elsewhere_does_not_count_as_passed_in_staging(
    client: Client, cast: Cast
) -> None:
    Environment.objects.create(name="sandbox")
    change = stories.in_testing(cast)
    told = {"actor": cast.tester, "result": "passed", "evidence": "All green."}
    for kind in ("functional", "security", "regression"):
        change = lifecycle.record_test(change, kind=kind, environment="sandbox", **told)
    assert change.state == State.TESTING
    assert gates.passed_tests(change) == set()
    client.force_login(cast.tester)
    page = client.get(change.get_absolute_url()).content.decode()
    assert "Passed, but not in staging" in page
    with pytest.raises(StepIncomplete):
        lifecycle.record_test(change, kind="security", environment="production", **told)
    assert stories.all_passed(change, cast).state == State.DEPLOYMENT


def test_what_was_staging_then_counts_when_another_is_later(cast: Cast) -> None:
    change = stories.in_deployment(cast)
    Environment.objects.filter(name="staging").update(is_staging=False)
    Environment.objects.create(name="staging 2", is_staging=True)
    assert len(gates.passed_tests(Change.objects.get(pk=change.pk))) == 3
