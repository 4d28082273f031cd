"""The page on which the link is sent again."""

from django.test import Client

from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestResendConfirmation(StepPageTests):
    verb = "resend_confirmation"
    make = stories.in_confirmation
    who = "support"
    refused = ("tester", "owner or its customer success team")
    after = State.CONFIRMATION

    def test_names_the_recorded_address(self, page: Client, cast: Cast, change: Change) -> None:
        html = page.get(self.address(change)).content.decode()
        assert cast.requester.email in html
        assert change.confirmation.links.count() == 1

    def test_earlier_links_stop_working(self, page: Client, cast: Cast, change: Change) -> None:
        self.send(page, cast, change)
        states = [link.superseded_at is None for link in change.confirmation.links.all()]
        assert sorted(states) == [False, True]
        html = page.get(change.get_absolute_url()).content.decode()
        assert "superseded by a later link" in html
