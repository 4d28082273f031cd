"""Signing in and out, forgotten passwords, and the demonstration's short cut."""

import re
import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from post_office.models import Email

from accounts.demo import DEMO_PASSWORD, demo_cast
from accounts.models import User
from accounts.roles import Role

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "a-long-enough-secret"


@pytest.fixture(autouse=True)
def fresh_limits_and_outbox(db: None, settings: Any) -> None:
    """Attempts of other tests do not count here, and mail goes where it really goes."""
    cache.clear()
    settings.EMAIL_BACKEND = "post_office.EmailBackend"


@pytest.fixture
def grace() -> User:
    """Somebody with a password."""
    return User.objects.create_user(
        "grace.okafor@harbourview.example", DEMO_PASSWORD, display_name="Grace Okafor"
    )


def sign_in(client: Client, email: str, password: str) -> Any:
    return client.post("/account/login/", {"login": email, "password": password})


def test_sign_in_and_out(client: Client, grace: User) -> None:
    assert sign_in(client, "GRACE.Okafor@harbourview.example", DEMO_PASSWORD).status_code == 302
    assert client.get("/account/profile/").status_code == 200
    assert "Sign out?" in client.get("/account/logout/").content.decode()
    assert client.get("/account/profile/").status_code == 200, "GET never acts"
    client.post("/account/logout/")
    assert client.get("/account/profile/").status_code == 302


def test_unknown_and_known_addresses_get_the_same_answer(
    client: Client, grace: User, settings: Any
) -> None:
    settings.DEMO = False
    answers = set()
    for email in (grace.email, "nobody@harbourview.example"):
        page = sign_in(client, email, "wrong").content.decode().replace(email, "@")
        assert "There is a problem" in page
        answers.add(re.sub(r'(value|"X-CSRFToken":)[= ]"\w{64}"', "", page))
    assert len(answers) == 1


def test_attempts_are_limited(client: Client, grace: User) -> None:
    answers = [sign_in(client, grace.email, f"wrong-{number}") for number in range(6)]
    assert "Too many" in answers[-1].content.decode()
    late = sign_in(client, grace.email, DEMO_PASSWORD)
    assert late.status_code != 302, "the right password does not help any more"


def test_too_many_requests_get_a_page(client: Client, grace: User) -> None:
    for _number in range(30):
        answer = client.post("/account/login/", {"login": "", "password": ""})
        assert answer.status_code == 200
    answer = client.post("/account/login/", {"login": "", "password": ""})
    assert answer.status_code == 429
    assert "Too many attempts" in answer.content.decode()


def test_inactive_people_cannot_sign_in(client: Client, grace: User) -> None:
    grace.is_active = False
    grace.save()
    answer = client.post(
        "/account/login/", {"login": grace.email, "password": DEMO_PASSWORD}, follow=True
    )
    assert "This account is not active" in answer.content.decode()
    assert client.get("/account/profile/").status_code == 302


def test_a_forgotten_password_is_chosen_anew(client: Client, grace: User) -> None:
    page = client.post("/account/password/reset/", {"email": grace.email}, follow=True)
    assert "If there is an account for that address" in page.content.decode()
    mail = Email.objects.get()
    assert mail.to == [grace.email]
    assert mail.subject == "Choose a new password"
    link = re.search(r"http://testserver(/account/password/reset/key/\S+)", mail.message)
    assert link, mail.message
    assert "Hello Grace Okafor," in mail.message
    assert "within 24 hours" in mail.message
    assert link[0] in mail.html_message
    form = client.get(link[1], follow=True)
    assert "Choose a new password" in form.content.decode()
    passwords = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    done = client.post(form.redirect_chain[-1][0], passwords, follow=True)
    assert "Your password is changed" in done.content.decode()
    assert sign_in(client, grace.email, NEW_PASSWORD).status_code == 302
    told = Email.objects.exclude(pk=mail.pk).get()
    assert told.subject == "Your password was reset"
    assert told.to == [grace.email]


def test_a_reset_link_works_once(client: Client, grace: User) -> None:
    client.post("/account/password/reset/", {"email": grace.email})
    link = re.search(r"http://testserver(\S+)", Email.objects.get().message)
    assert link
    form = client.get(link[1], follow=True)
    passwords = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    client.post(form.redirect_chain[-1][0], passwords)
    again = Client().get(link[1], follow=True)
    assert "This link no longer works" in again.content.decode()


def test_the_link_names_our_own_host(client: Client, grace: User, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    data = {"email": grace.email}
    client.post("/account/password/reset/", data, headers={"host": "evil.example"})
    assert "http://testserver/account/password/reset/key/" in Email.objects.get().message


def test_nobody_learns_whether_an_address_is_known(client: Client, grace: User) -> None:
    seconds = {}
    for email in (grace.email, "nobody@harbourview.example"):
        started = time.monotonic()
        page = client.post("/account/password/reset/", {"email": email}, follow=True)
        seconds[email] = time.monotonic() - started
        assert "If there is an account for that address" in page.content.decode()
    assert Email.objects.count() == 1
    assert min(seconds.values()) >= 0.25


def test_nobody_signs_up(client: Client, db: None) -> None:
    data = {"email": "new@evil.example", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    page = client.post("/account/signup/", data)
    assert "Nobody signs up here" in page.content.decode()
    assert not User.objects.filter(email="new@evil.example").exists()


@pytest.mark.parametrize("path", ["email/", "confirm-email/", "confirm-email/abc/"])
def test_addresses_are_not_changed_by_their_owners(client: Client, grace: User, path: str) -> None:
    client.force_login(grace)
    assert client.get(f"/account/{path}").status_code == 404
    assert client.post(f"/account/{path}", {"email": "x@y.example"}).status_code == 404


@pytest.mark.parametrize(
    "path", ["login", "logout", "signup", "inactive", "password/reset", "password/reset/done"]
)
def test_pages_for_visitors_are_in_our_shell(client: Client, grace: User, path: str) -> None:
    if path == "logout":
        client.force_login(grace)
    page = client.get(f"/account/{path}/").content.decode()
    assert 'data-page="entrance"' in page
    assert "<h1" in page


@pytest.mark.parametrize("path", ["password/change", "reauthenticate"])
def test_pages_for_people_are_in_our_shell(client: Client, grace: User, path: str) -> None:
    sign_in(client, grace.email, DEMO_PASSWORD)
    assert 'data-page="entrance"' in client.get(f"/account/{path}/").content.decode()


# --- Demonstration ----------------------------------------------------------------------


def test_the_cast_covers_every_role() -> None:
    cast = demo_cast()
    assert {role for member in cast for role in member.roles} == set(Role)
    assert len({member.email for member in cast}) == len(cast)
    assert sum(1 for member in cast if member.organisation and not member.roles) == 3


def test_one_press_signs_in_as_somebody(client: Client, grace: User) -> None:
    page = client.get("/account/login/").content.decode()
    for member in demo_cast():
        assert member.name in page
    answer = client.post(
        "/account/sign-in-as/", {"email": grace.email, "next": "/account/profile/"}
    )
    assert answer.headers["Location"] == "/account/profile/"
    assert "Grace Okafor" in client.get("/account/profile/").content.decode()


def test_the_short_cut_leads_only_to_our_own_pages(client: Client, grace: User) -> None:
    data = {"email": grace.email, "next": "https://evil.example/"}
    assert client.post("/account/sign-in-as/", data).headers["Location"] == "/"


def test_the_short_cut_signs_in_as_nobody_else(client: Client) -> None:
    User.objects.create_user("boss@expansive.example", display_name="Boss")
    answer = client.post("/account/sign-in-as/", {"email": "boss@expansive.example"})
    assert answer.status_code == 404
    assert client.get("/account/sign-in-as/").status_code == 405


def test_without_demo_mode_there_is_no_short_cut(
    client: Client, grace: User, settings: Any
) -> None:
    settings.DEMO = False
    assert client.post("/account/sign-in-as/", {"email": grace.email}).status_code == 404
    page = client.get("/account/login/").content.decode()
    assert "Or look around as somebody" not in page
    assert "Demonstration" not in page
