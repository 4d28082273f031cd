"""A change that has ended has a button for what goes on from it: filled in and linked."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from post_office.models import Email

from accounts.models import User
from changes import lifecycle, permissions
from changes.models import Change, ChangeLink
from changes.states import FINAL, State
from tests import stories
from tests.people import Cast

BUTTON = "Raise a follow-up request"


def address(change: Change) -> str:
    return reverse("changes:follow_up", args=[change.pk])


def shown(client: Client, person: User, change: Change) -> str:
    client.force_login(person)
    return client.get(change.get_absolute_url()).content.decode()


def press(client: Client, person: User, change: Change) -> Any:
    """Press the button of the change's page."""
    key = re.search(r'name="key" value="([\w-]+)"', shown(client, person, change))
    assert key is not None
    return client.post(address(change), {"key": key[1]}, follow=True)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_every_ended_change_has_the_button(client: Client, cast: Cast, state: State) -> None:
    change = stories.change_in(state, cast)
    for who in ("support", "success", "requester", "colleague"):
        assert BUTTON in shown(client, cast.people[who], change), who
    for who in ("auditor", "developer", "stranger_success"):
        assert BUTTON not in shown(client, cast.people[who], change), who


@pytest.mark.parametrize("state", [State.DRAFT, State.SUBMITTED, State.CONFIRMATION])
def test_what_goes_on_has_none(client: Client, cast: Cast, state: State) -> None:
    change = stories.change_in(state, cast)
    assert BUTTON not in shown(client, cast.support, change)
    assert client.post(address(change), {"key": "k" * 12}).status_code == 409
    assert not ChangeLink.objects.exists()


def test_it_opens_a_draft_that_is_filled_in_and_linked(client: Client, cast: Cast) -> None:
    old = stories.withdrawn(cast)
    mails = Email.objects.count()
    answer = press(client, cast.support, old)
    draft = Change.objects.get(state=State.DRAFT)
    assert answer.redirect_chain[-1][0] == reverse("changes:edit", args=[draft.pk])
    page = answer.content.decode()
    assert f"This draft follows {old.reference} and is linked to it." in page
    assert old.title in page and f"This follows {old.reference}." in page
    assert (draft.requester, draft.organisation) == (old.requester, old.organisation)
    link = draft.links_out.get()
    assert (link.target, link.kind) == (old, ChangeLink.Kind.SUCCESSOR_OF)
    assert link.history.get().history_user == cast.support
    assert Email.objects.count() == mails
    assert Change.objects.get(pk=old.pk).version == old.version
    lifecycle.submit(draft, actor=cast.support)
    assert draft.reference in shown(client, cast.success, old)


def test_nobody_learns_of_it_before_it_is_sent(client: Client, cast: Cast) -> None:
    old = stories.withdrawn(cast)
    press(client, cast.support, old)
    draft = Change.objects.get(state=State.DRAFT)
    for who in ("success", "requester", "auditor"):
        assert draft.reference not in shown(client, cast.people[who], old), who


def test_a_customer_asks_in_their_own_name(client: Client, cast: Cast) -> None:
    old = stories.withdrawn(cast)
    press(client, cast.colleague, old)
    draft = Change.objects.get(state=State.DRAFT)
    assert (draft.requester, draft.raised_by, draft.channel) == (
        cast.colleague,
        cast.colleague,
        "portal",
    )
    lifecycle.submit(draft, actor=cast.colleague)


def test_a_requester_who_has_left_is_left_open(cast: Cast) -> None:
    old = stories.withdrawn(cast)
    User.objects.filter(pk=cast.requester.pk).update(is_active=False)
    assert lifecycle.follow_up(old, actor=cast.support).requester is None


def test_pressed_twice_there_is_one_draft(client: Client, cast: Cast) -> None:
    old = stories.withdrawn(cast)
    client.force_login(cast.support)
    answers = [client.post(address(old), {"key": "k" * 12}) for _press in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert Change.objects.filter(state=State.DRAFT).count() == 1


def test_others_are_refused(client: Client, cast: Cast) -> None:
    old = stories.withdrawn(cast)
    for who, status in (("stranger_customer", 404), ("auditor", 403), ("stranger_success", 403)):
        client.force_login(cast.people[who])
        assert client.post(address(old), {"key": "k" * 12}).status_code == status, who
        assert not permissions.can_follow_up(cast.people[who], old)
    assert client.get(address(old)).status_code == 405
    assert not Change.objects.filter(state=State.DRAFT).exists()
