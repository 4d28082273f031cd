"""Pages of the shell in a real browser: readable for all, in light and dark, from 360 px."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from tests.components.browsing import person, sign_in
from tests.components.looks import faults, looks

pytestmark = pytest.mark.urls("tests.components.gallery")
__all__ = ["person"]

VISITORS_PAGES = {
    "/account/login/": "Or look around as somebody",
    "/account/password/reset/": "Send the link",
    "/no/such/page/": "Nothing to see here",
}
PEOPLES_PAGES = {
    "/gallery/": "Open the loading bay calendar",
    "/account/profile/": "Your time now",
    "/account/password/change/": "Change your password",
    "/too-late/": "Things have moved on",
}


def shows(words: str) -> Callable[[Any], None]:
    """Return what waits for these words, on a page that knows the scheme from the start."""

    def wait(page: Any) -> None:
        page.wait_for_selector(f"text={words}")
        dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        assert page.get_attribute("html", "data-bs-theme") == ("dark" if dark else "light")

    return wait


def test_pages_for_people(new_page: Any, live_server: Any, person: User) -> None:
    page = new_page()
    sign_in(page, person, live_server)
    with looks(page) as look:
        for address, words in PEOPLES_PAGES.items():
            # One is loaded in the dark as well: the shell of all of them says which scheme it is.
            look.over_address(address, shows(words), anew=address == "/account/profile/")


def test_pages_for_visitors(new_page: Any, transactional_db: None) -> None:
    page = new_page()
    with looks(page) as look:
        for address, words in VISITORS_PAGES.items():
            look.over_address(address, shows(words), anew=address == "/account/login/")

    # The page about our own faults stands alone.
    page.goto("/broken/")
    page.wait_for_selector("text=Something went wrong on our side")
    assert faults(page) == ""
