"""Home: first what waits for the person, then what they follow; for each role its own."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import SuccessTeam, User
from accounts.roles import Role
from accounts.standing import Standing
from changes import lifecycle, worklist
from changes.models import Change, DeliveryProblem
from tests import standards
from tests.people import Cast
from tests.situations import seat_everybody
from tests.stories import (
    draft,
    in_authorisation,
    in_confirmation,
    in_requirements,
    information_required,
    on_board,
    submitted,
)

HOME = "/"


def home(client: Client, user: User) -> Any:
    """Sign somebody in and open their home page."""
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    response = client.get(HOME)
    assert response.status_code == 200
    return response


def waiting(response: Any) -> list[tuple[str, list[str]]]:
    """What waits: each verb with the addresses where it is done, to which the page leads."""
    page, groups = response.content.decode(), response.context["groups"]
    for group in groups:
        for task in group.tasks:
            link = f'href="{task.url}">{group.label}<span class="visually-hidden"> '
            assert f"{link}{task.change.reference}</span>" in page, task.url
            assert f'href="{task.change.get_absolute_url()}">{task.change.title}</a>' in page
    return [(str(group.label), [task.url for task in group.tasks]) for group in groups]


def test_home_needs_somebody_signed_in(client: Client, db: None) -> None:
    assert client.get(HOME)["Location"] == "/account/login/?next=/"


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_home_is_only_read(client: Client, cast: Cast, method: str) -> None:
    home(client, cast.support)
    assert getattr(client, method)(HOME).status_code == 405


def test_what_waits_leads_to_its_step(client: Client, cast: Cast) -> None:
    new, decision = submitted(cast), in_authorisation(cast)
    code = in_requirements(cast)

    def step(verb: str, change: Change) -> str:
        return reverse(f"changes:{verb}", args=[change.pk])

    assert waiting(home(client, cast.success)) == [("Assess", [step("assess", new)])]
    assert waiting(home(client, cast.approver)) == [("Authorise", [step("authorise", decision)])]
    expected = [("Define requirements", [step("define_requirements", code)])]
    assert waiting(home(client, cast.developer)) == expected
    assert waiting(home(client, cast.tester)) == []


def test_members_vote_on_the_board(client: Client, cast: Cast) -> None:
    seat_everybody()
    on_board(cast)
    assert waiting(home(client, cast.crb_member)) == [("Vote", [reverse("crb:board")])]


def test_the_longest_wait_comes_first_and_the_rest_is_counted(client: Client, cast: Cast) -> None:
    for days in range(7):
        change = submitted(cast, title=f"{days} days")
        since = timezone.now() - timedelta(days=days)
        Change.objects.filter(pk=change.pk).update(state_since=since)
    (group,) = home(client, cast.success).context["groups"]
    shown = [task.change.title for task in group.tasks]
    assert shown == ["6 days", "5 days", "4 days", "3 days", "2 days"]
    assert (group.count, group.how_many) == (7, "7")
    assert group.more_url == "/changes/?view=waiting&state=submitted&sort=since"
    listed = client.get(group.more_url).context["page"]
    assert [change.title for change in listed][:2] == ["6 days", "5 days"]
    assert len(listed) == 7


def test_mail_that_did_not_arrive_waits_on_whoever_looks_after_the_change(
    client: Client, cast: Cast
) -> None:
    late = in_requirements(cast)
    DeliveryProblem.objects.create(change=late, person=cast.requester, address="g@x.example")
    page = home(client, cast.success)
    assert waiting(page) == [
        ("Settle mail that did not arrive", [reverse("changes:mail_log", args=[late.pk])])
    ]
    assert waiting(home(client, cast.stranger_success)) == []
    for _number in range(5):
        change = in_requirements(cast)
        DeliveryProblem.objects.create(change=change, person=cast.requester, address="g@x.example")
    (group,) = home(client, cast.success).context["groups"]
    assert (group.how_many, group.more_url) == ("6", "/answers/mail-problems/")
    assert client.get(group.more_url).content.decode().count("g@x.example") == 6


def test_counting_stops(cast: Cast, monkeypatch: Any) -> None:
    monkeypatch.setattr(worklist, "COUNTED", 3)
    for _number in range(4):
        submitted(cast)
    (group,) = worklist.worklist(cast.success)
    assert group.count == 3
    assert worklist.how_many(100) == "99+"
    assert worklist.how_many(99) == "99"


def test_a_customer_is_asked_first_and_reads_plain_words(client: Client, cast: Cast) -> None:
    question, result = information_required(cast), in_confirmation(cast)
    submitted(cast, title="On its way")
    response = home(client, cast.requester)
    page = response.content.decode()
    assert waiting(response) == [
        ("Confirm the result", [reverse("changes:answer_confirmation", args=[result.pk])]),
        ("Answer the board", [reverse("changes:answer_question", args=[question.pk])]),
    ]
    assert page.index("We need an answer from you") < page.index("Under way")
    assert "We received the request on " in page
    colleague = home(client, cast.colleague)
    assert waiting(colleague) == []
    assert "We need an answer from you" not in colleague.content.decode()
    assert len(colleague.context["open_changes"]) == 3
    own = submitted(cast, requester=cast.colleague)
    submitted(cast, title="Later than it")
    assert home(client, cast.colleague).context["open_changes"][0][0].pk == own.pk
    assert home(client, cast.stranger_customer).context["open_changes"] == []


def test_customers_see_what_ended_lately(client: Client, cast: Cast) -> None:
    change = submitted(cast, title="Gone")
    lifecycle.withdraw(change, actor=cast.requester, reason="No longer needed.")
    assert [one.title for one, _said in home(client, cast.colleague).context["ended"]] == ["Gone"]
    long_ago = timezone.now() - timedelta(days=31)
    Change.objects.filter(pk=change.pk).update(state_since=long_ago)
    assert home(client, cast.colleague).context["ended"] == []


def test_own_and_watched_changes(client: Client, cast: Cast) -> None:
    change = submitted(cast, title="Raised by support")
    lifecycle.watch(change, actor=cast.tester)
    support, tester = home(client, cast.support), home(client, cast.tester)
    assert [one.title for one in support.context["mine"]] == ["Raised by support"]
    assert support.context["watched"] == []
    assert [one.title for one in tester.context["watched"]] == ["Raised by support"]
    assert tester.context["mine"] == []


def test_drafts_are_their_writers(client: Client, cast: Cast) -> None:
    draft(cast, title="Half written")
    assert "Half written" in home(client, cast.support).content.decode()
    assert "Half written" not in home(client, cast.requester).content.decode()


@pytest.mark.parametrize("who", ["auditor", "administrator"])
def test_figures_for_those_who_oversee(client: Client, cast: Cast, who: str) -> None:
    late = in_requirements(cast)
    yesterday = timezone.localdate() - timedelta(days=1)
    Change.objects.filter(pk=late.pk).update(due_on=yesterday)
    submitted(cast)
    context = home(client, cast.people[who]).context
    counts = dict(zip(context["state_labels"], context["state_series"][0].values, strict=True))
    assert {label: n for label, n in counts.items() if n} == {
        "Submitted": 1,
        "Requirement definition": 1,
    }
    assert (context["open_count"], context["late_count"]) == (2, "1")
    assert [change.pk for change in context["late"]] == [late.pk]
    assert context["oldest"][0].pk == late.pk
    assert "figures" not in home(client, cast.support).context


def test_a_first_visit_is_not_empty(client: Client, cast: Cast) -> None:
    for who in ("support", "tester", "nobody"):
        page = home(client, cast.people[who]).content.decode()
        assert "Nothing waits on you" in page, who
    assert "Every promise is on time" in home(client, cast.auditor).content.decode()
    assert "Nothing is under way" in home(client, cast.requester).content.decode()


def test_customers_read_where_it_is_in_the_words_of_their_filters(
    client: Client, cast: Cast
) -> None:
    in_requirements(cast)
    in_confirmation(cast)
    lifecycle.withdraw(submitted(cast), actor=cast.requester, reason="No longer needed.")
    page = home(client, cast.colleague).content.decode()
    for words in ("Being worked on", "Waiting for confirmation", "Withdrawn"):
        assert words in page
    assert "Requirement definition" not in page


def test_cost_does_not_grow_with_rows(
    client: Client, cast: Cast, django_assert_num_queries: Any
) -> None:
    costs = {"support": 11, "success": 10, "requester": 13, "auditor": 12, "developer": 8}
    submitted(cast)
    for rows in (1, 2):
        for _number in range(rows):
            late = in_requirements(cast)
            yesterday = timezone.localdate() - timedelta(days=1)
            Change.objects.filter(pk=late.pk).update(due_on=yesterday)
            in_confirmation(cast)
            submitted(cast)
        for who, queries in costs.items():
            user = cast.people[who]
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
            with django_assert_num_queries(queries, info=f"{who}, {rows} more"):
                client.get(HOME)


def test_what_is_kept_for_a_role_holds_no_moment(cast: Cast) -> None:
    """The SQL of their queues is written once: a time in it would be the first visit's."""
    for user in cast.people.values():
        statement = worklist._statement(Standing.of(user), True, worklist.COUNTED)
        assert statement.written is not None
        sql, parameters = statement.written
        assert not [one for one in parameters if isinstance(one, date)], sql
        fresh = User.objects.get(pk=user.pk)
        assert worklist._statement(Standing.of(fresh), True, worklist.COUNTED) is statement


def test_what_waits_goes_with_the_role_and_the_team(client: Client, cast: Cast) -> None:
    submitted(cast)
    assert waiting(home(client, cast.success))
    SuccessTeam.members.through.objects.filter(user=cast.success).delete()
    assert not waiting(home(client, cast.success))
    care = Change.objects.get().organisation.success_team
    care.members.add(cast.success)
    assert waiting(home(client, cast.success))
    User.groups.through.objects.filter(user=cast.success).delete()
    assert not waiting(home(client, cast.success))


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role)
def test_what_is_kept_of_the_queues_rests_on_nothing_that_is_read(
    role: Role, django_assert_num_queries: Any
) -> None:
    """The statement is kept in the process: what it knew from the database would grow old."""
    for is_internal in (True, False):
        standing = Standing(True, is_internal, frozenset({role}), True, True)
        with django_assert_num_queries(0):
            assert worklist._statement.__wrapped__(standing, True, 5).written


def test_no_change_stands_there_twice(client: Client, cast: Cast) -> None:
    waits, own, watched = submitted(cast), in_requirements(cast), in_requirements(cast)
    Change.objects.filter(pk__in=[waits.pk, own.pk]).update(owner=cast.success)
    for change in (waits, own, watched):
        lifecycle.watch(change, actor=cast.success)
    Change.objects.filter(pk=watched.pk).update(owner=cast.support)
    page = home(client, cast.success)
    assert [task.change.pk for group in page.context["groups"] for task in group.tasks] == [
        waits.pk
    ]
    assert [one.pk for one in page.context["mine"]] == [own.pk]
    assert [one.pk for one in page.context["watched"]] == [watched.pk]


def test_what_stands_above_hides_nothing_that_follows(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much of what somebody looks after waits for them, and moved last."""
    other = in_requirements(cast)
    Change.objects.filter(pk=other.pk).update(owner=cast.success)
    monkeypatch.setattr(worklist, "SHOWN", 20)
    worklist._statement.cache_clear()
    first = submitted(cast)
    Change.objects.bulk_create(
        Change(
            title=f"More {number}", state=first.state, raised_by=cast.support, owner=cast.success,
            requester=cast.requester, organisation=first.organisation, submitted_at=timezone.now(),
        )
        for number in range(18)
    )  # fmt: skip
    page = home(client, cast.success)
    worklist._statement.cache_clear()
    [group] = page.context["groups"]
    assert len(group.tasks) == 19
    assert [one.pk for one in page.context["mine"]] == [other.pk]


def test_all_at_once_is_offered_where_something_can_be_taken_so(client: Client, cast: Cast) -> None:
    submitted(cast)
    begun = submitted(cast)
    assert "All at once" not in home(client, cast.success).content.decode()
    template = lifecycle.save_template(
        None, actor=cast.success, name="Flag", purpose="Flags.", **standards.CONTENT
    )
    Change.objects.filter(pk=begun.pk).update(template=template)
    assert "All at once" in home(client, cast.success).content.decode()
