"""Administration: roles are given with a reason, nobody is deleted, nobody else gets in."""

import re
from datetime import UTC, datetime, time
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import formats
from post_office.models import Email

from accounts.models import Organisation, SuccessTeam, User
from accounts.roles import Role

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/accounts/user/"


def group(role: Role) -> Group:
    return Group.objects.get_or_create(name=role)[0]


@pytest.fixture
def rosalind() -> User:
    """The administrator."""
    person = User.objects.create_user(
        "rosalind.hart@expansive.example", display_name="Rosalind Hart", is_staff=True
    )
    person.groups.add(group(Role.ADMINISTRATOR))
    return person


@pytest.fixture
def admin(client: Client, rosalind: User) -> Client:
    """A browser in which the administrator is signed in."""
    client.force_login(rosalind)
    return client


@pytest.fixture
def jonas() -> User:
    """Somebody without a role."""
    return User.objects.create_user("jonas.weber@expansive.example", display_name="Jonas Weber")


@pytest.fixture
def hospitals() -> Organisation:
    """A customer."""
    team = SuccessTeam.objects.create(name="Health")
    return Organisation.objects.create(name="Harbour View Hospitals", success_team=team)


def person_data(person: User, *roles: Role, **changes: Any) -> dict[str, Any]:
    data = {
        "email": person.email,
        "display_name": person.display_name,
        "time_zone": person.time_zone,
        "mail_pace": person.mail_pace,
        "organisation": person.organisation_id or "",
        "is_active": "on",
        "groups": [group(role).pk for role in roles],
        "reason": "",
    }
    return {**data, **changes}


@pytest.mark.parametrize("model", ["user", "organisation", "successteam"])
def test_lists_forms_and_history_open(
    admin: Client, hospitals: Organisation, jonas: User, model: str
) -> None:
    key = {"user": jonas, "organisation": hospitals, "successteam": hospitals.success_team}
    page = f"/admin/accounts/{model}/"
    for path in (page, f"{page}add/", f"{page}{key[model].pk}/change/"):
        answer = admin.get(path)
        assert answer.status_code == 200
    # Whoever is chosen among all people stands in a list of its own, which a script makes.
    assert ('class="selectfilter"' in answer.content.decode()) == (model != "user")
    assert admin.get(f"{page}{key[model].pk}/history/").status_code == 200
    assert admin.get(f"{page}{key[model].pk}/delete/").status_code == 403
    assert admin.post(f"{page}{key[model].pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_role_in_the_process_needs_a_reason(admin: Client, jonas: User, rosalind: User) -> None:
    path = f"{PEOPLE}{jonas.pk}/change/"
    page = admin.post(path, person_data(jonas, Role.DEVELOPER))
    assert "Say why this person gets a role in the process." in page.content.decode()
    assert not jonas.groups.exists()

    data = person_data(jonas, Role.DEVELOPER, reason="Joined the mobile team")
    assert admin.post(path, data).status_code == 302
    assert User.objects.get(pk=jonas.pk).has_role(Role.DEVELOPER)
    row = jonas.history.first()
    assert row.history_change_reason == "Joined the mobile team"
    assert row.history_user == rosalind
    assert [held.group.name for held in row.groups.all()] == [Role.DEVELOPER]


def test_a_role_that_is_held_already_needs_no_reason(admin: Client, jonas: User) -> None:
    jonas.groups.add(group(Role.TESTER))
    data = person_data(jonas, Role.TESTER, display_name="Jonas M. Weber")
    assert admin.post(f"{PEOPLE}{jonas.pk}/change/", data).status_code == 302
    assert User.objects.get(pk=jonas.pk).display_name == "Jonas M. Weber"


def test_an_administrator_takes_a_process_role_on_the_record_only(
    admin: Client, rosalind: User
) -> None:
    path = f"{PEOPLE}{rosalind.pk}/change/"
    page = admin.post(path, person_data(rosalind, Role.ADMINISTRATOR, Role.APPROVER))
    assert page.status_code == 200
    assert not User.objects.get(pk=rosalind.pk).has_role(Role.APPROVER)


def test_an_administrator_is_given_a_process_role_by_another_one(
    admin: Client, rosalind: User, jonas: User
) -> None:
    """Who keeps the roles would otherwise approve what nobody gave them to approve."""
    data = person_data(rosalind, Role.ADMINISTRATOR, Role.APPROVER, reason="Somebody has to")
    path = f"{PEOPLE}{rosalind.pk}/change/"
    jonas.groups.add(group(Role.ADMINISTRATOR))
    page = admin.post(path, data).content.decode()
    assert "Another administrator must give you this role." in page
    jonas.groups.clear()
    admin.post(path, data)
    assert User.objects.get(pk=rosalind.pk).has_role(Role.APPROVER)


def test_customers_people_hold_no_internal_role(
    admin: Client, jonas: User, hospitals: Organisation
) -> None:
    data = person_data(jonas, Role.TESTER, organisation=hospitals.pk, reason="Asked for it")
    page = admin.post(f"{PEOPLE}{jonas.pk}/change/", data)
    assert "Only Expansive&#x27;s own people can hold: Tester." in page.content.decode()


def test_nobody_locks_themselves_out(admin: Client, rosalind: User) -> None:
    data = person_data(rosalind)
    del data["is_active"]
    page = admin.post(f"{PEOPLE}{rosalind.pk}/change/", data).content.decode()
    assert "You cannot deactivate yourself." in page
    assert "Another administrator must take this role away." in page


def test_administrators_may_enter_and_former_ones_may_not(admin: Client, jonas: User) -> None:
    path = f"{PEOPLE}{jonas.pk}/change/"
    admin.post(path, person_data(jonas, Role.ADMINISTRATOR))
    assert User.objects.get(pk=jonas.pk).is_staff
    admin.post(path, person_data(jonas))
    assert not User.objects.get(pk=jonas.pk).is_staff


def test_an_old_address_opens_nothing(admin: Client, jonas: User) -> None:
    EmailAddress.objects.create(user=jonas, email=jonas.email, verified=True, primary=True)
    data = person_data(jonas, email="J.Weber@Expansive.example", reason="Shorter")
    assert admin.post(f"{PEOPLE}{jonas.pk}/change/", data).status_code == 302
    assert User.objects.get(pk=jonas.pk).email == "j.weber@expansive.example"
    assert not EmailAddress.objects.filter(user=jonas).exists()


def test_an_address_belongs_to_one_person(admin: Client, jonas: User, rosalind: User) -> None:
    data = person_data(jonas, email=rosalind.email.upper())
    page = admin.post(f"{PEOPLE}{jonas.pk}/change/", data)
    assert "Somebody else already has this address." in page.content.decode()


def test_a_new_person_chooses_a_password_from_a_mail(admin: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = "post_office.EmailBackend"
    new = User(email="kate.sinclair@expansive.example", display_name="Kate Sinclair")
    data = person_data(new, Role.RELEASE_MANAGER, reason="Runs the releases from June")
    assert admin.post(f"{PEOPLE}add/", data).status_code == 302
    person = User.objects.get(email=new.email)
    assert not person.has_usable_password()
    assert Email.objects.get().to == [person.email], "without anybody asking for it"
    chosen = {"action": "send_password_link", "_selected_action": [person.pk]}
    page = admin.post(PEOPLE, chosen, follow=True)
    assert "1 mail is on its way." in page.content.decode()
    assert [mail.to for mail in Email.objects.all()] == [[person.email]] * 2


def test_an_approver_of_a_customer_is_named_with_a_reason(
    admin: Client, hospitals: Organisation, jonas: User
) -> None:
    jonas.groups.add(group(Role.APPROVER))
    path = f"/admin/accounts/organisation/{hospitals.pk}/change/"
    data = {
        "name": hospitals.name,
        "success_team": hospitals.success_team_id,
        "approvers": [jonas.pk],
        "is_active": "on",
        "reason": "",
        "domains-TOTAL_FORMS": "1",
        "domains-INITIAL_FORMS": "0",
        "domains-0-domain": "harbourview.example",
    }
    assert "Say why this person may authorise" in admin.post(path, data).content.decode()
    assert admin.post(path, {**data, "reason": "Appointed by letter"}).status_code == 302
    assert list(hospitals.approvers.all()) == [jonas]
    assert hospitals.domains.get().domain == "harbourview.example"
    assert hospitals.history.first().history_change_reason == "Appointed by letter"


def test_joining_a_team_needs_a_reason(admin: Client, hospitals: Organisation, jonas: User) -> None:
    team = hospitals.success_team
    data = {"name": team.name, "email": "", "members": [jonas.pk], "reason": ""}
    path = f"/admin/accounts/successteam/{team.pk}/change/"
    assert "Say why this person joins the team." in admin.post(path, data).content.decode()
    assert admin.post(path, {**data, "reason": "New in the team"}).status_code == 302
    assert list(team.members.all()) == [jonas]


@pytest.mark.parametrize("staff", [False, True])
def test_others_stay_outside(client: Client, jonas: User, staff: bool) -> None:
    jonas.is_staff = staff
    jonas.save()
    jonas.groups.add(group(Role.AUDITOR))
    client.force_login(jonas)
    assert client.get(PEOPLE, follow=True).status_code == 403


def test_visitors_are_sent_to_the_one_sign_in_page(client: Client) -> None:
    answer = client.get(PEOPLE, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/account/login/?next=")


def test_a_superuser_gets_in_without_any_role(client: Client) -> None:
    root = User.objects.create_user(
        "root@expansive.example", display_name="Root", is_staff=True, is_superuser=True
    )
    client.force_login(root)
    assert client.get(PEOPLE).status_code == 200
    assert not root.roles


@pytest.mark.parametrize("model", ["auth/group", "account/emailaddress"])
def test_what_would_bypass_the_rules_is_not_offered(admin: Client, model: str) -> None:
    assert admin.get(f"/admin/{model}/").status_code == 404


def test_the_list_costs_the_same_for_one_and_three(
    admin: Client, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        with django_assert_num_queries(8):
            admin.get(PEOPLE)
        User.objects.create_user(f"p{number}@expansive.example", display_name=f"P{number}")


def test_times_are_those_of_a_clock_of_24_hours(admin: Client, rosalind: User, jonas: User) -> None:
    rosalind.time_zone = "UTC"
    rosalind.save()
    with time_machine.travel(datetime(2026, 7, 1, 18, 5, tzinfo=UTC), tick=False):
        jonas.save()
        html = admin.get(f"{PEOPLE}{jonas.pk}/history/").content.decode()
    assert re.search(r"1 (Jul|July) 2026, 18:05", html)
    assert not re.search(r"\d [ap]\.m\.", html)
    assert formats.time_format(time(18, 30)) == "18:30"
    assert formats.date_format(datetime(2026, 7, 1, 18, 5), "SHORT_DATETIME_FORMAT").endswith(
        "18:05"
    )
