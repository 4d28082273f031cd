"""Pages of the shell in a real browser: readable for all, in light and dark, from 360 px."""

from typing import Any

import pytest

from accounts.models import User
from tests.components.browsing import faults, person, sign_in

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


def check(page: Any, address: str, words: str, scheme: str, width: int) -> None:
    """Open a page and hold it to what every page promises."""
    page.goto(address)
    page.wait_for_selector(f"text={words}")
    assert page.get_attribute("html", "data-bs-theme") == scheme
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults(page) == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_pages_for_people(
    new_page: Any, live_server: Any, person: User, scheme: str, width: int
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, person, live_server)
    for address, words in PEOPLES_PAGES.items():
        check(page, address, words, scheme, width)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_pages_for_visitors(new_page: Any, transactional_db: None, scheme: str, width: int) -> None:
    page = new_page(width=width, color_scheme=scheme)
    for address, words in VISITORS_PAGES.items():
        check(page, address, words, scheme, width)


def test_the_page_about_our_own_faults_stands_alone(page: Any, transactional_db: None) -> None:
    page.goto("/broken/")
    page.wait_for_selector("text=Something went wrong on our side")
    assert faults(page) == ""
