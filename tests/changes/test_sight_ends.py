"""Nobody keeps their sight of a customer's changes through what they no longer are."""

import re

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
def test_whoever_moves_to_another_customer_leaves_everything_behind(
    client: Client, cast: Cast
) -> None:
    """They move once, while there is a change in every open situation.

    The requester, an approver, and a colleague who raised and watches what they saw as one.
    """
    changes = everywhere(cast)
    changes = {name: one for name, one in changes.items() if one.state in OPEN - {State.DRAFT}}
    assert {one.state for one in changes.values()} == OPEN - {State.DRAFT}
    people = {"requester": cast.requester, "approver": cast.approver, "colleague": cast.colleague}
    for part, who in people.items():
        assert seen(who, changes) == set(changes), part
    for change in changes.values():
        Change.objects.filter(pk=change.pk).update(raised_by=cast.colleague)
        change.watchers.add(cast.colleague, cast.developer)  # who stays is told
    for part, who in people.items():
        assert own_promises(client, who), f"what moves away from the {part}"
        User.objects.filter(pk=who.pk).update(organisation=cast.meridian)
        cast.harbour.approvers.remove(who)
        assert seen(who, changes) == set(), part
    Email.objects.all().delete()  # what was written before the move
    kept: list[str] = []
    for part, who in people.items():
        moved = User.objects.get(pk=who.pk)
        kept += [f"{part}: {row}" for row in own_promises(client, moved)]
        for name, change in Change.objects.in_bulk([one.pk for one in changes.values()]).items():
            if access_links.is_for(change, moved):
                kept.append(f"{part}, {name}, {change.state}: a link")
            if client.get(change.get_absolute_url()).status_code != 404:
                kept.append(f"{part}, {name}, {change.state}: the page")
    for change in changes.values():
        fresh = Change.objects.get(pk=change.pk)
        lifecycle.comment(fresh, actor=cast.success, body="For Harbour only.")
    assert Email.objects.count() >= len(changes)
    for part, who in people.items():
        mails = worded(to__contains=who.email).values_list("subject", flat=True)
        kept += [f"{part}: {subject}" for subject in mails]
    assert not kept


def own_promises(client: Client, person: User) -> list[object]:
    """What somebody's page of promises lists."""
    client.force_login(person)
    page = client.get(reverse("changes:own_promises"), {"standing": "every"})
    return list(page.context["rows"])


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
