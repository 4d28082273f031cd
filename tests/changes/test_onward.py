"""After a step its page leads to what waits next for the same person."""

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from changes import worklist
from changes.models import Change
from changes.turns import turns_of
from tests.people import Cast
from tests.stories import in_authorisation, in_review, rolled_back, submitted


def review(client: Client, cast: Cast, change: Change) -> Any:
    """Take a step, and return the page that it leads to."""
    client.force_login(cast.success)
    data = {"seen": change.version, "outcome": "endorsed", "findings": "All is well."}
    answer = client.post(reverse("changes:review", args=[change.pk]), data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def address(verb: str, change: Change) -> str:
    return reverse(f"changes:{verb}", args=[change.pk])


def test_the_same_step_comes_first(client: Client, cast: Cast) -> None:
    submitted(cast)
    done, oldest, _newest = in_review(cast), in_review(cast), in_review(cast)
    html = review(client, cast, done)
    words = f"Next for you: {oldest.reference}, Review (2 more)"
    assert f'data-onward href="{address("review", oldest)}">{words}</a>' in html


def test_then_whatever_else_waits(client: Client, cast: Cast) -> None:
    other, done = rolled_back(cast), in_review(cast)
    html = review(client, cast, done)
    words = f"Next for you: {other.reference}, Plan again or close"
    assert f'href="{address("plan_execution", other)}">{words}</a>' in html


def test_one_press_leads_from_a_step_to_the_same_of_the_next(client: Client, cast: Cast) -> None:
    """Offered where the same step waits, and to no other; the last one leads to the change."""
    submitted(cast)
    first, second = in_review(cast), in_review(cast)
    client.force_login(cast.success)
    data = {"outcome": "endorsed", "findings": "All is well.", "next": "yes"}
    html = client.get(address("review", first)).content.decode()
    assert f"Send, and go on to {second.reference}" in html
    answer = client.post(address("review", first), {**data, "seen": first.version}, follow=True)
    assert answer.redirect_chain == [(address("review", second), 302)]
    html = answer.content.decode()
    assert f"You reviewed {first.reference}." in html and "data-onward" not in html
    assert "Send, and go on to" not in html
    answer = client.post(address("review", second), {**data, "seen": second.version})
    assert answer["Location"] == second.get_absolute_url()


def test_nothing_is_said_when_nothing_waits(client: Client, cast: Cast) -> None:
    in_authorisation(cast)
    submitted(cast, organisation=cast.meridian, requester=cast.stranger_customer)
    html = review(client, cast, in_review(cast))
    assert "alert-success" in html
    assert "Next for you" not in html


def test_the_change_at_hand_is_not_the_next_one(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    assert worklist.onward(cast.success, done="assess", besides=change) is None


def test_it_costs_one_query_however_much_waits(cast: Cast) -> None:
    for number in range(3):
        change = in_review(cast)
        user = User.objects.get(pk=cast.success.pk)
        list(turns_of(user))  # who the person is has been read for the step itself
        with CaptureQueriesContext(
            connection,
        ) as queries:
            found = worklist.onward(user, done="review", besides=change)
        assert (len(queries), found and found.others) == (1, number - 1 if number else None)
