"""Watching a change, and stopping."""

import pytest
from django.test import Client
from django.urls import reverse

from changes import lifecycle
from changes.models import Change
from changes.views.discussion import discussion_context
from tests.changes.test_comment import BACKGROUND, CUSTOMERS, INSIDE, READ_ONLY, STRANGERS
from tests.people import Cast
from tests.stories import draft, submitted


def address(verb: str, change: Change) -> str:
    """Where watching begins or ends."""
    return reverse(f"changes:{verb}", args=[change.pk])


@pytest.mark.parametrize("verb", ["watch", "unwatch"])
def test_who_sees_a_change_and_works_on_it_may_watch_it(cast: Cast, verb: str) -> None:
    """Auditors only read; who has become one may stop."""
    change = submitted(cast)
    answers = {}
    for part, member in cast.people.items():
        client = Client()
        client.force_login(member)
        answers[part] = client.post(address(verb, change)).status_code

    assert answers == {
        **dict.fromkeys(INSIDE | CUSTOMERS, 302),
        **dict.fromkeys(READ_ONLY, 403 if verb == "watch" else 302),
        **dict.fromkeys(STRANGERS, 404),
    }
    watching = {cast.people[part] for part in INSIDE | CUSTOMERS}
    assert set(change.watchers.all()) == (watching if verb == "watch" else set())


def test_watching_twice_is_watching_once(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    client.force_login(cast.success)

    client.post(address("watch", change))
    response = client.post(address("watch", change), headers=BACKGROUND)

    assert change.watchers.count() == 1
    page = response.content.decode()
    assert "Stop watching" in page
    assert "1 person watches" in page


def test_names_are_for_ones_own_people(cast: Cast) -> None:
    change = submitted(cast)
    lifecycle.watch(change, actor=cast.success)
    lifecycle.watch(change, actor=cast.colleague)

    inside = discussion_context(cast.support, change)
    outside = discussion_context(cast.colleague, change)

    assert {one.pk for one in inside["watchers"]} == {cast.success.pk, cast.colleague.pk}
    assert (outside["watchers"], outside["watcher_count"]) == ([], 2)
    assert (inside["is_watching"], outside["is_watching"]) == (False, True)


def test_a_draft_is_watched_by_nobody_else(client: Client, cast: Cast) -> None:
    change = draft(cast)
    client.force_login(cast.success)

    assert client.post(address("watch", change)).status_code == 404
    assert not change.watchers.exists()


def test_get_changes_nothing(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    client.force_login(cast.success)

    assert client.get(address("watch", change)).status_code == 405
    assert client.get(address("unwatch", change)).status_code == 405
    assert not change.watchers.exists()
