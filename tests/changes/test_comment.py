"""Comments and internal notes: who writes them, who reads them, and that nothing gets outside."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from changes import lifecycle
from changes.models import Change, Comment
from changes.states import State
from changes.views.discussion import discussion_context
from tests.people import Cast
from tests.stories import change_in, submitted

BACKGROUND = {"HX-Request": "true"}
INSIDE = {
    "support",
    "success",
    "stranger_success",
    "developer",
    "peer_reviewer",
    "tester",
    "release_manager",
    "crb_member",
    "chair",
}
CUSTOMERS = {"requester", "colleague", "approver"}
READ_ONLY = {"auditor", "administrator"}
STRANGERS = {"stranger_customer", "stranger_approver", "nobody"}


def address(change: Change) -> str:
    """Where comments go."""
    return reverse("changes:comment", args=[change.pk])


def status_for(cast: Cast, part: str, change: Change, **sent: Any) -> int:
    """What somebody gets who comments."""
    client = Client()
    client.force_login(cast.people[part])
    return client.post(address(change), {"body": f"Words of {part}", **sent}).status_code


def test_everybody_of_the_cast_stands_in_one_of_the_groups(cast: Cast) -> None:
    assert set(cast.people) == INSIDE | CUSTOMERS | READ_ONLY | STRANGERS


def test_who_may_comment_in_public(cast: Cast) -> None:
    change = submitted(cast)

    answers = {part: status_for(cast, part, change, audience="public") for part in cast.people}

    assert answers == {
        **dict.fromkeys(INSIDE | CUSTOMERS, 302),
        **dict.fromkeys(READ_ONLY, 403),
        **dict.fromkeys(STRANGERS, 404),
    }
    written = change.comments.values_list("body", "is_internal")
    assert dict(written) == {f"Words of {part}": False for part in INSIDE | CUSTOMERS}


def test_who_may_write_internal_notes(cast: Cast) -> None:
    change = submitted(cast)

    answers = {part: status_for(cast, part, change, audience="internal") for part in cast.people}

    assert answers == {
        **dict.fromkeys(INSIDE, 302),
        **dict.fromkeys(CUSTOMERS | READ_ONLY, 403),
        **dict.fromkeys(STRANGERS, 404),
    }
    assert set(change.comments.values_list("is_internal", flat=True)) == {True}
    assert change.comments.count() == len(INSIDE)


def test_without_a_choice_ones_own_people_stay_inside(cast: Cast) -> None:
    change = submitted(cast)

    status_for(cast, "support", change)
    status_for(cast, "requester", change)

    assert list(change.comments.values_list("body", "is_internal")) == [
        ("Words of support", True),
        ("Words of requester", False),
    ]


def test_customers_never_see_notes_nor_how_many(cast: Cast) -> None:
    change = submitted(cast)
    lifecycle.comment(change, actor=cast.support, body="They owe us money", internal=True)
    lifecycle.comment(change, actor=cast.support, body="We are on it")

    for part in sorted(CUSTOMERS):
        page = discussion_context(cast.people[part], change)
        assert [one.comment.body for one in page["comments"]] == ["We are on it"]
        client = Client()
        client.force_login(cast.people[part])
        shown = client.get(change.get_absolute_url()).content.decode()
        assert "They owe us money" not in shown
        assert "nternal note" not in shown
    inside = discussion_context(cast.auditor, change)
    assert [one.comment.body for one in inside["comments"]] == ["They owe us money", "We are on it"]


def test_in_the_background_all_that_is_new_comes_back(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    seen = lifecycle.comment(change, actor=cast.success, body="Old words")
    lifecycle.comment(change, actor=cast.success, body="Said meanwhile")
    client.force_login(cast.support)

    response = client.post(
        address(change),
        {"body": "**New** words", "audience": "public", "after": seen.pk},
        headers=BACKGROUND,
    )

    page = response.content.decode()
    assert response.status_code == 200
    assert "Old words" not in page
    assert "Said meanwhile" in page
    assert "<strong>New</strong> words" in page
    newest = Comment.objects.latest("pk")
    assert f'id="comments-after" value="{newest.pk}" hx-swap-oob="true"' in page


def test_in_the_background_customers_get_no_notes(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    lifecycle.comment(change, actor=cast.success, body="Between us", internal=True)
    client.force_login(cast.requester)

    response = client.post(address(change), {"body": "Hello", "after": "0"}, headers=BACKGROUND)

    assert "Between us" not in response.content.decode()


@pytest.mark.parametrize("body", ["", "   ", "x" * 20_001, "a\x00b"])
def test_a_mistake_keeps_words_and_choice(client: Client, cast: Cast, body: str) -> None:
    change = submitted(cast)
    client.force_login(cast.support)
    sent = {"body": body, "audience": "public"}

    quiet = client.post(address(change), sent, headers=BACKGROUND)
    page = client.post(address(change), sent)

    assert (quiet.status_code, page.status_code) == (422, 400)
    assert quiet["HX-Retarget"] == "#comment-form"
    for response in (quiet, page):
        html = response.content.decode()
        assert 'value="public" checked' in html
        assert "field-error" in html
    assert not change.comments.exists()


def test_somebody_elses_choice_of_readers_is_refused(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    client.force_login(cast.support)

    response = client.post(address(change), {"body": "Words", "audience": "everybody"})

    assert response.status_code == 400
    assert not change.comments.exists()


@pytest.mark.parametrize("state", [State.CLOSED, State.WITHDRAWN, State.REJECTED])
def test_a_finished_change_is_not_discussed(client: Client, cast: Cast, state: State) -> None:
    change = change_in(state, cast)
    before = change.comments.count()
    client.force_login(cast.support)

    response = client.post(address(change), {"body": "One more thing"})

    assert response.status_code == 409
    assert "raise a new change request" in response.content.decode()
    assert change.comments.count() == before


def test_a_comment_does_not_make_others_pages_stale(cast: Cast) -> None:
    change = submitted(cast)
    lifecycle.comment(change, actor=cast.support, body="Words")

    assert Change.objects.get(pk=change.pk).version == change.version


def test_signed_out_the_words_stay_on_the_page(client: Client, cast: Cast) -> None:
    change = submitted(cast)

    quiet = client.post(address(change), {"body": "Words"}, headers=BACKGROUND)

    assert (quiet.status_code, quiet["Content-Type"]) == (401, "text/plain; charset=utf-8")
    assert "what you typed stays here" in quiet.content.decode()
    assert client.post(address(change), {"body": "Words"}).status_code == 302
    assert not change.comments.exists()


def test_get_says_nothing(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    client.force_login(cast.support)

    assert client.get(address(change), {"body": "Words"}).status_code == 405
    assert not change.comments.exists()


@pytest.mark.parametrize("amount", [1, 3])
def test_the_discussion_costs_six_queries(
    cast: Cast, amount: int, django_assert_num_queries: Any
) -> None:
    change = submitted(cast)
    for number in range(amount):
        lifecycle.comment(change, actor=cast.support, body=f"Words {number}")
        other = submitted(cast)
        lifecycle.link(change, actor=cast.support, other=other, kind="conflicts_with")
    lifecycle.watch(change, actor=cast.success)
    viewer = cast.success
    assert viewer.roles
    assert viewer.team_ids

    with django_assert_num_queries(6):
        found = discussion_context(viewer, change)

    assert (len(found["comments"]), len(found["links"])) == (amount, amount)
