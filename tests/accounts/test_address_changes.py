"""An administrator who changes somebody's address does not get their account with it."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from post_office.models import Email

from accounts import address_changes
from accounts.models import User
from accounts.roles import Role
from tests.accounts.test_admin import person_data
from tests.people import Cast, person

RESET = "/account/password/reset/"


@pytest.fixture(autouse=True)
def mail_in_the_outbox(settings: Any) -> None:
    settings.EMAIL_BACKEND = "post_office.EmailBackend"


@pytest.fixture
def alma(cast: Cast) -> User:
    """An administrator who is no superuser."""
    User.objects.filter(pk=cast.administrator.pk).update(is_superuser=False)
    return User.objects.get(pk=cast.administrator.pk)


def move(client: Client, whom: User, address: str, reason: str = "Married") -> Any:
    """Change an address as the administrator does."""
    data = person_data(whom, *whom.roles, email=address, reason=reason)
    return client.post(f"/admin/accounts/user/{whom.pk}/change/", data)


def mails() -> list[tuple[str, str]]:
    return [(row.to[0], row.subject) for row in Email.objects.order_by("pk")]


def test_an_address_changes_with_a_reason_and_both_are_told(
    client: Client, cast: Cast, alma: User
) -> None:
    client.force_login(alma)
    old = cast.approver.email
    page = move(client, cast.approver, "new@harbour.example", reason=" ")
    assert "Say why the address changes." in page.content.decode()
    assert User.objects.get(pk=cast.approver.pk).email == old
    assert mails() == []

    assert move(client, cast.approver, "New@harbour.example").status_code == 302
    told = "The address of your account was changed"
    assert mails() == [(old, told), ("new@harbour.example", told)]
    for row in Email.objects.all():
        assert old in row.message and "new@harbour.example" in row.html_message
    row = User.objects.get(pk=cast.approver.pk).history.first()
    assert (row.history_user, row.history_change_reason) == (alma, "Married")


def test_capitals_are_no_change(client: Client, cast: Cast, alma: User) -> None:
    client.force_login(alma)
    assert move(client, cast.nobody, cast.nobody.email.upper(), "").status_code == 302
    assert mails() == []


def test_no_account_is_taken_over_by_its_new_address(
    client: Client, cast: Cast, alma: User
) -> None:
    people = [cast.approver, cast.crb_member, cast.requester, cast.success]
    evil = {whom.pk: f"mine{number}@evil.example" for number, whom in enumerate(people)}
    client.force_login(alma)
    for whom in people:
        assert move(client, whom, evil[whom.pk]).status_code == 302, whom
    told = mails()
    for address in evil.values():
        client.post(RESET, {"email": address})
    chosen = {"action": "send_password_link", "_selected_action": [*evil]}
    page = client.post("/admin/accounts/user/", chosen, follow=True).content.decode()
    assert "0 mails are on their way." in page
    assert mails() == told
    for address in evil.values():
        assert Client().login(email=address, password="secret"), f"{address}: its owner goes on"

    with time_machine.travel(timezone.now() + address_changes.REST + timedelta(minutes=1)):
        for address in evil.values():
            client.post(RESET, {"email": address})
    assert [to for to, _subject in mails()[len(told) :]] == [*evil.values()]


def test_who_never_had_a_password_gets_one_at_once(client: Client, cast: Cast, alma: User) -> None:
    cast.nobody.set_unusable_password()
    cast.nobody.save()
    client.force_login(alma)
    move(client, cast.nobody, "nora@expansive.example", "A letter was wrong")
    assert address_changes.rests_until(User.objects.get(pk=cast.nobody.pk)) is None


def test_only_a_superuser_changes_a_superuser(client: Client, cast: Cast, alma: User) -> None:
    root = person("Root", Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    client.force_login(alma)
    address = f"/admin/accounts/user/{root.pk}/change/"
    assert 'name="_save"' not in client.get(address).content.decode()
    assert move(client, root, "mine@evil.example").status_code == 403
    assert User.objects.get(pk=root.pk).email == "root@expansive.example"
    other = person("Second", is_staff=True, is_superuser=True)
    client.force_login(other)
    assert move(client, root, "root2@expansive.example").status_code == 302
