"""The page on which somebody else reviews the development."""

from typing import Any

from django.test import Client

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestPeerReview(StepPageTests):
    verb = "peer_review"
    make = staticmethod(lambda cast: stories.developed(stories.in_development(cast), cast))
    who = "peer_reviewer"
    refused = ("developer", "role: Peer reviewer")
    required = ("outcome", "findings")
    texts = {"findings": 5001}
    after = State.TESTING

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"outcome": "approved", "findings": "Read line by line."}

    def test_authors_do_not_review_their_own_work(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        change.developments.get().authors.add(cast.peer_reviewer)
        for answer in (page.get(self.address(change)), self.send(page, cast, change)):
            assert answer.status_code == 403
            assert "nobody reviews their own work" in answer.content.decode()
        assert self.is_untouched(change)

    def test_reads_the_newest_record_first(self, page: Client, cast: Cast, change: Change) -> None:
        self.send(page, cast, change, outcome="changes_requested")
        change = stories.developed(Change.objects.get(pk=change.pk), cast)
        self.send(page, cast, change, outcome="changes_requested", findings="Again.")
        change = stories.developed(Change.objects.get(pk=change.pk), cast)
        sections = page.get(self.address(change)).context["sections"]
        assert [one.key for one in sections] == ["development", "risk", "requirements"]
        earlier = [str(record.title) for record in sections[0].earlier]
        assert earlier == ["Peer review", "Development", "Peer review", "Development"]

    def test_changes_requested_stay_in_development(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        assert self.send(page, cast, change, outcome="changes_requested").status_code == 302
        assert Change.objects.get(pk=change.pk).state == State.DEVELOPMENT
