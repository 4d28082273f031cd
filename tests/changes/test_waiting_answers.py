"""The success team's page of requesters who have not answered."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from post_office.models import Email

from accounts.models import User
from changes import lifecycle
from changes.models import Change, Confirmation, DeliveryProblem
from changes.views import answers
from tests import stories
from tests.components.browsing import sign_in
from tests.components.looks import looks
from tests.mailing import deliver, deliver_questions
from tests.people import Cast

WAITING = "/answers/"


def asked(cast: Cast, days: float = 0, **fields: Any) -> Change:
    """A change whose requester was asked so many days ago."""
    change = stories.in_confirmation(cast)
    Change.objects.filter(pk=change.pk).update(**fields)
    ago = timezone.now() - timedelta(days=days)
    Confirmation.objects.filter(change=change).update(asked_at=ago)
    deliver_questions()
    Email.objects.filter(notices__change=change).update(last_updated=ago)
    return Change.objects.get(pk=change.pk)


def meridians(cast: Cast, days: float = 0) -> Change:
    """The same for a customer of the other team."""
    people = {"organisation": cast.meridian, "requester": cast.stranger_customer}
    return asked(cast, days, **people, owner=cast.stranger_success)


def problem(change: Change, person: User) -> DeliveryProblem:
    return DeliveryProblem.objects.create(
        change=change, person=person, address=person.email, reason="550 No such mailbox"
    )


def shown(client: Client, query: str = "") -> list[Change]:
    response = client.get(WAITING + query)
    assert response.status_code == 200, response.content.decode()
    return [row["change"] for row in response.context["rows"]]


@pytest.fixture
def team(client: Client, cast: Cast) -> Client:
    """The browser of somebody of the care team."""
    client.force_login(cast.success)
    return client


@pytest.mark.parametrize("rows", [1, 3])
def test_cost_does_not_grow_with_rows(
    cast: Cast, team: Client, rows: int, django_assert_num_queries: Any
) -> None:
    for number in range(rows):
        change = asked(cast, 15 + number)
        lifecycle.send_reminder(change.confirmations.get().pk, 14)
        lifecycle.record_contact(
            change, actor=cast.success, means="telephone", reached=False, note="Engaged."
        )
        problem(change, cast.requester)
    team.get(WAITING)
    with django_assert_num_queries(12):
        assert len(shown(team)) == rows


def test_the_longest_silence_comes_first_with_what_was_done(cast: Cast, team: Client) -> None:
    newest, oldest, middle = asked(cast, 1), asked(cast, 20), asked(cast, 5)
    lifecycle.send_reminder(oldest.confirmations.get().pk, 14)
    for note in ("Engaged.", "On leave."):
        lifecycle.record_contact(
            oldest, actor=cast.success, means="telephone", reached=False, note=note
        )
    assert shown(team) == [oldest, middle, newest]
    html = " ".join(team.get(WAITING).content.decode().split())
    assert "1 reminder, " in html
    assert "no reminder yet" in html
    assert "Telephone, not reached, " in html
    assert "On leave." in html
    assert "Engaged." not in html, "the latest attempt stands for all"
    assert "(2 attempts in all)" in html
    assert cast.requester.email in html


def test_mail_that_did_not_arrive_is_counted_where_it_is_linked(cast: Cast, team: Client) -> None:
    tab = re.compile(r'href="/answers/mail-problems/".*?</a>', re.DOTALL)
    empty = tab.search(team.get(WAITING).content.decode())
    assert empty and "badge" not in empty.group()
    for _number in range(2):
        problem(asked(cast), cast.requester)
    for page in (WAITING, "/answers/mail-problems/"):
        linked = tab.search(team.get(page).content.decode())
        assert linked and ">2</span>" in linked.group(), page
    assert tab.search(team.get("/answers/ratings/").content.decode())
    team.force_login(cast.developer)
    html = team.get("/answers/mail-problems/").content.decode()
    assert WAITING not in html, "no tabs to pages that are not theirs"


def test_each_row_offers_what_may_be_done(cast: Cast, team: Client) -> None:
    early, late = asked(cast, 2), asked(cast, 15)
    html = team.get(WAITING).content.decode()
    for change in (early, late):
        for verb in ("resend_confirmation", "record_contact"):
            assert reverse(f"changes:{verb}", args=[change.pk]) in html
    assert reverse("changes:close_unanswered", args=[late.pk]) in html
    assert reverse("changes:close_unanswered", args=[early.pk]) not in html
    team.force_login(cast.auditor)
    html = team.get(WAITING).content.decode()
    assert late.title in html
    assert reverse("changes:resend_confirmation", args=[late.pk]) not in html


def test_steps_lead_back_to_the_page(cast: Cast, team: Client) -> None:
    late = asked(cast, 15)
    again = reverse("changes:resend_confirmation", args=[late.pk]) + "?from=waiting"
    response = team.post(again, {"seen": late.version})
    assert response["Location"] == WAITING
    late = Change.objects.get(pk=late.pk)
    close = reverse("changes:close_unanswered", args=[late.pk]) + "?from=waiting"
    assert team.post(close, {"seen": late.version, "reason": "Left."})["Location"] == WAITING
    assert shown(team) == []
    assert "Nobody owes an answer" in team.get(WAITING).content.decode()


def test_answered_changes_are_gone(cast: Cast, team: Client) -> None:
    change = asked(cast, 3)
    lifecycle.answer_confirmation(change, actor=cast.requester, confirmed=True)
    assert shown(team) == []


def test_one_begins_with_ones_own_teams(cast: Cast, team: Client) -> None:
    ours, theirs = asked(cast, 1), meridians(cast, 2)
    assert shown(team) == [ours]
    assert shown(team, "?team=all") == [theirs, ours]
    assert shown(team, f"?team={cast.retail_team.pk}") == [theirs]
    team.force_login(cast.support)
    assert shown(team) == [theirs, ours], "who has no team begins with all"
    assert team.get(WAITING + "?team=mine").status_code == 400


def test_filters_and_figures(cast: Cast, team: Client) -> None:
    changes = {days: asked(cast, days) for days in (1, 4, 8, 30)}
    meridians(cast, 9)
    lifecycle.send_reminder(changes[30].confirmations.get().pk, 14)
    lifecycle.escalate(changes[30].confirmations.get().pk)
    problem(changes[4], cast.requester)
    problem(changes[8], cast.colleague)
    settled = problem(changes[1], cast.requester)
    settled.resolved_at = timezone.now()
    settled.save()
    for age, days in (("0", 1), ("3", 4), ("7", 8), ("14", 30)):
        assert shown(team, f"?age={age}") == [changes[days]]
    assert shown(team, "?state=escalated") == [changes[30]]
    assert shown(team, "?state=undelivered") == [changes[4]], "to the requester, and open"
    context = team.get(WAITING).context
    assert context["series"][0].values == [1, 1, 1, 1]
    silence = context["silence"]
    assert (silence["all"], silence["escalated"], silence["undelivered"]) == (4, 1, 1)
    assert [one.change for one in context["problems"]] == [changes[8], changes[4]]
    html = team.get(WAITING).content.decode()
    assert "550 No such mailbox" in html


@pytest.mark.parametrize("query", ["?age=5", "?state=lost", "?team=0", "?page=forged", "?team=x"])
def test_a_wrong_address_is_refused(team: Client, query: str) -> None:
    assert team.get(WAITING + query).status_code == 400


def test_pages_follow_one_another(
    cast: Cast, team: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PAGE_SIZE", 2)
    changes = [asked(cast, days) for days in (15, 15, 3, 2, 1)]
    first = team.get(WAITING)
    second = team.get(WAITING + first.context["next_url"])
    third = team.get(WAITING + second.context["next_url"])
    seen = [row["change"] for page in (first, second, third) for row in page.context["rows"]]
    assert sorted(seen[:2], key=lambda one: one.pk) == changes[:2]
    assert seen[2:] == changes[2:]
    assert third.context["next_url"] == ""
    back = team.get(WAITING + third.context["previous_url"])
    assert [row["change"] for row in back.context["rows"]] == changes[2:4]


def test_who_may_read_it(client: Client, cast: Cast) -> None:
    asked(cast, 1)
    assert client.get(WAITING).status_code == 302
    may = {"support", "success", "stranger_success", "auditor", "administrator"}
    customers = {"requester", "colleague", "approver", "stranger_customer", "stranger_approver"}
    for name, person in cast.people.items():
        client.force_login(person)
        for path in (WAITING, "/answers/ratings/", "/answers/ratings/export/"):
            status = client.get(path).status_code
            assert status == (200 if name in may else 404 if name in customers else 403), name
            assert client.post(path).status_code == 405
    client.force_login(cast.success)
    assert f'href="{WAITING}"' in client.get("/").content.decode()


def test_the_pages_are_accessible_and_fit(
    transactional_db: None, cast: Cast, new_page: Any, live_server: Any
) -> None:
    change = asked(cast, 20)
    lifecycle.send_reminder(change.confirmations.get().pk, 14)
    lifecycle.escalate(change.confirmations.get().pk)
    lifecycle.record_contact(
        change, actor=cast.success, means="telephone", reached=False, note="On leave until May."
    )
    problem(change, cast.requester)
    asked(cast, 2)
    rated = stories.closed(cast)
    lifecycle.rate(rated, actor=cast.requester, rating=2, rating_comment="Took for ever.")
    further = stories.further_wished(cast)
    ours = [
        f"{change.get_absolute_url()}{verb}/" for verb in ("record_contact", "resend_confirmation")
    ]
    theirs = [
        f"{one.get_absolute_url()}{verb}/"
        for one, verb in ((change, "answer_confirmation"), (further, "request_successor"))
    ]
    page = new_page()
    with looks(page) as look:
        sign_in(page, cast.success, live_server)
        for path in (WAITING, "/answers/ratings/", *ours):
            look.over_address(path)
        sign_in(page, cast.requester, live_server)
        for path in theirs:
            look.over_address(path)


def test_a_question_still_on_its_way_is_called_so(cast: Cast, team: Client) -> None:
    change = stories.in_confirmation(cast)  # and nothing has been sent
    page = " ".join(team.get(WAITING).content.decode().split())
    assert change.title in page
    assert "asked today; has not reached them yet, so silence does not count" in page
    deliver()
    page = " ".join(team.get(WAITING).content.decode().split())
    assert "asked today" in page
    assert "has not reached them yet" not in page
