"""The page on which the requester, signed in, sends what they would like further."""

from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from changes import lifecycle
from changes.models import Change, Service
from changes.states import State
from expansive_cm.workflow.errors import StepForbidden, StepIllegal
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.mailing import last_row, mail_to, told
from tests.people import Cast


class TestRequestSuccessor(StepPageTests):
    verb = "request_successor"
    make = stories.further_wished
    who = "requester"
    refused = ("colleague", "Only the original requester answers this.")
    required = ("title", "description")
    texts = {"title": 201, "description": 50001}
    after = State.CLOSED

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"title": "Let night staff book the gym", "description": "The gym & the pool."}

    def test_is_filled_in_from_the_old_request_and_the_wish(
        self, page: Client, change: Change
    ) -> None:
        html = page.get(self.address(change)).content.decode()
        assert f'value="{escape(change.title)}"' in html
        assert "The *gym* as well, please." in html
        assert f"This follows {change.reference}, where I had asked for:" in html
        assert "&gt; Please extend the booking hours to 24 hours." in html

    def test_the_change_offers_it_to_the_requester_alone(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        assert self.address(change) in page.get(change.get_absolute_url()).content.decode()
        page.force_login(cast.success)
        html = page.get(change.get_absolute_url()).content.decode()
        assert "Send it as a new request" not in html
        assert "The requester would like something further" in html


def send(cast: Cast, change: Change) -> Change:
    return lifecycle.request_successor(
        change, actor=cast.requester, title="Book the gym", description="At night."
    )


def test_the_old_change_is_closed_and_the_new_one_submitted(cast: Cast) -> None:
    old = stories.further_wished(cast)
    old.services.add(Service.objects.create(name="Space booking"))
    before = last_row()
    new = send(cast, old)
    old = Change.objects.get(pk=old.pk)
    assert (old.state, new.state) == (State.CLOSED, State.SUBMITTED)
    assert (new.requester, new.raised_by, new.owner) == (cast.requester,) * 2 + (old.owner,)
    assert new.channel == "portal"
    assert [service.name for service in new.services.all()] == ["Space booking"]
    link = new.links_out.get()
    assert (link.kind, link.target) == ("successor_of", old)
    event = old.events.get(verb="request_successor")
    assert event.actor == cast.requester
    assert event.data == {"successor": new.pk, "via": "signed_in"}
    assert [one.verb for one in new.events.all()] == ["submit"]
    assert told(before) == [
        ("cleo", "Closed"),
        ("cleo", "Waiting for you (Assess)"),
        ("sam", "Closed"),
    ]
    assert "would like something further and has sent it as a new request" in " ".join(
        mail_to(cast.support.email).message.split()
    )


def test_nothing_happens_by_halves(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    old = stories.further_wished(cast)
    before = last_row()
    monkeypatch.setattr(Change, "close", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        send(cast, old)
    monkeypatch.undo()
    assert Change.objects.count() == 1
    assert told(before) == []
    assert send(cast, old).state == State.SUBMITTED


def test_only_who_said_so_sends_it(cast: Cast) -> None:
    change = stories.not_confirmed(cast)
    with pytest.raises(StepIllegal, match="what was agreed is being put right"):
        send(cast, change)


def test_a_customer_that_has_left_gets_no_new_request(cast: Cast) -> None:
    change = stories.further_wished(cast)
    cast.harbour.is_active = False
    cast.harbour.save()
    with pytest.raises(StepForbidden, match="You cannot send requests"):
        send(cast, change)
