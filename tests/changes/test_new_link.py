"""A new link for who has lost one: mailed to the recorded address, and the same answer always."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts import forms
from changes import access_links, lifecycle
from changes.lifecycle.access import LINKS_AN_HOUR
from changes.models import AccessLink, Change
from changes.views import secret_link
from changes.views.secret_address import Limit
from expansive_cm.workflow.errors import StepForbidden, StepIncomplete
from tests import stories
from tests.components.looks import looks
from tests.mailing import last_row, link_in, mail_to, told
from tests.people import Cast

NEW = "Your new link"


@pytest.fixture(autouse=True)
def nothing_counted(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test begins with an address that has asked for nothing, and need not wait."""
    monkeypatch.setattr(forms, "SAME_TIME_SECONDS", 0.0)
    yield
    cache.clear()


@pytest.fixture
def change(cast: Cast) -> Change:
    return stories.in_review(cast)


def link_for(change: Change, person: Any) -> str:
    return access_links.issue(change, person, actor=None)[0]


def expire() -> None:
    AccessLink.objects.update(expires_at=timezone.now() - timedelta(minutes=1))


def ask(client: Client, path: str) -> str:
    """Press the button of the page for links that do not work; return what is answered."""
    assert 'value="new_link"' in client.get(path).content.decode()
    response = client.post(path, {"act": "new_link"})
    assert response.status_code == 200
    return response.content.decode().partition("<main")[2]


def page_link(mail: Any) -> str:
    found = {
        re.search(r"/r/[^/\s\"]+/", body).group() for body in (mail.message, mail.html_message)
    }
    assert len(found) == 1
    return found.pop()


def test_an_expired_link_brings_a_new_one_to_the_recorded_address(
    client: Client, cast: Cast, change: Change
) -> None:
    old = link_for(change, cast.requester)
    expire()
    cast.requester.email = "grace.new@harbour.example"
    cast.requester.save()
    before = last_row()
    ask(client, old)
    assert [(what) for _who, what in told(before)] == [NEW]
    new = page_link(mail_to("grace.new@harbour.example"))
    assert new != old
    assert client.get(new).status_code == 200
    assert client.get(old).status_code == 404
    event = change.events.get(verb="send_link")
    assert (event.actor, event.is_internal) == (None, True)


def test_the_answer_is_the_same_whatever_the_link_was(
    client: Client, cast: Cast, change: Change
) -> None:
    watcher, former = link_for(change, cast.colleague), link_for(change, cast.requester)
    expire()
    expected = ask(client, "/r/forged/")
    assert "on its way to the address that we have recorded" in expected
    before = last_row()
    for path in ("/confirm/forged/", f"/r/{'x' * 3000}/", watcher):
        assert ask(client, path) == expected
    cast.requester.is_active = False
    cast.requester.save()
    assert ask(client, former) == expected
    assert told(before) == [], "nobody who has no part in it, or has left"
    cast.requester.is_active = True
    cast.requester.save()
    assert ask(client, former) == expected
    assert told(before) == [("grace", NEW)]


def test_a_revoked_link_brings_a_new_one_to_its_person_alone(
    client: Client, cast: Cast, change: Change
) -> None:
    old = link_for(change, cast.requester)
    lifecycle.revoke_links(change, actor=cast.success, person=cast.requester)
    ask(client, old)
    assert client.get(page_link(mail_to(cast.requester.email))).status_code == 200


def test_a_dead_link_to_the_question_brings_one_to_the_change(
    client: Client, cast: Cast, settings: Any
) -> None:
    change = stories.in_confirmation(cast)
    old = link_in(mail_to(cast.requester.email))
    lifecycle.resend_confirmation(change, actor=cast.success)
    ask(client, old)
    page = client.get(page_link(mail_to(cast.requester.email))).content.decode()
    assert "Go to our question" in page


def test_a_person_is_sent_few_of_them(client: Client, cast: Cast, change: Change) -> None:
    old, other = link_for(change, cast.requester), stories.submitted(cast)
    second = link_for(other, cast.requester)
    expire()
    before = last_row()
    for path in (old, second, old, old, second):
        ask(client, path)
    assert len(told(before)) == LINKS_AN_HOUR
    with time_machine.travel(timezone.now() + timedelta(hours=1, minutes=1)):
        ask(client, old)
    assert len(told(before)) == LINKS_AN_HOUR + 1


def test_an_address_may_ask_for_few(
    client: Client, cast: Cast, change: Change, monkeypatch: Any
) -> None:
    monkeypatch.setattr(secret_link, "NEW_LINKS", Limit("new-links", 2, 600))
    for _time in range(2):
        ask(client, "/r/forged/")
    assert client.post("/r/forged/", {"act": "new_link"}).status_code == 429
    data = {"email": cast.requester.email, "reference": change.reference}
    assert client.post("/r/", data).status_code == 429
    assert client.post("/r/", data, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_asking_needs_the_form_of_the_page(change: Change, cast: Cast) -> None:
    old = link_for(change, cast.requester)
    expire()
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(old, {"act": "new_link"}).status_code == 403
    before = last_row()
    for _time in range(5):
        strict.get(f"{old}?act=new_link")
    assert told(before) == []


# --- Without any mail of ours ------------------------------------------------------------------


def test_address_and_number_bring_a_link(client: Client, cast: Cast, change: Change) -> None:
    for number in (change.reference, str(change.pk), f"cr{change.pk}"):
        before = last_row()
        data = {"email": cast.requester.email.upper(), "reference": number}
        assert client.post("/r/", data).status_code == 200
        assert told(before) == [("grace", NEW)], number


def test_what_does_not_fit_gets_the_same_answer_after_the_same_time(
    client: Client, cast: Cast, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "SAME_TIME_SECONDS", 0.05)
    answers, seconds = set(), {}
    before = last_row()
    for email, reference in (
        (cast.requester.email, change.reference),
        (cast.requester.email, "CR-999999"),
        ("nobody@harbour.example", change.reference),
        (cast.colleague.email, change.reference),
        (cast.stranger_customer.email, change.reference),
        (cast.support.email, change.reference),
    ):
        started = time.monotonic()
        response = client.post("/r/", {"email": email, "reference": reference})
        seconds[email, reference] = time.monotonic() - started
        answers.add((response.status_code, response.content.decode().partition("<main")[2]))
    assert len(answers) == 1
    assert min(seconds.values()) >= forms.SAME_TIME_SECONDS, seconds
    assert told(before) == [("grace", NEW)]


def test_mistakes_stand_beside_their_fields(client: Client) -> None:
    for email, reference in (("", ""), ("grace", "CR-1"), ("g@harbour.example", "CR-x")):
        response = client.post("/r/", {"email": email, "reference": reference})
        assert response.status_code == 400
        assert email in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_pages_are_accessible_and_fit(cast: Cast, new_page: Any) -> None:
    change = stories.in_review(cast)
    old = link_for(change, cast.requester)
    expire()
    page = new_page()
    with looks(page) as look:
        look.over_address("/r/")
        look.over_address(old)
        page.get_by_role("button", name="Send me a new link").click()
        page.get_by_role("heading", name="Please look into your mail").wait_for()
        look.over_page("after asking")
        page.goto("about:blank")
        page.set_content(mail_to(cast.requester.email).html_message)
        look.over_page("the mail itself")


# --- By Expansive's own people -----------------------------------------------------------------


def press(client: Client, change: Change, verb: str, person: Any) -> int:
    path = f"/changes/{change.reference}/{verb}/"
    return client.post(path, {"person": getattr(person, "pk", person)}).status_code


def test_support_sends_a_link_and_takes_links_back(
    client: Client, cast: Cast, change: Change
) -> None:
    old = link_for(change, cast.requester)
    client.force_login(cast.support)
    page = client.get(change.get_absolute_url()).content.decode()
    assert "Links without an account" in page
    assert press(client, change, "send_link", cast.requester) == 302
    new = page_link(mail_to(cast.requester.email))
    assert press(client, change, "revoke_links", cast.requester) == 302
    assert client.get(old).status_code == client.get(new).status_code == 404
    assert press(client, change, "revoke_links", cast.requester) == 409, "none works any more"
    verbs = change.events.filter(actor=cast.support).values_list("verb", flat=True)
    assert {"send_link", "revoke_links"} <= set(verbs)
    revoked = AccessLink.history.filter(history_user=cast.support, revoked_at__isnull=False)
    assert revoked.exists()
    assert "revoked the links of somebody" in revoked.first().history_change_reason


def test_others_neither_see_nor_press_it(client: Client, cast: Cast, change: Change) -> None:
    link_for(change, cast.requester)
    for who, status in (
        ("requester", 403),
        ("colleague", 403),
        ("tester", 403),
        ("auditor", 403),
        ("stranger_success", 403),
        ("stranger_customer", 404),
    ):
        client.force_login(getattr(cast, who))
        if status == 403:
            page = client.get(change.get_absolute_url()).content.decode()
            assert "Links without an account" not in page, who
        for verb in ("send_link", "revoke_links"):
            assert press(client, change, verb, cast.requester) == status, who
            assert client.get(f"/changes/{change.reference}/{verb}/").status_code == 405
    assert AccessLink.objects.filter(revoked_at=None).count() == AccessLink.objects.count()


def test_only_people_of_the_change_are_sent_links(
    client: Client, cast: Cast, change: Change
) -> None:
    client.force_login(cast.support)
    for person in (cast.colleague, cast.stranger_customer, 0, "x", ""):
        assert press(client, change, "send_link", person) == 404
    with pytest.raises(StepIncomplete):
        lifecycle.send_link(change, actor=cast.support, person=cast.colleague)
    with pytest.raises(StepForbidden):
        lifecycle.send_link(change, actor=cast.requester, person=cast.requester)


def test_signs_behind_a_link_lead_to_the_link(client: Client, cast: Cast, change: Change) -> None:
    meant = link_for(change, cast.requester)
    signs = (")", ">", '"', ".", ",", "!", "'", "\u200b", "\u00a0", '">', ").")
    for more in (slash + quote(sign) for slash in ("", "/") for sign in signs):
        found = client.get(meant.rstrip("/") + more)
        assert (found.status_code, found.headers["Location"]) == (302, meant), more
        assert "no-store" in found.headers["Cache-Control"], more
        for page in ("confirm", "r"):
            cache.clear()  # an address may try few that do not work
            wrong = client.get(f"/{page}/{'x' * 43}{more}", follow=True)
            assert wrong.status_code == 404, (page, more)
            assert "new link" in wrong.content.decode(), (page, more)
