"""Submitting a draft: from its form and from the page of the change."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from changes.models import Change
from changes.states import State
from tests.people import Cast
from tests.stories import draft, submitted


def address(change: Change) -> str:
    """Where a draft is submitted from the page of the change."""
    return reverse("changes:submit", args=[change.pk])


def state(change: Change) -> str:
    """The state in the database."""
    return Change.objects.get(pk=change.pk).state


def test_its_writer_submits(client: Client, cast: Cast) -> None:
    change = draft(cast)
    client.force_login(cast.support)

    response = client.post(address(change), {"seen": change.version}, follow=True)

    assert state(change) == State.SUBMITTED
    page = response.content.decode()
    assert f"{change.reference} is submitted. Next:" in page
    event = change.events.get(verb="submit")
    assert (event.actor, event.from_state, event.to_state) == (cast.support, "draft", "submitted")


@pytest.mark.parametrize(
    ("left_out", "field"),
    [
        ({"title": ""}, "title"),
        ({"description": ""}, "description"),
        ({"requester": None}, "requester"),
    ],
)
def test_what_is_missing_is_shown_on_the_form(
    client: Client, cast: Cast, left_out: dict[str, Any], field: str
) -> None:
    change = draft(cast, **left_out)
    client.force_login(cast.support)

    response = client.post(address(change), {"seen": change.version})

    assert response.status_code == 409
    assert list(response.context["form"].errors) == [field]
    assert state(change) == State.DRAFT


def test_the_form_submits_what_it_shows(client: Client, cast: Cast) -> None:
    change = draft(cast, title="Old words")
    client.force_login(cast.support)

    client.post(
        reverse("changes:edit", args=[change.pk]),
        {
            "requester": "Grace <grace.requester@harbour.example>",
            "organisation": cast.harbour.pk,
            "title": "New words",
            "description": change.description,
            "channel": "phone",
            "seen": change.version,
            "action": "submit",
        },
    )

    sent = Change.objects.get(pk=change.pk)
    assert (sent.title, sent.state) == ("New words", State.SUBMITTED)


@pytest.mark.parametrize("part", ["requester", "success", "auditor", "administrator", "chair"])
def test_a_draft_does_not_exist_for_others(client: Client, cast: Cast, part: str) -> None:
    change = draft(cast)
    client.force_login(cast.people[part])

    assert client.post(address(change), {"seen": change.version}).status_code == 404
    assert state(change) == State.DRAFT


def test_others_do_not_submit_again(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    client.force_login(cast.success)

    assert client.post(address(change), {"seen": change.version}).status_code == 403
    client.force_login(cast.support)
    assert client.post(address(change), {"seen": change.version}).status_code == 409
    assert change.events.filter(verb="submit").count() == 1


def test_a_stale_page_submits_nothing(client: Client, cast: Cast) -> None:
    change = draft(cast)
    client.force_login(cast.support)

    assert client.post(address(change), {"seen": change.version + 1}).status_code == 409
    assert state(change) == State.DRAFT


def test_who_was_moved_to_other_work_cannot_submit_an_old_draft(client: Client, cast: Cast) -> None:
    change = draft(cast)
    cast.support.groups.clear()
    client.force_login(cast.support)

    assert client.post(address(change), {"seen": change.version}).status_code == 403
    assert state(change) == State.DRAFT


def test_get_leads_to_the_form(client: Client, cast: Cast) -> None:
    change = draft(cast)
    client.force_login(cast.support)

    response = client.get(address(change))

    assert response.url == reverse("changes:edit", args=[change.pk])
    assert state(change) == State.DRAFT
