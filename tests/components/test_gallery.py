"""Every component in a real browser: readable for all, in light and dark, from 360 px."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client

from accounts.models import User
from accounts.roles import Role

pytestmark = pytest.mark.urls("tests.components.gallery")
AXE_OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture
def owner(transactional_db: None) -> User:
    """Somebody with two roles."""
    from django.contrib.auth.models import Group

    person = User.objects.create_user("owen@expansive.example", display_name="Owen Pryce")
    for role in (Role.CUSTOMER_SUCCESS, Role.SUPPORT):
        person.groups.add(Group.objects.get_or_create(name=role)[0])
    return person


def sign_in(page: Any, person: User, live_server: Any) -> None:
    """Give a browser the session of a person."""
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )


def faults(page: Any) -> str:
    """Return what axe finds wrong with a page, or nothing."""
    results = Axe().run(page, options=AXE_OPTIONS)
    return results.generate_report() if results.violations_count else ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_gallery_is_accessible_and_fits(
    new_page: Any, live_server: Any, owner: User, scheme: str, width: int
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, owner, live_server)
    page.goto("/gallery/")
    page.wait_for_selector("#import .icon")
    assert page.get_attribute("html", "data-bs-theme") == scheme
    page.screenshot(path=f"/tmp/w/fe/gallery-{scheme}-{width}.png", full_page=True)
    page.screenshot(path=f"/tmp/w/fe/top-{scheme}-{width}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults(page) == ""
