"""The page on which a silent requester's change is closed."""

from typing import Any

import pytest
from django.test import Client

from changes import lifecycle
from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.mailing import link_in, mail_to
from tests.people import Cast


def escalated(cast: Cast) -> Change:
    """A change whose requester has stayed silent to the last."""
    change = stories.in_confirmation(cast)
    lifecycle.escalate(change.confirmation.pk)
    return Change.objects.get(pk=change.pk)


class TestCloseUnanswered(StepPageTests):
    verb = "close_unanswered"
    make = escalated
    who = "success"
    refused = ("tester", "owner or its customer success team")
    required = ("reason",)
    texts = {"reason": 5001}
    after = State.CLOSED

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"reason": "Phoned twice; she is on leave."}

    def test_the_requester_has_time_first(self, page: Client, cast: Cast) -> None:
        change = stories.in_confirmation(cast)
        for answer in (page.get(self.address(change)), self.send(page, cast, change)):
            assert answer.status_code == 409
            assert "reminders are still going out" in answer.content.decode()
        assert self.is_untouched(change)


@pytest.mark.parametrize(
    ("part", "reads"),
    [
        ("requester", False),
        ("colleague", False),
        ("approver", False),
        ("support", True),
        ("auditor", True),
    ],
)
def test_why_nobody_waited_any_longer_is_for_colleagues(
    client: Client, cast: Cast, part: str, reads: bool
) -> None:
    """Their page says what their mail says: that it was closed, and not our words about them."""
    change = escalated(cast)
    lifecycle.close_unanswered(change, actor=cast.success, reason="Phoned; Zxqj is on leave.")
    client.force_login(getattr(cast, part))
    page = client.get(change.get_absolute_url()).content.decode()
    assert "losed without an answer" in page
    assert ("Zxqj" in page) == reads


def test_nor_does_the_mailed_page_say_it(client: Client, cast: Cast) -> None:
    change = escalated(cast)
    link = link_in(mail_to(cast.requester.email))
    lifecycle.close_unanswered(change, actor=cast.success, reason="Phoned; Zxqj is on leave.")
    page, mail = client.get(link), mail_to(cast.requester.email)
    assert "Zxqj" not in mail.message + mail.html_message + page.content.decode()
