"""Nobody keeps their sight of a customer's changes through what they no longer are."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from post_office.models import Email

from accounts.models import User
from accounts.roles import STAFF_ROLES, Role
from accounts.standing import know_standing
from changes import access_links, lifecycle, permissions, queries
from changes.models import Change
from changes.states import OPEN, State
from crb.permissions import may_see_board
from tests import stories
from tests.crb.conftest import new_board, seat
from tests.mailing import mail_to, worded
from tests.people import Cast, person
from tests.turns import everywhere

PARTS: dict[str, Callable[[Cast, Change], User]] = {
    "requester": lambda cast, change: cast.requester,
    "raiser": lambda cast, change: named(change, cast.colleague, "raised_by"),
    "colleague": lambda cast, change: cast.colleague,
    "watcher": lambda cast, change: watching(change, cast.colleague),
    "approver": lambda cast, change: cast.approver,
}


def named(change: Change, person: User, field: str) -> User:
    Change.objects.filter(pk=change.pk).update(**{field: person})
    return person


def watching(change: Change, person: User) -> User:
    change.watchers.add(person)
    return person


def sees(person: User, change: Change) -> bool:
    """Ask both ways; they must answer alike."""
    person, change = User.objects.get(pk=person.pk), Change.objects.get(pk=change.pk)
    found = permissions.may_see(person, change)
    assert queries.visible_to(person).filter(pk=change.pk).exists() == found
    return found


def seen(person: User, changes: dict[str, Change]) -> set[str]:
    """Ask both ways of each change; they must answer alike."""
    person = User.objects.get(pk=person.pk)
    keys = {name: change.pk for name, change in changes.items()}
    fresh = Change.objects.in_bulk(keys.values())
    by_query = set(queries.visible_to(person).filter(pk__in=fresh).values_list("pk", flat=True))
    found = {name for name, pk in keys.items() if permissions.may_see(person, fresh[pk])}
    assert {name for name, pk in keys.items() if pk in by_query} == found
    return found


@pytest.mark.xdist_group("everywhere")
@pytest.mark.parametrize("part", PARTS)
def test_whoever_moves_to_another_customer_leaves_everything_behind(
    client: Client, cast: Cast, part: str
) -> None:
    """They move once, while there is a change in every open situation."""
    changes = everywhere(cast)
    changes = {name: one for name, one in changes.items() if one.state in OPEN - {State.DRAFT}}
    assert {one.state for one in changes.values()} == OPEN - {State.DRAFT}
    (person,) = {PARTS[part](cast, change) for change in changes.values()}
    assert seen(person, changes) == set(changes)
    client.force_login(person)
    promised = client.get(reverse("changes:own_promises"), {"standing": "every"})
    assert promised.context["rows"], "what moves away from them"
    User.objects.filter(pk=person.pk).update(organisation=cast.meridian)
    cast.harbour.approvers.remove(person)
    assert seen(person, changes) == set()
    moved = User.objects.get(pk=person.pk)
    client.force_login(moved)
    Email.objects.all().delete()  # what was written before the move
    kept: list[str] = []
    for name, change in changes.items():
        change = Change.objects.get(pk=change.pk)
        if access_links.is_for(change, moved):
            kept.append(f"{name}: a link")
        if client.get(change.get_absolute_url()).status_code != 404:
            kept.append(f"{name}: the page")
        lifecycle.comment(change, actor=cast.success, body="For Harbour only.")
    kept += client.get(reverse("changes:own_promises"), {"standing": "every"}).context["rows"]
    assert Email.objects.count() >= len(changes)
    kept += worded(to__contains=person.email).values_list("subject", flat=True)
    assert not kept


def test_links_end_with_the_move(client: Client, cast: Cast) -> None:
    stories.in_confirmation(cast)
    mail = mail_to(cast.requester.email)
    found = re.findall(r"/(?:r|confirm)/[\w-]{20,}/", mail.message)
    assert len(set(found)) == 2
    User.objects.filter(pk=cast.requester.pk).update(organisation=cast.meridian)
    for link in found:
        assert client.get(link).status_code == 404


def test_an_approver_without_the_role_sees_nothing_of_other_customers(cast: Cast) -> None:
    change = stories.in_review(cast)
    cast.harbour.approvers.add(cast.stranger_approver)
    assert sees(cast.stranger_approver, change)
    cast.stranger_approver.groups.clear()
    assert not sees(cast.stranger_approver, change)


@pytest.mark.parametrize("role", sorted(Role))
def test_a_customers_person_holds_no_role_of_expansives_own_people(
    client: Client, cast: Cast, role: Role
) -> None:
    """Two administrators who save at once may leave it: one moves them, one gives the role."""
    change = stories.in_review(cast)
    who = person("Mona Moved", role)
    User.objects.filter(pk=who.pk).update(organisation=cast.meridian)
    who = User.objects.get(pk=who.pk)
    known = User.objects.get(pk=who.pk)
    know_standing([known])
    for one in (who, known):
        assert one.roles == frozenset({role} - STAFF_ROLES)
    assert not sees(who, change)
    assert not queries.waiting_on(who).exists()
    allowed = {step.verb for step, decision in permissions.offered_steps(who, change) if decision}
    assert allowed == set()
    assert not may_see_board(who)
    assert who not in User.objects.administrators()
    User.objects.filter(pk=who.pk).update(is_staff=True, is_superuser=True)
    client.force_login(who)
    assert client.get("/admin/accounts/user/").status_code == 403
    board = new_board()
    seat(board, who, is_chair=True)
    assert board.seats_today == []
