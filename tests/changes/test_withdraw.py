"""The page on which a request is taken back."""

from typing import Any

from django.test import Client

from changes import lifecycle
from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestWithdraw(StepPageTests):
    verb = "withdraw"
    make = stories.in_authorisation
    who = "requester"
    refused = ("tester", "owner or its customer success team")
    required = ("reason",)
    texts = {"reason": 5001}
    after = State.WITHDRAWN

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"reason": "We've found another way."}

    def test_ends_when_the_execution_has_begun(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        running = stories.plan(stories.in_execution(cast), cast)
        running = lifecycle.start_execution(running, actor=cast.support, reason="Early.")
        answer = page.get(self.address(running))
        assert answer.status_code == 409
        assert "already being put in place" in answer.content.decode()

    def test_an_empty_draft_can_be_shown_and_withdrawn(self, client: Client, cast: Cast) -> None:
        draft = lifecycle.save_draft(None, actor=cast.support)
        client.force_login(cast.support)
        for address in (draft.get_absolute_url(), self.address(draft)):
            html = client.get(address).content.decode()
            assert "Draft without a title" in html
            assert ">None<" not in html
        assert self.send(client, cast, draft).status_code == 302
        assert Change.objects.get(pk=draft.pk).state == State.WITHDRAWN
