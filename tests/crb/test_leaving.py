"""Whoever leaves: every field that names a person says what becomes of it, and work goes on."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import leaving
from accounts.leaving import Then
from accounts.models import User
from accounts.roles import Role
from changes import lifecycle as change_lifecycle
from changes.lifecycle import intake
from changes.models import Change, Execution
from crb import lifecycle
from crb.models import Action, Membership
from tests import stories
from tests.asked import in_full
from tests.crb.conftest import Table
from tests.mailing import worded
from tests.people import Cast, person

pytestmark = pytest.mark.django_db


def fields_that_name_people() -> set[str]:
    return {
        f"{model._meta.app_label}.{model.__name__}.{field.name}"
        for model in apps.get_models()
        if not model.__name__.startswith("Historical")
        for field in model._meta.get_fields()
        if field.is_relation and field.related_model is User and not field.auto_created
    }


def test_every_field_that_names_a_person_says_what_becomes_of_it() -> None:
    assert fields_that_name_people() == set(leaving.places())
    for place in leaving.places().values():
        assert (place.unfinished is not None) == (place.then is Then.WAITS), place.field


def owner(table: Table) -> User:
    change = stories.in_review(table.cast)
    Change.objects.filter(pk=change.pk).update(owner=table.cast.support)
    return table.cast.support


def requester(table: Table) -> User:
    return stories.in_review(table.cast).requester


def executor(table: Table) -> User:
    stories.plan(stories.in_execution(table.cast), table.cast)
    return Execution.objects.get().executor


def answerer(table: Table) -> User:
    return stories.information_required(table.cast).questions.get().answerer


def only_in_team(table: Table) -> User:
    table.cast.care_team.members.set([table.cast.success])
    return table.cast.success


def only_approver(table: Table) -> User:
    table.cast.harbour.approvers.set([table.cast.approver])
    return table.cast.approver


def member(table: Table) -> User:
    return table.members[1]


def alternate(table: Table) -> User:
    day, stands_in = table.board.today, person("Al Ternate", Role.CRB_MEMBER)
    term = Membership.objects.get(user=table.members[1])
    term.absences.create(starts_on=day, ends_on=day + timedelta(days=9), alternate=stands_in)
    return stands_in


def action_owner(table: Table) -> User:
    give_action(table, table.cast.developer)
    return table.cast.developer


def presenter(table: Table) -> User:
    lifecycle.plan_item(
        table.item(), actor=table.chair, presenter=table.cast.developer, time_box=None, notes=""
    )
    return table.cast.developer


def sharer(table: Table) -> User:
    change_lifecycle.save_view(
        None, actor=table.cast.support, name="Ours", shared="role:support", filters={}
    )
    return table.cast.support


def post_action_owner(table: Table) -> User:
    review = stories.rolled_back(table.cast).post_reviews.get()
    change_lifecycle.add_post_action(
        review,
        actor=table.cast.success,
        text="Name the switch.",
        owner=table.cast.developer,
        due_on=timezone.localdate() + timedelta(days=9),
    )
    return table.cast.developer


def approver_by_rule(table: Table) -> User:
    approver = table.cast.approver
    words = change_lifecycle.RuleWords(name="Ours", people=(approver,))
    change_lifecycle.make_rule(actor=table.cast.administrator, words=words)
    return approver


def give_action(table: Table, to: User) -> Action:
    meeting = table.meeting(days=0)
    lifecycle.start_meeting(meeting, actor=table.chair)
    return lifecycle.record_action(
        meeting,
        actor=table.chair,
        text="Ask the hospital.",
        owner=to,
        due_on=timezone.localdate() + timedelta(days=9),
    )


WAYS: dict[str, Callable[[Table], User]] = {
    "changes.Change.owner": owner,
    "changes.Change.requester": requester,
    "changes.Execution.executor": executor,
    "changes.Question.answerer": answerer,
    "changes.PostAction.owner": post_action_owner,
    "changes.SavedView.owner": sharer,
    "changes.RuleApprover.person": approver_by_rule,
    "accounts.SuccessTeam.members": only_in_team,
    "accounts.Organisation.approvers": only_approver,
    "crb.Membership.user": member,
    "crb.Absence.alternate": alternate,
    "crb.Action.owner": action_owner,
    "crb.AgendaItem.presenter": presenter,
}


@pytest.fixture
def admin(client: Client, cast: Cast) -> Client:
    client.force_login(cast.administrator)
    return client


def address(who: User) -> str:
    return f"/admin/accounts/user/{who.pk}/change/"


def gone(who: User, **changes: Any) -> dict[str, Any]:
    """What the administrator's form holds when somebody is deactivated."""
    return {
        "email": who.email,
        "display_name": who.display_name,
        "time_zone": who.time_zone,
        "mail_pace": who.mail_pace,
        "organisation": who.organisation_id or "",
        "groups": [group.pk for group in who.groups.all()],
        "reason": "Left the company",
        **changes,
    }


def test_each_way_of_being_needed_is_tried() -> None:
    waits = {name for name, place in leaving.places().items() if place.then is Then.WAITS}
    assert waits == set(WAYS)


def each_who_is_needed(table: Table, ways: Iterable[str]) -> Iterator[tuple[str, User]]:
    """Somebody who is needed in each of these ways; nothing of it is left for the next."""
    for field in ways:
        with transaction.atomic():
            yield field, WAYS[field](table)
            transaction.set_rollback(True)


def test_what_somebody_leaves_stands_on_the_page_that_deactivates_them(
    admin: Client, table: Table
) -> None:
    for field, who in each_who_is_needed(table, WAYS):
        what = leaving.places()[field].unfinished
        assert what is not None, field
        page = unescape(admin.get(address(who)).content.decode())
        [left] = [one for one in leaving.left_by(who) if one.what is what]
        assert left.text in page, field
        assert str(what.goes_on) in page, field
        assert admin.get(left.url, follow=True).status_code == 200, field


def test_nobody_leaves_before_it_is_said_who_goes_on(admin: Client, table: Table) -> None:
    ways = ("changes.Change.owner", "changes.Change.requester", "crb.Action.owner")
    for field, who in each_who_is_needed(table, ways):
        page = admin.post(address(who), gone(who, display_name="Typed Anew")).content.decode()
        assert "Say who takes over, or that nobody in particular does." in page, field
        assert 'value="Typed Anew"' in page, field
        assert User.objects.get(pk=who.pk).is_active, field

        left = {one.text for one in leaving.left_by(who)}
        assert admin.post(address(who), gone(who, falls_to_others="on")).status_code == 302, field
        assert not User.objects.get(pk=who.pk).is_active, field
        assert {one.text for one in leaving.left_by(who)} == left, field


def test_one_act_hands_over_what_is_owned_and_tells_the_successor(
    admin: Client, table: Table, django_capture_on_commit_callbacks: Any
) -> None:
    who, successor = owner(table), table.cast.developer
    action = give_action(table, who)
    answer = admin.post(address(who), gone(who, successor=successor.pk))
    assert answer.status_code == 302
    change = Change.objects.get(owner=successor)
    action.refresh_from_db()
    assert action.owner == successor
    event = change.events.get(verb="assign")
    assert event.actor == table.cast.administrator
    assert worded(to=[successor.email]).filter(subject__contains=change.reference).exists()
    assert not leaving.left_by(User.objects.get(pk=who.pk))


def test_a_hand_over_takes_from_nobody_else(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it goes on, a colleague takes one change over and another one ends."""
    who, cast = table.cast.support, table.cast
    changes = [stories.in_review(cast) for _number in range(3)]
    Change.objects.filter(pk__in=[one.pk for one in changes]).update(owner=who)
    kept = intake.assign

    def assign(change: Change, **given: Any) -> Change:
        Change.objects.filter(pk=changes[1].pk).update(owner=cast.tester)
        if changes[2].events.filter(verb="withdraw").count() == 0:
            change_lifecycle.withdraw(changes[2], actor=cast.requester, reason="Not needed.")
        return kept(change, **given)

    monkeypatch.setattr(intake, "assign", assign)
    leaving.pass_on(who, successor=cast.developer, actor=cast.administrator, reason="Left.")
    owners = Change.objects.order_by("pk").values_list("owner", flat=True)
    assert list(owners) == [cast.developer.pk, cast.tester.pk, who.pk]


def test_boards_are_locked_before_changes(table: Table) -> None:
    """As by every other step: two that wait for each other would both be cut off."""
    who = owner(table)
    give_action(table, who)
    with CaptureQueriesContext(connection) as asked:
        leaving.pass_on(
            who, successor=table.cast.developer, actor=table.cast.administrator, reason="Left."
        )
    locks = [sql for one in asked if "FOR NO KEY UPDATE" in (sql := in_full(one["sql"]))]
    places = {
        name: [n for n, sql in enumerate(locks) if f'FROM "{name}"' in sql]
        for name in ("crb_board", "changes_change")
    }
    assert max(places["crb_board"]) < min(places["changes_change"])


def test_whoever_moves_to_another_customer_hands_over_at_the_old_one(
    admin: Client, table: Table
) -> None:
    who, cast = requester(table), table.cast
    data = gone(who, is_active="on", organisation=cast.meridian.pk, successor=cast.colleague.pk)
    assert admin.post(address(who), data).status_code == 302
    assert User.objects.get(pk=who.pk).organisation == cast.meridian
    assert Change.objects.get().requester == cast.colleague


def test_nothing_is_said_to_be_handed_over_that_is_not(admin: Client, table: Table) -> None:
    """A request of one of our own names a customer's change: only its team can name another."""
    who = table.cast.support
    change = stories.in_review(table.cast)
    Change.objects.filter(pk=change.pk).update(requester=who)
    html = admin.get(address(who)).content.decode()
    assert "asked for 1 open change" in html
    answer = admin.post(address(who), gone(who, successor=table.cast.developer.pk), follow=True)
    assert "takes over" not in answer.content.decode()
    assert Change.objects.get().requester == who


def test_an_address_with_a_plus_finds_its_seat(admin: Client, table: Table) -> None:
    who = table.members[1]
    User.objects.filter(pk=who.pk).update(email="max+board@expansive.example")
    [url] = [one.url for one in leaving.left_by(User.objects.get(pk=who.pk))]
    assert admin.get(url).context["cl"].result_count == 1


def test_a_customers_requests_go_to_a_colleague_only(admin: Client, table: Table) -> None:
    who = requester(table)
    cast = table.cast
    page = admin.get(address(who)).content.decode()
    assert f'<option value="{cast.colleague.pk}">' in page
    for other in (cast.support, cast.stranger_customer):
        assert f'<option value="{other.pk}">' not in page
        assert admin.post(address(who), gone(who, successor=other.pk)).status_code == 200
    assert admin.post(address(who), gone(who, successor=cast.colleague.pk)).status_code == 302
    assert Change.objects.get().requester == cast.colleague


def test_a_refused_hand_over_leaves_everything_as_it_was(admin: Client, table: Table) -> None:
    who = table.cast.requester
    change = stories.in_confirmation(table.cast)
    approver = change.authorisations.get().recorded_by
    page = admin.post(address(who), gone(who, successor=approver.pk, display_name="Typed Anew"))
    html = page.content.decode()
    assert page.status_code == 200
    assert "Separation of duties" in html
    assert 'value="Typed Anew"' in html
    assert User.objects.get(pk=who.pk).is_active
    assert Change.objects.get().requester == who


def test_moving_and_losing_every_role_is_leaving_too(admin: Client, table: Table) -> None:
    who = owner(table)
    for changes in ({"organisation": table.cast.harbour.pk}, {}):
        page = admin.post(address(who), gone(who, is_active="on", groups=[], **changes))
        assert "Say who takes over" in page.content.decode(), changes
    # Whoever stays needs no successor.
    answer = admin.post(address(who), gone(who, is_active="on", display_name="Samuel Support"))
    assert answer.status_code == 302
