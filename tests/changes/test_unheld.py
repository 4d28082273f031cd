"""Parts of the process that nobody holds: administrators are told, before and after.

Costs 15 s, and 6 s more where no other test has made a change in every situation yet.
"""

from collections.abc import Iterable
from html import unescape
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from post_office.models import STATUS, Email

from accounts import leaving
from accounts.models import User
from accounts.roles import Role
from changes import administration, lifecycle, queries, tasks, unheld
from changes.models import Change, Event, RiskAssessment, ToldPart
from changes.turns import TURNS, Turn, past
from changes.turns.who import Who
from tests import stories
from tests.changes.test_windows import window
from tests.changes.test_windows_pages import NEW, typed
from tests.concurrently import at_once
from tests.mailing import deliver
from tests.people import Cast, person
from tests.turns import deactivate, everywhere, take_roles

pytestmark = pytest.mark.django_db


def deployments(cast: Cast, number: int = 3) -> list[Change]:
    return [stories.in_deployment(cast) for _number in range(number)]


def page_of(who: User, client: Client) -> str:
    return unescape(client.get(f"/admin/accounts/user/{who.pk}/change/").content.decode())


def home(client: Client) -> str:
    return unescape(client.get("/").content.decode())


@pytest.fixture
def admin(client: Client, cast: Cast) -> Client:
    client.force_login(cast.administrator)
    return client


# Before somebody leaves -----------------------------------------------------------------------


def test_the_only_holder_of_a_role_is_named_before_they_leave(admin: Client, cast: Cast) -> None:
    deployments(cast)
    page = page_of(cast.release_manager, admin)
    assert "Nothing unfinished" not in page
    assert "is the only release manager: 3 changes wait" in page
    assert "until an administrator gives this part to somebody" in page
    [left] = leaving.left_by(cast.release_manager)
    assert not left.is_passed_on, "no successor is asked for"
    assert len(admin.get(left.url).context["page"]) == 3
    person("Rob Release", Role.RELEASE_MANAGER)
    assert "Nothing unfinished" in page_of(cast.release_manager, admin)


def test_one_of_several_roles_is_named_too(admin: Client, cast: Cast) -> None:
    deployments(cast, 1)
    who = person("Both Roles", Role.RELEASE_MANAGER, Role.TESTER)
    deactivate(cast.release_manager)
    assert "is the only release manager: 1 change waits" in page_of(who, admin)
    assert "is the only tester" not in page_of(who, admin), "Tess is one, and nothing waits"


@pytest.mark.parametrize("how", [deactivate, take_roles])
def test_whoever_has_left_leaves_no_part(cast: Cast, how: Any) -> None:
    deployments(cast, 1)
    how(cast.release_manager)
    assert not leaving.left_by(User.objects.get(pk=cast.release_manager.pk))


def test_counting_stops(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    deployments(cast)
    monkeypatch.setattr(unheld, "COUNTED", 2)
    monkeypatch.setattr(unheld, "how_many", lambda number: f"{number - 1}+")
    [left] = leaving.left_by(cast.release_manager)
    assert left.number == 2
    assert left.text == "is the only release manager: 1+ changes wait"


# Afterwards -----------------------------------------------------------------------------------


def asked_on(change: Change) -> list[tuple[Turn, Who]]:
    """Return all turns that have come on a change, and who has them."""
    turns = [turn for turn in TURNS if turn.is_listed and turn.has_come(change)]
    return [(turn, turn.group.who(change)) for turn in turns]


@pytest.mark.xdist_group("everywhere")
def test_every_turn_whose_holders_have_all_gone_is_named_on_home(
    admin: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    """For all who can have a turn, wherever it has come: they leave, or no longer hold it.

    A turn that a change gives to a person of its own falls to somebody else.
    """
    changes = everywhere(cast).values()
    loaded = list(queries.with_story(Change.objects.filter(pk__in=[one.pk for one in changes])))
    groups = [who.asked_for() for change in loaded for _turn, who in asked_on(change)]
    everybody = {frozenset(one.pk for one in people) for people in groups}
    everybody.discard(frozenset())
    assert len(everybody) > 9
    lost: set[str] = set()
    for keys in everybody:
        with transaction.atomic():
            User.objects.filter(pk__in=keys).update(is_active=False)
            with django_assert_max_num_queries(6):
                said = " ".join(one.text for one in unheld.notices(cast.administrator))
            html = home(admin)
            again = queries.with_story(Change.objects.filter(pk__in=[one.pk for one in loaded]))
            for change in again:
                asked = asked_on(change)
                if any(who.asked_for() for _turn, who in asked):
                    continue
                names = {str(who.name) for _turn, who in asked if who.name}
                for name in names:
                    assert f"“{name}”" in said, (change.state, name)
                    assert f"“{name}”" in html, (change.state, name)
                assert names or not asked, (change.state, "waits for nobody")
                lost |= {turn.verb for turn, _who in asked}
            transaction.set_rollback(True)
    assert lost >= {
        "assess",
        "authorise",
        "record_board_outcome",
        "define_requirements",
        "assess_risk",
        "peer_review",
        "record_development",
        "record_test",
        "plan_deployment",
    }


def bar(change: Change, earlier: past.Past, people: Iterable[User]) -> None:
    """Let people have done before what must be separate."""
    verbs = {
        past.ASKERS: ["submit"],
        past.EXECUTORS: ["start_execution"],
        past.AUTHORISERS: ["authorise"],
        past.AUTHORS: ["record_development"],
        past.PREPARED_ALONE: ["assess", "review"],
        past.RISK_ASSESSORS: [],
    }
    for who in people:
        for verb in verbs[earlier]:
            Event.objects.create(change=change, verb=verb, actor=who)
        if earlier is past.RISK_ASSESSORS:
            words = {"security_risks": "-", "impact_analysis": "-", "mitigations": "-"}
            RiskAssessment.objects.create(change=change, recorded_by=who, path=change.path, **words)


def test_every_turn_from_which_all_who_hold_the_part_are_barred_is_named(
    admin: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    """On Home with how many wait, and on the card; for everything that bars from each turn."""
    everywhere(cast)
    tried = set()
    for turn in unheld.GUARDED:
        for earlier in turn.group.bars:
            with transaction.atomic():
                if earlier is past.AUTHORISERS:  # only where the executor has left
                    deactivate(cast.support)
                changes = queries.with_story(Change.objects.filter(state__in=turn.states))
                waits = [one for one in changes if turn.has_come(one)]
                assert waits, turn.verb
                assert unheld.notices(cast.administrator) == []
                for change in waits:
                    bar(change, earlier, turn.group.who(change).asked_for())
                again = queries.with_story(Change.objects.filter(pk__in=[x.pk for x in waits]))
                assert not any(turn.group.members(one) for one in again)
                name = turn.group.who(waits[0]).name
                with django_assert_max_num_queries(3):
                    [notice] = unheld.notices(cast.administrator)
                assert f"bars everybody who holds the part “{name}”: {len(waits)} c" in notice.text
                assert notice.text in home(admin)
                assert admin.get(notice.url).status_code == 200
                if turn.says is not None:
                    page = unescape(admin.get(waits[0].get_absolute_url()).content.decode())
                    assert "Separation of duties bars everybody who holds this part" in page
                    assert "Nobody holds this part" not in page
                tried.add((turn.verb, name))
                transaction.set_rollback(True)
    assert len(tried) == len(unheld.GUARDED) == 5


def test_a_role_that_is_taken_is_named_with_how_many_wait(admin: Client, cast: Cast) -> None:
    changes = deployments(cast)
    assert "Nobody holds" not in home(admin)
    take_roles(cast.release_manager)
    assert "Nobody holds the part “Release manager”: 3 changes wait for it." in home(admin)
    [notice] = unheld.notices(cast.administrator)
    assert admin.get(notice.url).status_code == 200
    assert {one.pk for one in admin.get(notice.more_url).context["page"]} == {
        one.pk for one in changes
    }
    admin.force_login(cast.support)
    assert "Nobody holds the part" not in home(admin).partition("<main")[2]


def test_a_customer_whose_approvers_are_cleared(admin: Client, cast: Cast) -> None:
    change = stories.in_authorisation(cast)
    cast.harbour.approvers.clear()
    cast.meridian.approvers.clear()
    [notice] = unheld.notices(cast.administrator)
    assert notice.text == (
        "Nobody holds the part “Authorised approvers of Harbour Hospitals”: 1 change waits for it."
    )
    assert notice.url == f"/admin/accounts/organisation/{cast.harbour.pk}/change/"
    assert admin.get(notice.url).status_code == 200
    assert [one.pk for one in admin.get(notice.more_url).context["page"]] == [change.pk]


def test_a_team_that_is_emptied(admin: Client, cast: Cast) -> None:
    change = stories.in_review(cast)
    cast.care_team.members.clear()
    [notice] = unheld.notices(cast.administrator)
    assert notice.text == "Nobody holds the part “Care team”: 1 change waits for it."
    assert notice.url == f"/admin/accounts/successteam/{cast.care_team.pk}/change/"
    assert [one.pk for one in admin.get(notice.more_url).context["page"]] == [change.pk]


def test_whoever_empties_a_part_reads_it_at_once(admin: Client, cast: Cast) -> None:
    stories.in_authorisation(cast)
    stories.in_review(cast)
    customer = {
        "name": cast.harbour.name,
        "success_team": cast.care_team.pk,
        "is_active": "on",
        "domains-TOTAL_FORMS": 0,
        "domains-INITIAL_FORMS": 0,
    }
    team = {"name": cast.care_team.name, "email": cast.care_team.email}
    said = "Nobody holds the part “%s”: 1 change waits for it."
    saves = [
        ("organisation", cast.harbour, customer, "Authorised approvers of Harbour Hospitals"),
        ("successteam", cast.care_team, team, "Care team"),
    ]
    for model, one, given, name in saves:
        url = f"/admin/accounts/{model}/{one.pk}/change/"
        answer = admin.post(url, given, follow=True)
        assert answer.redirect_chain, answer.context["errors"]
        assert said % name in unescape(answer.content.decode())


def test_whoever_leaves_only_barred_approvers_reads_it_at_once(admin: Client, cast: Cast) -> None:
    """Of the customer's two approvers one goes; the other asked for the change that waits."""
    other = person("Aron Approver", Role.APPROVER, organisation=cast.harbour)
    cast.harbour.approvers.add(other)
    change = stories.in_authorisation(cast)
    bar(change, past.ASKERS, [other])
    assert unheld.said_of(cast.harbour) == unheld.said_of(cast.care_team) == []
    cast.harbour.approvers.remove(cast.approver)
    sentence = (
        "Separation of duties bars everybody who holds the part “Authorised approvers of Harbour "
        "Hospitals”: 1 change waits for somebody else."
    )
    assert unheld.said_of(cast.harbour) == [sentence]
    assert unheld.said_of(cast.meridian) == []


def test_a_change_that_both_approvers_prepared_goes_on_with_a_third(
    admin: Client, cast: Cast
) -> None:
    """Told on the card to everybody, who may help finds the way there, and it works."""
    change = stories.in_authorisation(cast)
    other = person("Aron Approver", Role.APPROVER)
    cast.harbour.approvers.add(other)
    bar(change, past.PREPARED_ALONE, [cast.approver, other])
    card = "an administrator can name somebody else"
    for one in (cast.success, cast.support):
        admin.force_login(one)
        page = unescape(admin.get(change.get_absolute_url()).content.decode())
        assert card in page and "Give it to somebody" not in page
    admin.force_login(other)
    assert "Separation of duties" in unescape(admin.get(change.get_absolute_url()).content.decode())
    admin.force_login(cast.administrator)
    where = f"/admin/accounts/organisation/{cast.harbour.pk}/change/"
    page = unescape(admin.get(change.get_absolute_url()).content.decode())
    assert card in page and f'<a href="{where}">Give it to somebody</a>' in page
    third = person("Tara Approver", Role.APPROVER)
    given = {
        "name": cast.harbour.name,
        "success_team": cast.care_team.pk,
        "approvers": [cast.approver.pk, other.pk, third.pk],
        "is_active": "on",
        "reason": "Both others prepared a change.",
        "domains-TOTAL_FORMS": 0,
        "domains-INITIAL_FORMS": 0,
    }
    assert admin.post(where, given).status_code == 302
    assert unheld.notices(cast.administrator) == []
    third = User.objects.get(pk=third.pk)
    assert queries.waiting_on(third).filter(pk=change.pk).exists()
    lifecycle.authorise(change, actor=third, outcome="authorised", reason="Agreed.")


def test_where_everybody_is_there_it_costs_one_query(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    deployments(cast, 1)
    assert cast.administrator.roles and cast.support.roles
    with django_assert_num_queries(1):
        assert not unheld.notices(cast.administrator)
    with django_assert_num_queries(0):
        assert not unheld.notices(cast.support)


def test_a_freeze_that_names_a_role_of_nobody_is_told(
    cast: Cast, admin: Client, client: Client
) -> None:
    """Beside the field as it is set, once it is made, and when it comes to that later."""
    client.force_login(cast.release_manager)
    assert "nobody holds it" not in client.get(NEW).content.decode()
    freeze = window(cast, effect="override", override_role="crb_member", name="100% <closed>")
    assert not unheld.notices(cast.administrator)
    (chair,) = members = [one for one in cast.people.values() if one.has_role(Role.CRB_MEMBER)][:1]
    for one in User.objects.filter(groups__name=Role.CRB_MEMBER).exclude(pk=chair.pk):
        take_roles(one)
    client.force_login(cast.administrator)
    page = page_of(chair, client)
    assert "who can let a change pass “100% <closed>”" in page, "before the last one leaves"
    for one in members:
        deactivate(one)
    [notice] = [one for one in unheld.notices(cast.administrator) if "100%" in one.text]
    assert "so nobody can let a change pass “100% <closed>”" in notice.text
    assert notice.more_url == freeze.get_absolute_url()
    assert "100% &lt;closed&gt;" in client.get("/").content.decode()
    tasks.tell_of_unheld_parts()
    tasks.tell_of_unheld_parts()
    assert [mail for mail in told(cast) if "100% <closed>" in mail] == told(cast)[:1]
    client.force_login(cast.release_manager)
    role = Role.CRB_MEMBER.label
    assert f"{role}: nobody holds it" in client.get(NEW).content.decode()
    made = client.post(NEW, typed(effect="override", override_role="crb_member"), follow=True)
    said = f"Nobody holds the role “{role}”: no change can be let pass"
    assert made.content.decode().count(said) == 2, "as it is made, and on its page"
    assert said not in client.get(window(cast).get_absolute_url()).content.decode()
    lifecycle.cancel_window(freeze, actor=cast.release_manager, reason="No need.")
    assert said not in client.get(freeze.get_absolute_url()).content.decode()
    assert "100%" not in str(unheld.notices(cast.administrator))


# By mail --------------------------------------------------------------------------------------


def told(cast: Cast) -> list[str]:
    """What administrators were mailed of parts that nobody can take, the first first."""
    mails = Email.objects.filter(
        to=cast.administrator.email, subject__contains="Nobody can go on with what waits"
    )
    return [mail.message for mail in mails.order_by("pk")]


def test_administrators_are_mailed_once_for_as_long_as_it_is_so(cast: Cast) -> None:
    deployments(cast, 1)
    tasks.tell_of_unheld_parts()
    assert told(cast) == []
    deactivate(cast.release_manager)
    for _beat in range(2):
        tasks.tell_of_unheld_parts()
    (mail,) = told(cast)
    assert "Nobody holds the part “Release manager”: 1 change waits for it." in mail
    assert "/admin/accounts/user/" in mail
    stories.in_authorisation(cast)
    cast.harbour.approvers.clear()
    tasks.tell_of_unheld_parts()
    assert len(told(cast)) == 2 and "approvers of Harbour Hospitals" in told(cast)[1]
    assert "Release manager" not in told(cast)[1]


@pytest.mark.parametrize("how", ["takes another role", "goes to a customer"])
def test_who_is_no_administrator_when_it_goes_is_mailed_nothing(cast: Cast, how: str) -> None:
    """It names customers, and waits for as long as the mail server is away."""
    other = person("Anna Admin", Role.ADMINISTRATOR, Role.SUPPORT)
    stories.in_authorisation(cast)
    cast.harbour.approvers.clear()
    tasks.tell_of_unheld_parts()
    if how == "takes another role":
        other.groups.remove(*other.groups.filter(name=Role.ADMINISTRATOR))
    else:
        User.objects.filter(pk=other.pk).update(organisation=cast.meridian)
    deliver()
    mails = Email.objects.filter(subject__contains="Nobody can go on with what waits")
    state = {mail.to[0]: mail.status for mail in mails}
    assert state == {other.email: STATUS.queued, cast.administrator.email: STATUS.sent}


def test_what_is_settled_is_told_again_only_when_it_comes_to_that_again(cast: Cast) -> None:
    deployments(cast, 1)
    deactivate(cast.release_manager)
    tasks.tell_of_unheld_parts()
    for active in (True, False):
        User.objects.filter(pk=cast.release_manager.pk).update(is_active=active)
        tasks.tell_of_unheld_parts()
        assert len(told(cast)) == 2 - active
    User.objects.filter(pk=cast.administrator.pk).update(is_active=False)
    tasks.tell_of_unheld_parts()


def test_whatever_nobody_can_take_comes_in_one_mail(cast: Cast) -> None:
    """Several roles, and one whose only holder is barred from what waits."""
    deployments(cast, 1)
    stories.in_requirements(cast)
    change = stories.in_testing(cast)
    bar(change, past.AUTHORS, [cast.tester])
    deactivate(cast.release_manager)
    deactivate(cast.developer)
    tasks.tell_of_unheld_parts()
    (mail,) = told(cast)
    for said in ("part “Developer”", "part “Release manager”", "bars everybody who holds the part"):
        assert said in mail


def test_all_customers_are_told_in_one_mail(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with the page where it is given; of very many the rest is counted."""
    monkeypatch.setattr(unheld, "NAMED", 1)
    stories.in_authorisation(cast)
    Change.objects.filter(pk=stories.in_authorisation(cast).pk).update(organisation=cast.meridian)
    cast.harbour.approvers.clear()
    cast.meridian.approvers.clear()
    deployments(cast, 1)
    deactivate(cast.release_manager)
    monkeypatch.setattr(administration, "LISTED", 2)
    tasks.tell_of_unheld_parts()
    tasks.tell_of_unheld_parts()
    (mail,) = told(cast)
    named = [one for one in (cast.harbour, cast.meridian) if f"approvers of {one.name}" in mail]
    pages = [f"/admin/accounts/organisation/{one.pk}/change/" for one in named]
    assert named and all(page in mail for page in pages)
    assert "And 1 part more." in mail
    assert ToldPart.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_beats_at_once_mail_once(cast: Cast) -> None:
    deployments(cast, 1)
    deactivate(cast.release_manager)
    assert at_once(tasks.tell_of_unheld_parts, tasks.tell_of_unheld_parts) == [None, None]
    assert len(told(cast)) == 1
