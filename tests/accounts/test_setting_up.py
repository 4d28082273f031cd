"""The first administrator finds what is missing, and is above no rule. Costs about 3 s."""

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from post_office.models import Email

from accounts.models import Organisation, User
from accounts.roles import Role
from accounts.setting_up import POINTS
from changes.models import Service
from tests import stories
from tests.crb.conftest import new_board, seat
from tests.people import Cast

TITLE = "Before the first change"


@pytest.fixture
def first(db: None, monkeypatch: pytest.MonkeyPatch) -> User:
    """Whom `createsuperuser` makes in an empty installation."""
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "quite-long-and-unusual")
    address = "first@expansive.example"
    call_command("createsuperuser", interactive=False, email=address, display_name="Fiona First")
    return User.objects.get(email=address)


def test_the_first_administrator_is_no_superuser_and_can_do_their_work(
    first: User, client: Client
) -> None:
    assert not first.is_superuser
    assert first.roles == {Role.ADMINISTRATOR}
    assert first.history.earliest().history_change_reason == "Made administrator on the server"
    assert client.login(username=first.email, password="quite-long-and-unusual")
    for name in ("admin:index", "admin:accounts_user_add", "changes:import", "audit:history"):
        assert client.get(reverse(name)).status_code == 200, name
    assert client.get(reverse("crb:board")).status_code == 200


def test_home_leads_to_everything_that_is_missing(first: User, client: Client) -> None:
    client.force_login(first)
    html = client.get("/").content.decode()
    assert TITLE in html
    assert html.count("Done") == 0
    for point in POINTS:
        assert str(point.label) in html
        assert f'href="{reverse(point.url_name)}"' in html
        assert client.get(reverse(point.url_name)).status_code == 200, point.label


def test_it_says_what_is_done_and_goes_when_nothing_is_missing(cast: Cast, client: Client) -> None:
    client.force_login(cast.administrator)
    html = client.get("/").content.decode()
    assert TITLE in html
    assert "Done" in html
    Service.objects.get_or_create(name="Sign-in")
    seat(new_board(), cast.chair, is_chair=True)
    assert TITLE not in client.get("/").content.decode()
    Organisation.objects.update(is_active=False)
    assert TITLE in client.get("/").content.decode()
    client.force_login(cast.support)
    assert TITLE not in client.get("/").content.decode()


def test_an_installation_that_has_had_a_change_is_not_new(cast: Cast, client: Client) -> None:
    """Whatever is empty later: what changes wait for is said in words of its own."""
    client.force_login(cast.administrator)
    assert TITLE in client.get("/").content.decode()
    stories.in_review(cast)
    assert TITLE not in client.get("/").content.decode()
    cast.care_team.members.clear()
    cast.retail_team.members.clear()
    Organisation.objects.update(is_active=False)
    home = client.get("/").content.decode()
    assert TITLE not in home
    assert "Nobody holds the part “Care team”" in home


def test_whoever_is_added_gets_a_mail_to_choose_a_password(
    cast: Cast, client: Client, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "post_office.EmailBackend"
    client.force_login(cast.administrator)
    before = Email.objects.count()
    data = {
        "email": "new@expansive.example",
        "display_name": "Nia New",
        "time_zone": "Europe/London",
        "mail_pace": "at_once",
        "is_active": "on",
    }
    answer = client.post(reverse("admin:accounts_user_add"), data, follow=True)
    assert "Nia New gets a mail with a link to choose a password." in answer.content.decode()
    mail = Email.objects.order_by("-pk").first()
    assert Email.objects.count() == before + 1
    assert mail and mail.to == ["new@expansive.example"]
    assert "/account/password/reset/key/" in mail.message


def test_who_is_added_inactive_gets_none(cast: Cast, client: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = "post_office.EmailBackend"
    client.force_login(cast.administrator)
    before = Email.objects.count()
    data = {"email": "n@expansive.example", "display_name": "N", "time_zone": "Europe/London"}
    client.post(reverse("admin:accounts_user_add"), {**data, "mail_pace": "at_once"})
    assert not User.objects.get(email="n@expansive.example").is_active
    assert Email.objects.count() == before
