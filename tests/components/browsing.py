"""What browser tests of the shell share."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import lxml.html
import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from tests.browser import PATIENCE_MS

HURRY = """() => {
  const later = window.setTimeout;
  window.setTimeout = (act, ms = 0, ...rest) => later(act, ms > 2000 ? ms : ms / 20, ...rest);
  window.endHurry = () => { window.setTimeout = later; };
}"""


@pytest.fixture
def person(transactional_db: None) -> User:
    """Somebody with two roles."""
    person = User.objects.create_user(
        "owen@expansive.example", "demo-password", display_name="Owen Pryce"
    )
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


@contextmanager
def hurried(page: Any) -> Iterator[None]:
    """Let what the open page puts off by up to two seconds come in a twentieth of that time."""
    page.evaluate(HURRY)
    yield
    page.evaluate("window.endHurry()")


def choose(control: Any) -> None:
    """Choose a card, a star or a tick where a person presses it: on its label, once it is still."""
    from playwright.sync_api import expect

    if not control.is_checked():
        control.locator("xpath=ancestor::label[1] | self::*[not(ancestor::label)]").click()
    expect(control).to_be_checked()


def linked(client: Client, person: User, page: str, words: str) -> str:
    """Return where links with these words lead on a page as somebody reads it: to one place."""
    client.force_login(person)
    shown = lxml.html.document_fromstring(client.get(page).content.decode())
    links = shown.xpath("//main//a[normalize-space()=$words]", words=words)
    [there] = {str(link.get("href")) for link in links}
    return there


@contextmanager
def leads_to(page: Any, path: str) -> Iterator[None]:
    """Expect that what is pressed leads to a path, whose page is not drawn: the open one stays."""
    there = re.compile(rf"^\w+://[^/]+{re.escape(path)}(\?.*)?$")

    asked = []

    def stay(route: Any) -> None:
        route.fulfill(status=204)
        asked.append(route.request.is_navigation_request())

    page.route(there, stay)
    yield
    wait_while_held(page, lambda: any(asked))
    page.unroute(there)


def wait_while_held(page: Any, are_held: Callable[[], Any]) -> None:
    """Let the page go on until a test's route holds what it waits for."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not are_held():
        assert time.monotonic() < deadline, "nothing was asked for that could be held"
        page.wait_for_timeout(50)
