"""What a customer's people read of what they were promised: in their words, and only their own.

2 s of processor time.
"""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from changes import lifecycle, permissions
from changes.models import Change, Release
from changes.states import State
from changes.views import promises as view
from tests import stories
from tests.people import Cast

pytestmark = pytest.mark.django_db
PAGE = reverse("changes:own_promises")
DAY = timedelta(days=1)
SECRET, TOLD = "Otters ate the cable of the lab.", "A part of it has to be finished first."


def page(client: Client, who: User, query: str = "", status: int = 200) -> str:
    client.force_login(who)
    answer = client.get(f"{PAGE}{query}")
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def shown(html: str) -> int:
    return html.count('class="work-name"')


def ahead(days: int) -> date:
    return timezone.localdate() + days * DAY


def test_each_reads_their_own_customers_promises_and_nobody_elses(
    client: Client, cast: Cast
) -> None:
    """Those of the customer, of whoever approves for it, and of nobody who moved away."""
    stories.draft(cast)
    stories.on_board(cast)
    change = stories.in_requirements(cast)
    for name, somebody in cast.people.items():
        assert bool(permissions.can_read_own_promises(somebody)) != somebody.is_internal, name
        if somebody.is_internal:
            continue
        theirs, html = somebody.organisation_id == cast.harbour.pk, page(client, somebody)
        assert shown(html) == (1 if theirs else 0), name
        assert (change.get_absolute_url() in html) == theirs, name
        assert f'href="{PAGE}"' in html, "in their menu"
    for colleague in (cast.success, cast.nobody):
        assert f'href="{PAGE}"' not in page(client, colleague, status=403)
    assert "Nothing has been promised yet" in page(client, cast.stranger_customer)
    cast.harbour.approvers.add(cast.stranger_approver)
    html = page(client, cast.stranger_approver)
    assert shown(html) == 1 and cast.harbour.name in html, "who approves for several"
    assert not shown(page(client, cast.stranger_approver, f"?organisation={cast.meridian.pk}"))
    page(client, cast.stranger_customer, f"?organisation={cast.harbour.pk}")  # no such filter
    cast.meridian.approvers.remove(cast.stranger_approver)
    cast.stranger_approver.groups.clear()
    assert not shown(page(client, cast.stranger_approver)), "who lost the role"
    User.objects.filter(pk=cast.requester.pk).update(organisation=cast.meridian)
    assert not shown(page(client, User.objects.get(pk=cast.requester.pk))), "who moved"
    client.logout()
    assert client.get(PAGE).status_code == 302
    client.force_login(cast.colleague)
    assert client.post(PAGE).status_code == 405


def test_it_says_what_was_promised_what_is_expected_and_what_moved_it(
    client: Client, cast: Cast
) -> None:
    change = stories.in_requirements(cast)
    due = change.due_on
    assert due is not None

    def words(who: User = cast.requester, query: str = "") -> str:
        return " ".join(page(client, who, query).split())

    html = words()
    assert f"by {due:%-d %b %Y}" in html and "No day is planned yet" in html
    assert "Under way" in html and "writing down what exactly is needed" in html
    Change.objects.filter(pk=change.pk).update(due_on=ahead(3))
    assert "At risk" not in words() and "Under way" in words(), "our own worry"
    Change.objects.filter(pk=change.pk).update(due_on=due)
    soon = Release.objects.create(name="9.1", planned_on=ahead(30))
    change = Change.objects.get(pk=change.pk)
    change = lifecycle.assign_release(change, actor=cast.release_manager, release=soon)
    assert "9.1" not in words() and "No day is planned yet" in words(), "not planned yet"
    late = Release.objects.create(name="9.9", planned_on=due + 40 * DAY)
    lifecycle.assign_release(
        change, actor=cast.release_manager, release=late, reason=SECRET, told=TOLD
    )
    html = words(cast.colleague)
    assert "Later than promised" in html and html.count(TOLD) == 1 and SECRET not in html
    assert f"Planned for {late.planned_on:%-d %b %Y}" in html and "asked by" in html
    lifecycle.replan_promise(
        Change.objects.get(pk=change.pk),
        actor=cast.chair,
        reason="The supplier delivers later.",
        today=ahead(0),
        zone="Europe/London",
        due_on=due + 60 * DAY,
    )
    html = words()
    assert f"by {due + 60 * DAY:%-d %b %Y}" in html and f"at first by {due:%-d %b %Y}" in html
    assert f"The board promised it anew: by {due + 60 * DAY:%-d %B %Y}." in html
    assert "The supplier delivers later." in html and TOLD not in html, "it is in time again"
    Change.objects.filter(pk=change.pk).update(promised_at=timezone.now())
    assert "supplier" not in words(), "what was promised anew has not moved"
    Change.objects.filter(pk=change.pk).update(due_on=ahead(-1))
    assert "Late" in words(query="?standing=broken") and "Late" in words()


def test_what_is_there_is_found_by_how_it_stands_and_when_it_was_due(
    client: Client, cast: Cast
) -> None:
    change = stories.deployed(cast)
    due = change.due_on
    assert due is not None and "In place, not confirmed yet" in page(client, cast.requester)
    change = lifecycle.answer_confirmation(change, actor=cast.requester, confirmed=True)
    html = page(client, cast.requester)
    assert "No promise is open" in html and 'href="?standing=every"' in html
    for query, number in (
        *(("kept", 1), ("broken", 0), ("every", 1)),
        *((f"every&due={due:%Y-%m}", 1), (f"every&due={due + 40 * DAY:%Y-%m}", 0)),
    ):
        html = page(client, cast.requester, f"?standing={query}")
        assert shown(html) == number, query
        assert number or "No promise matches" in html
    assert "Closed on" in page(client, cast.requester, "?standing=kept")
    Change.objects.filter(pk=change.pk).update(due_on=ahead(-9))
    assert shown(page(client, cast.requester, "?standing=broken")) == 1
    for name, value in (("standing", "at_risk"), ("standing", "x"), ("due", "2026-13")):
        html = page(client, cast.requester, f"?{name}={value}", 400)
        assert f'id="id_{name}_error"' in html and not shown(html), (name, value)
    page(client, cast.requester, "?page=nonsense", 400)
    assert change.state == State.CLOSED


def test_pages_follow_each_other_and_queries_do_not_grow(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(cast.colleague)
    counted = []
    for _number in range(3):
        change = stories.deployment_planned(stories.in_deployment(cast), cast)
        with CaptureQueriesContext(connection) as found:
            assert client.get(PAGE).status_code == 200
        counted.append(len(found))
    assert counted[0] == counted[-1] <= 14, counted
    monkeypatch.setattr(view, "PAGE_SIZE", 2)
    first = client.get(PAGE).context
    second = client.get(PAGE + first["next_url"]).context
    keys = [row.change.pk for answer in (first, second) for row in answer["rows"]]
    assert len(keys) == len(set(keys)) == 3 and change.pk in keys
    assert not second["next_url"] and second["previous_url"]
