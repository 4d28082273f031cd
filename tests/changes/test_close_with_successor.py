"""The page on which what goes beyond a change becomes a new one."""

import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from changes import lifecycle
from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestCloseWithSuccessor(StepPageTests):
    verb = "close_with_successor"
    make = stories.not_confirmed
    who = "success"
    refused = ("tester", "owner or its customer success team")
    required = ("reason", "title", "description")
    texts = {"reason": 5001, "title": 201, "description": 50001}
    after = State.CLOSED

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {
            "reason": "Sundays were never part of it.",
            "title": "Let night staff book on Sundays",
            "description": "As CR-1, on Sundays too.",
        }

    def test_begins_with_the_requesters_words(self, page: Client, change: Change) -> None:
        html = page.get(self.address(change)).content.decode()
        assert f'value="{change.title}"' in html
        assert "&gt; Not on Sundays." in html
        assert "Grace Requester wrote" in html
        assert "extend the booking hours" in html

    def test_the_successor_is_linked_and_submitted(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        self.send(page, cast, change)
        link = change.links_in.get()
        assert link.kind == "successor_of"
        assert link.source.state == State.SUBMITTED
        assert link.source.requester == cast.requester
        html = page.get(change.get_absolute_url()).content.decode()
        assert link.source.reference in html
        assert f'<a class="alert-link" href="{link.source.get_absolute_url()}">Open ' in html

    def test_files_go_along_unless_they_are_left_out(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        assert 'name="files"' not in page.get(self.address(change)).content.decode()
        plan, log, draft = (
            lifecycle.attach(
                change,
                actor=cast.success,
                file=SimpleUploadedFile(name, name.encode()),
                content_type="text/plain",
                internal=internal,
            )
            for name, internal in (("plan.txt", False), ("run.log", True), ("draft.txt", False))
        )
        html = page.get(self.address(change)).content.decode()
        assert re.findall(r'name="files"\s+value="(\d+)"[^>]* checked', html) == [
            str(file.pk) for file in (plan, log, draft)
        ]
        assert "run.log (7\xa0bytes, internal)" in html
        assert self.send(page, cast, change, files=[plan.pk, log.pk]).status_code == 302
        successor = change.links_in.get().source
        kept = {file.name: file for file in successor.attachments.all()}
        assert {name: file.is_internal for name, file in kept.items()} == {
            "plan.txt": False,
            "run.log": True,
        }
        assert kept["plan.txt"].file.read() == b"plan.txt"
        assert kept["plan.txt"].file.name != plan.file.name
        assert kept["plan.txt"].sha256 == plan.sha256
        assert change.attachments.count() == 3

    def test_files_of_another_change_do_not(self, page: Client, cast: Cast, change: Change) -> None:
        other = lifecycle.attach(
            stories.submitted(cast),
            actor=cast.success,
            file=SimpleUploadedFile("secret.txt", b"x"),
            content_type="text/plain",
        )
        assert self.send(page, cast, change, files=[other.pk]).status_code == 302
        assert not change.links_in.get().source.attachments.exists()

    def test_a_file_that_is_gone_is_named(self, page: Client, cast: Cast, change: Change) -> None:
        file = lifecycle.attach(
            change,
            actor=cast.success,
            file=SimpleUploadedFile("gone.txt", b"x"),
            content_type="text/plain",
        )
        file.file.storage.delete(file.file.name)
        answer = self.send(page, cast, change, files=[file.pk])
        assert answer.status_code == 400
        assert "“gone.txt” cannot be read any more. Leave it out." in answer.content.decode()
        assert self.is_untouched(change)
