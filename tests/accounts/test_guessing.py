"""Passwords and tokens are not found by trying, however many try at the same moment."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from changes.views.secret_address import FAILURES_ALLOWED, Limit, WrongTokens
from tests.concurrently import at_once
from tests.people import Cast

WRONG = {"oldpassword": "guess", "password1": "x-long-enough-9", "password2": "x-long-enough-9"}


def test_an_old_password_is_tried_in_one_place_and_few_times(client: Client, cast: Cast) -> None:
    """A session that somebody left open, or stole, does not find out the password."""
    client.force_login(cast.administrator)
    page = reverse("admin:password_change")
    for answer in (client.get(page), client.post(page, {"old_password": "guess"})):
        assert (answer.status_code, answer["Location"]) == (302, "/account/password/change/")
    tried = [client.post("/account/password/change/", WRONG).status_code for _time in range(7)]
    assert tried == [200] * 5 + [429] * 2


@pytest.mark.django_db(transaction=True)
def test_all_who_guess_at_once_are_counted() -> None:
    cache.clear()
    limit = Limit("guesses", 3, 600)
    answers = at_once(*[lambda: limit.is_open_for("192.0.2.1")] * 12)
    assert sorted(answers) == [False] * 9 + [True] * 3
    assert limit.is_open_for("192.0.2.2")


def test_wrong_tokens_are_refused_after_some(db: None, rf: Any) -> None:
    wrong = WrongTokens("test")
    request = rf.get("/")
    answers = [wrong.are_too_many(request) for _time in range(FAILURES_ALLOWED + 2)]
    assert answers == [False] * FAILURES_ALLOWED + [True] * 2
