"""Editing: a draft in every field, a submitted request as a new revision."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from changes import lifecycle
from changes.models import Change, Service
from changes.states import State
from tests.people import Cast
from tests.stories import change_in, draft, submitted


def address(change: Change) -> str:
    """The page on which a change is edited."""
    return reverse("changes:edit", args=[change.pk])


def now(change: Change) -> Change:
    """The change as it is in the database."""
    return Change.objects.get(pk=change.pk)


def typed(change: Change, **changes: Any) -> dict[str, Any]:
    """What the form of a submitted request sends."""
    return {
        "title": "Let everybody book meeting rooms",
        "description": change.description,
        "seen": change.version,
        **changes,
    }


# A submitted request


@pytest.mark.parametrize("part", ["requester", "support", "success"])
def test_an_edit_makes_a_new_revision(client: Client, cast: Cast, part: str) -> None:
    change = submitted(cast)
    service = Service.objects.create(name="Space booking")
    client.force_login(cast.people[part])

    sent = typed(change, services=[service.pk], desired_on="2099-05-01", reason="Grace called.")
    response = client.post(address(change), sent)

    edited = now(change)
    assert (response.status_code, response.url) == (302, change.get_absolute_url())
    assert (edited.title, edited.revision) == ("Let everybody book meeting rooms", 2)
    assert str(edited.desired_on) == "2099-05-01"
    assert list(edited.services.all()) == [service]
    event = edited.events.get(verb="edit")
    assert (event.actor, event.reason) == (cast.people[part], "Grace called.")
    assert set(event.data["fields"]) == {"title", "desired_on", "services"}


def test_the_page_says_what_saving_means(client: Client, cast: Cast) -> None:
    change = change_in(State.BOARD, cast)
    client.force_login(cast.success)

    page = client.get(address(change)).content.decode()

    assert "Save as revision 2" in page
    assert "Votes already cast are about revision 1 and go stale" in page


def test_what_was_settled_with_the_submission_stands(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    client.force_login(cast.support)

    client.post(
        address(change),
        typed(
            change,
            organisation=cast.meridian.pk,
            requester=cast.stranger_customer.email,
            channel="chat",
        ),
    )

    edited = now(change)
    assert (edited.organisation, edited.requester) == (cast.harbour, cast.requester)
    assert edited.channel == "phone"


def test_saving_without_a_difference_makes_no_revision(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    client.force_login(cast.support)

    client.post(address(change), typed(change, title=change.title))

    assert now(change).revision == 1
    assert not change.events.filter(verb="edit").exists()


def test_another_spelling_of_the_same_letters_is_no_difference(client: Client, cast: Cast) -> None:
    """A Mac pastes an accent as a sign of its own; the votes of a board would go stale."""
    change = submitted(cast, title="Caf\u00e9", description="Caf\u00e9 au lait")
    client.force_login(cast.support)
    other = {"title": "Cafe\u0301", "description": "Cafe\u0301 au lait"}
    client.post(address(change), typed(change, **other))
    assert now(change).revision == 1 and not change.events.filter(verb="edit").exists()
    client.post(address(change), typed(change, **other | {"title": "Cafe\u0301 Nero"}))
    assert (now(change).title, now(change).revision) == ("Caf\u00e9 Nero", 2)


@pytest.mark.parametrize("part", ["colleague", "approver", "developer", "auditor", "chair"])
def test_who_may_not_edit_gets_the_reason(client: Client, cast: Cast, part: str) -> None:
    change = submitted(cast)
    client.force_login(cast.people[part])

    for response in (client.get(address(change)), client.post(address(change), typed(change))):
        assert response.status_code == 403
        assert "requester, support and the customer success team" in response.content.decode()
    assert now(change).title == change.title


@pytest.mark.parametrize("part", ["stranger_customer", "stranger_approver", "nobody"])
def test_somebody_elses_request_does_not_exist(client: Client, cast: Cast, part: str) -> None:
    change = submitted(cast)
    client.force_login(cast.people[part])

    for response in (client.get(address(change)), client.post(address(change), typed(change))):
        assert response.status_code == 404
    assert client.get("/changes/CR-999999/edit/").status_code == 404
    assert now(change).title == change.title


def test_a_decided_request_is_not_edited(client: Client, cast: Cast) -> None:
    change = change_in(State.EXECUTION, cast)
    client.force_login(cast.support)

    assert client.get(address(change)).status_code == 409
    assert client.post(address(change), typed(change)).status_code == 409
    assert now(change).title == change.title


def test_a_stale_page_says_what_happened_and_keeps_the_words(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    lifecycle.edit(change, actor=cast.requester, title="Grace was faster")
    client.force_login(cast.support)

    response = client.post(address(change), typed(change))

    assert response.status_code == 409
    page = response.content.decode()
    assert "Grace Requester edited the request" in page
    assert "Let everybody book meeting rooms" in page
    assert now(change).title == "Grace was faster"
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen is not None
    again = client.post(address(change), typed(change, seen=seen[1]))
    assert again.status_code == 302
    assert (now(change).title, now(change).revision) == ("Let everybody book meeting rooms", 3)


@pytest.mark.parametrize("seen", ["", "0", "x", "\x00"])
def test_a_form_without_a_version_is_refused(client: Client, cast: Cast, seen: str) -> None:
    change = submitted(cast)
    client.force_login(cast.support)

    assert client.post(address(change), typed(change, seen=seen)).status_code in (400, 409)
    assert now(change).title == change.title


@pytest.mark.parametrize("name", ["title", "description"])
def test_nothing_needed_can_be_taken_away(client: Client, cast: Cast, name: str) -> None:
    change = submitted(cast)
    client.force_login(cast.support)

    response = client.post(address(change), typed(change, **{name: " "}))

    assert response.status_code == 400
    assert response.context["form"].errors == {name: ["This field is required."]}
    assert now(change).revision == 1


def test_a_desired_date_that_has_passed_since_may_stand(client: Client, cast: Cast) -> None:
    change = submitted(cast, desired_on="2001-01-01")
    client.force_login(cast.support)

    assert client.post(address(change), typed(change, desired_on="2001-01-01")).status_code == 302
    assert (
        client.post(address(change), typed(now(change), desired_on="2001-01-02")).status_code == 400
    )


# A draft


def test_a_draft_changes_in_every_field(client: Client, cast: Cast) -> None:
    change = draft(cast)
    client.force_login(cast.support)

    response = client.post(
        address(change),
        {
            "requester": cast.stranger_customer.email,
            "organisation": cast.meridian.pk,
            "title": "Another customer's",
            "description": "",
            "channel": "email",
            "seen": change.version,
            "action": "draft",
        },
    )

    edited = now(change)
    assert response.status_code == 302
    assert (edited.requester, edited.organisation) == (cast.stranger_customer, cast.meridian)
    assert (edited.title, edited.description, edited.channel) == ("Another customer's", "", "email")
    assert (edited.state, edited.revision) == (State.DRAFT, 1)


def test_a_draft_shows_what_is_in_it(client: Client, cast: Cast) -> None:
    change = draft(cast)
    client.force_login(cast.support)

    page = client.get(address(change)).content.decode()

    assert "Grace Requester &lt;grace.requester@harbour.example&gt;" in page
    assert "Please extend the booking hours to 24 hours." in page


def test_looking_changes_nothing(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    client.force_login(cast.support)

    client.get(address(change), typed(change))

    assert now(change).version == change.version
    assert client.delete(address(change)).status_code == 405
