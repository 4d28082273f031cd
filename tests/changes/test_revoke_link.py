"""A link that was mailed to the requester: seen, and revoked with a reason."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from changes import lifecycle
from changes.errors import StepIllegal, StepIncomplete
from changes.models import AccessLink, Change
from tests.changes.test_comment import CUSTOMERS, STRANGERS
from tests.changes.test_request_page import change, link, no_failures_counted, own, send
from tests.components.browsing import faults, sign_in
from tests.people import Cast

__all__ = ["change", "link", "no_failures_counted"]
WHY = "It was forwarded to a mailing list."
TITLE = "Links mailed to the requester"


def get(client: Client, user: User, address: str) -> Any:
    client.force_login(user)
    return client.get(address)


def address_of(change: Change) -> str:
    return reverse("changes:revoke_link", args=[change.pk, AccessLink.objects.get().pk])


def test_the_success_team_revokes_a_link(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    address = address_of(change)
    page = get(client, cast.success, change.get_absolute_url()).content.decode()
    assert TITLE in page and f'href="{address}"' in page
    assert link.split("/")[2] not in page
    assert client.get(address).status_code == 200
    empty = client.post(address, {"reason": " "})
    assert (empty.status_code, empty.context["form"].errors) == (
        400,
        {"reason": ["Say why the link is revoked."]},
    )
    assert Client().get(link).status_code == 200
    assert client.post(address, {"reason": WHY}).status_code == 302
    assert Client().get(link).status_code == 404
    assert send(Client(), link, own(change)).status_code == 404
    page = client.get(change.get_absolute_url()).content.decode()
    assert "Revoked" in page and f'href="{address}"' not in page and WHY in page
    event = change.events.get(verb="revoke_link")
    assert (event.actor, event.reason, event.is_internal) == (cast.success, WHY, True)
    row = AccessLink.history.first()
    assert (row.history_user, WHY in row.history_change_reason) == (cast.success, True)
    again = client.post(address, {"reason": WHY})
    assert (again.status_code, "This link works no more." in again.content.decode()) == (409, True)
    assert change.events.filter(verb="revoke_link").count() == 1


def test_who_sees_and_who_revokes(cast: Cast, change: Change, link: str) -> None:
    address = address_of(change)
    for part, user in cast.people.items():
        may = part in {"success", "administrator"}
        client = Client()
        page = get(client, user, change.get_absolute_url())
        answers = (client.get(address).status_code, client.get(address).status_code)
        assert set(answers) == {200 if may else 404 if part in STRANGERS else 403}, part
        if part not in STRANGERS:
            body = page.content.decode()
            assert (TITLE in body) == (part not in CUSTOMERS), part
            assert (f'href="{address}"' in body) == may, part
        if not may:
            assert client.post(address, {"reason": WHY}).status_code in (403, 404)
    assert AccessLink.objects.get().revoked_at is None


def test_an_answer_being_written_is_refused_and_kept(cast: Cast, change: Change, link: str) -> None:
    found = AccessLink.objects.get()
    lifecycle.revoke_link(change, actor=cast.administrator, link=found, reason=WHY)
    with pytest.raises(StepIllegal):
        lifecycle.revoke_link(change, actor=cast.success, link=found, reason=WHY)
    assert send(Client(), link, own(change), "Forty.").status_code == 404
    assert own(change).is_open


def test_a_reason_is_needed_and_an_expired_link_is_left_alone(
    client: Client, cast: Cast, change: Change, link: str
) -> None:
    found = AccessLink.objects.get()
    with pytest.raises(StepIncomplete):
        lifecycle.revoke_link(change, actor=cast.success, link=found, reason=" ")
    with time_machine.travel(timezone.now() + timedelta(days=settings.ACCESS_LINK_DAYS + 1)):
        page = get(client, cast.success, change.get_absolute_url()).content.decode()
        assert "Expired" in page and f'href="{address_of(change)}"' not in page
        with pytest.raises(StepIllegal):
            lifecycle.revoke_link(change, actor=cast.success, link=found, reason=WHY)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_it_is_done_with_the_keyboard_and_fits(
    cast: Cast, change: Change, link: str, new_page: Any, live_server: Any, width: int, scheme: str
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    sign_in(page, cast.success, live_server)
    page.goto(change.get_absolute_url())
    page.locator("#access-links").get_by_role("link", name="Revoke").press("Enter")
    assert faults(page) == ""
    page.get_by_label("Why is the link revoked?").fill(WHY)
    page.get_by_role("button", name="Revoke the link").press("Enter")
    page.get_by_text("The link no longer works.").wait_for()
    assert faults(page) == ""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
