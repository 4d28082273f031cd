"""Signing in is no change of the person."""

from django.test import Client
from django.urls import reverse

from tests.people import Cast


def test_signing_in_leaves_no_row_of_history(cast: Cast) -> None:
    before = cast.support.history.count()
    answer = Client().post(
        reverse("account_login"), {"login": cast.support.email, "password": "secret"}
    )
    assert answer.status_code == 302
    cast.support.refresh_from_db()
    assert cast.support.last_login is not None
    assert cast.support.history.count() == before


def test_only_those_who_may_are_offered_a_new_request(cast: Cast, client: Client) -> None:
    offered = {}
    for name in ("support", "success", "requester", "auditor", "developer"):
        client.force_login(cast.people[name])
        page = client.get(reverse("changes:list")).content.decode()
        offered[name] = f'href="{reverse("changes:new")}"' in page
    assert offered == {
        "support": True,
        "success": True,
        "requester": True,
        "auditor": False,
        "developer": False,
    }
