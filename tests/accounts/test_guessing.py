"""Passwords and tokens are not found by trying, however many try at the same moment."""

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
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


def sign_in(guess: str = "guess") -> int:
    """Try a password and return how the page answers: 400 once there were too many."""
    form = {"login": "grace.requester@harbour.example", "password": guess}
    page = Client().post("/account/login/", form).content.decode()
    return 429 if "Too many failed" in page else 200


def test_a_flood_makes_no_limit_forgotten(cast: Cast, monkeypatch: Any) -> None:
    """However many other addresses are tried, five wrong passwords for one are the end."""
    cache.clear()
    monkeypatch.setattr(cache, "_max_entries", 8)
    assert [sign_in() for _time in range(5)] == [200] * 5
    for number in range(30):
        cache.set(f"allauth:rl:other:{number}", [0.0], 300)
        cache.set(f"zz:{number}", [0.0], 300)
    assert sign_in() == 429
    with connection.cursor() as cursor:
        cursor.execute("UPDATE expansive_cm_cache SET expires = now() - interval '1 minute'")
        cache.set("one", 1, 300)
        cursor.execute("SELECT count(*) FROM expansive_cm_cache")
        assert cursor.fetchone() == (1,), "what is over goes"


@pytest.mark.django_db(transaction=True)
def test_all_who_sign_in_at_once_are_counted(cast: Cast) -> None:
    cache.clear()
    answers = at_once(*[sign_in] * 9)
    assert answers.count(200) <= 5, answers
    assert sign_in() == 429 or answers.count(200) < 5


def test_wrong_tokens_are_refused_after_some(db: None, rf: Any) -> None:
    wrong = WrongTokens("test")
    request = rf.get("/")
    answers = [wrong.are_too_many(request) for _time in range(FAILURES_ALLOWED + 2)]
    assert answers == [False] * FAILURES_ALLOWED + [True] * 2
