"""The menu in the header, and the button beside it: what they offer opens."""

from django.test import Client, RequestFactory

from accounts.navigation import navigation
from tests.people import Cast


def test_every_entry_of_the_menu_opens_for_whom_it_is_shown(client: Client, cast: Cast) -> None:
    refused = []
    for name, reader in cast.people.items():
        client.force_login(reader)
        request = RequestFactory().get("/")
        request.user = reader
        home, changes, *others = menu = navigation(request)
        in_sight = {"More" if one.seldom else one.url for one in menu}
        assert len(in_sight) <= 8, "more do not fit beside the search of a laptop's screen"
        assert (home.url, changes.url) == ("/", "/changes/")  # everybody's, tested as such
        refused += [(name, one.url) for one in others if client.get(one.url).status_code != 200]
    assert not refused


def test_whoever_may_raise_a_request_is_offered_it_on_every_page(
    client: Client, cast: Cast
) -> None:
    raisers = set()
    for name, reader in cast.people.items():
        client.force_login(reader)
        header = client.get("/account/profile/").content.decode().partition("</header>")[0]
        is_offered = '<a href="/changes/new/" class="btn btn-primary app-new">' in header
        assert is_offered == (client.get("/changes/new/").status_code == 200), name
        raisers |= {name} if is_offered else set()
    assert {"requester", "approver", "support", "success"} <= raisers
    assert not {"auditor", "developer", "crb_member"} & raisers
