"""The page on which tests in staging are recorded."""

import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
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
