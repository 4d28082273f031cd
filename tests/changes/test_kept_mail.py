"""What is kept of a mail once it was sent: its words, and no link that acts for its reader."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from post_office.models import STATUS, Email

from accounts.models import User
from changes import access_links, watch_links
from changes.secret_links import without_links
from expansive_cm.post.words import absolute
from tests import stories
from tests.mailing import deliver, link_in, mail_to, worded
from tests.people import Cast


@pytest.fixture(autouse=True)
def outside_the_demonstration(settings: Any) -> None:
    """Real mail; a demonstration keeps its links, which are read on its Mail page."""
    settings.DEMO = False
    settings.EMAIL_BACKEND = "post_office.EmailBackend"


def everything(row: Email) -> str:
    return f"{row.subject} {row.message} {row.html_message} {row.headers} {row.context}"


def test_a_sent_mail_keeps_its_words_and_no_link_that_works(client: Client, cast: Cast) -> None:
    stories.in_confirmation(cast)
    row = mail_to(cast.requester.email)
    link = link_in(row)
    assert client.get(link).status_code == 200
    deliver()
    kept = worded(pk=row.pk).get()
    assert kept.status == STATUS.sent
    assert link not in everything(kept)
    assert not re.search(r"/(confirm|r|unwatch)/[\w-]", everything(kept))
    assert kept.message.splitlines()[0] == row.message.splitlines()[0]
    assert client.get(link).status_code == 200, "whoever got the mail goes on"


def test_a_sent_mail_with_a_new_password_opens_no_account(client: Client, cast: Cast) -> None:
    client.post("/account/password/reset/", {"email": cast.approver.email})
    row = worded(to=cast.approver.email).get()
    (path,) = set(re.findall(r"/account/password/reset/key/[^\s\"]+/", row.message))
    deliver()
    kept = worded(pk=row.pk).get()
    assert kept.status == STATUS.sent
    assert path not in everything(kept)
    assert "/account/password/reset/key/" in everything(kept)


def test_every_kind_of_secret_address_is_known_by_its_view(cast: Cast) -> None:
    change = stories.in_confirmation(cast)
    person: User = cast.colleague
    for path in (
        watch_links.path(change, person),
        access_links.draft(change, person, actor=None)[0],
        reverse("changes:confirmation", args=["a-short-token"]),
    ):
        secret = path.strip("/").split("/")[1]
        address = absolute(path)
        for text in (f"See {address}.", f'<a href="{address}">here</a>', f"<{address}>, <x>"):
            assert secret not in without_links(text)
    page = absolute(change.get_absolute_url())
    assert without_links(f"See {page}.") == f"See {page}."


def test_the_demonstration_keeps_its_links(cast: Cast, settings: Any) -> None:
    settings.DEMO = True
    stories.in_confirmation(cast)
    row = mail_to(cast.requester.email)
    deliver()
    assert link_in(worded(pk=row.pk).get()) == link_in(row)
