"""The page on which the requester, signed in, rates a change."""

from typing import Any

from django.test import Client
from django.urls import reverse

from changes import lifecycle
from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.mailing import last_row, told
from tests.people import Cast


class TestRate(StepPageTests):
    verb = "rate"
    make = stories.closed
    who = "requester"
    refused = ("colleague", "Only the original requester answers this.")
    required = ("rating",)
    texts = {"rating_comment": 2001}
    after = State.CLOSED

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"rating": "4", "rating_comment": "Quick & friendly."}

    def test_takes_the_step_once(self, page: Client, cast: Cast, change: Change) -> None:
        """A rating moves nothing: the change keeps its version."""
        assert self.send(page, cast, change).status_code == 302
        assert self.is_untouched(change)
        again = self.send(page, cast, change, rating="1")
        assert again.status_code == 409
        assert "You have rated this change already." in again.content.decode()
        assert "Quick &amp; friendly." in again.content.decode(), "what was typed"
        assert change.confirmations.get().rating == 4

    def test_keeps_what_was_typed_when_the_page_is_stale(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        """Nothing moves a closed change; a page that says otherwise is answered all the same."""
        answer = self.send(page, cast, change, seen=change.version - 1)
        assert answer.status_code == 409
        assert "Quick &amp; friendly." in answer.content.decode()
        assert change.confirmations.get().rating is None

    def test_says_when_the_step_does_not_belong_here(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        waiting = stories.in_confirmation(cast)
        assert page.get(self.address(waiting)).status_code == 409
        assert self.send(page, cast, waiting).status_code == 409
        assert self.is_untouched(waiting)

    def test_needs_one_of_five(self, page: Client, cast: Cast, change: Change) -> None:
        for nothing in ("0", "6", "4.5", "five"):
            assert self.send(page, cast, change, rating=nothing).status_code == 400
        assert change.confirmations.get().rating is None


def test_staff_read_it_and_the_customers_others_do_not(client: Client, cast: Cast) -> None:
    change = stories.closed(cast)
    before = last_row()
    lifecycle.rate(change, actor=cast.requester, rating=2, rating_comment="Took for ever.")
    assert told(before) == [("cleo", "Grace Requester rated the change")]
    confirmation = change.confirmations.get()
    latest = confirmation.history.first()
    assert (latest.rating, latest.history_user) == (2, cast.requester)
    client.force_login(cast.success)
    assert "Took for ever.\n2 of 5" in client.get(change.get_absolute_url()).content.decode()
    for other in (cast.colleague, cast.approver):
        client.force_login(other)
        assert "Took for ever." not in client.get(change.get_absolute_url()).content.decode()


def test_it_is_offered_to_the_requester_alone(client: Client, cast: Cast) -> None:
    change = stories.closed(cast)
    address = reverse("changes:rate", args=[change.pk])
    for person, offered in ((cast.requester, True), (cast.success, False), (cast.colleague, False)):
        client.force_login(person)
        html = client.get(change.get_absolute_url()).content.decode()
        assert (address in html) == offered
        assert ("Rate the change" in html) == offered
