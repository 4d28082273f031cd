"""The menu in the header: what it offers opens."""

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
