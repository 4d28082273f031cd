"""The pages of releases: who reads them, what they say, and what they refuse."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from changes import lifecycle, tasks
from changes.forecast import ENOUGH, Chance, durations, outlook, past_durations
from changes.models import Change, ManyRun, Promise, Release
from tests import stories
from tests.people import Cast

LIST = reverse("changes:releases")
NEW = reverse("changes:new_release")
DAY = timedelta(days=1)


def ahead(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def at(release: Release, act: str = "release") -> str:
    return reverse(f"changes:{act}", args=[release.pk])


def page(client: Client, person: User, address: str, data: Any = None, status: int = 200) -> str:
    client.force_login(person)
    answer = client.get(address) if data is None else client.post(address, data)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


@pytest.fixture
def release(cast: Cast) -> Release:
    """A release that holds a change in testing and one that was deployed, and one promise."""
    release = stories.release()
    change = stories.in_testing(cast)
    lifecycle.assign_release(change, actor=cast.release_manager, release=release)
    Change.objects.filter(pk=change.pk).update(
        promise=Promise.THREE_RELEASES, promised_release=release, due_on=release.planned_on
    )
    stories.deployed(cast)
    return release


def test_colleagues_read_releases_and_customers_do_not(
    client: Client, cast: Cast, release: Release
) -> None:
    acts = [at(release, f"{act}_release") for act in ("change", "freeze", "finish")]
    for name, somebody in cast.people.items():
        reads = somebody.is_internal and bool(somebody.roles)
        html = page(client, somebody, LIST, status=200 if reads else 403)
        assert ("4.12" in html) == (f'href="{LIST}"' in html) == reads, name
        may = name in {"release_manager", "administrator"}
        page(client, somebody, NEW, status=200 if may else 403)
    for address in (at(release), *acts):
        for somebody in (cast.requester, cast.nobody):
            assert "4.12" not in page(client, somebody, address, status=403)
    for address in acts:
        page(client, cast.developer, address, status=403)


def test_a_release_says_what_is_in_it_and_what_is_missing(
    client: Client, cast: Cast, release: Release
) -> None:
    html = page(client, cast.developer, at(release))
    assert "in 2 weeks" in html
    assert "4 records missing before deployment" in html
    assert "passed test: functional" in html
    assert "1 of 2" in html
    assert "in this release" in html
    assert "On course" in html.split("Promised by this release")[1]
    assert "Not enough to say" in html
    assert "Changes by stage" in html
    assert "Freeze" not in html.split("What is in it")[0]  # it is no developer's
    html = page(client, cast.release_manager, at(release))
    assert at(release, "freeze_release") in html
    assert "went out with this release" in html  # why it cannot be cancelled


def test_the_number_of_queries_does_not_grow(
    client: Client, cast: Cast, release: Release, django_assert_num_queries: Any
) -> None:
    client.force_login(cast.release_manager)
    for again in range(2):
        with django_assert_num_queries(20):
            client.get(at(release))
        with django_assert_num_queries(5):
            client.get(LIST)
        for make in (stories.in_testing, stories.in_deployment, stories.in_development):
            change = make(cast)
            lifecycle.assign_release(change, actor=cast.release_manager, release=release)
            Change.objects.filter(pk=change.pk).update(promised_release=release, promise="x")
        for number in range(3):
            Release.objects.create(name=f"8.{again}.{number}", planned_on=ahead(50))


def test_the_list_has_pages_and_three_views(client: Client, cast: Cast) -> None:
    now = timezone.now()
    Release.objects.bulk_create(
        Release(name=f"9.{number}", planned_on=ahead(number // 2)) for number in range(30)
    )
    Release.objects.create(name="old", planned_on=ahead(-9), released_at=now)
    Release.objects.create(name="gone", planned_on=ahead(9), cancelled_at=now)
    html = page(client, cast.auditor, LIST)
    assert html.index("9.0<") < html.index("9.24<")
    assert "9.25" not in html
    assert ">old<" not in html
    assert ">gone<" not in html
    client.force_login(cast.auditor)
    link = html.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "9.25" in client.get(LIST + link).content.decode()
    assert ">old<" in client.get(f"{LIST}?view=past").content.decode()
    assert ">gone<" in client.get(f"{LIST}?view=cancelled").content.decode()
    assert client.get(f"{LIST}?view=x").status_code == 404
    assert client.get(f"{LIST}?page=x").status_code == 400
    assert client.get(at(Release(pk=10**9))).status_code == 404


def test_a_release_is_planned_and_moved(client: Client, cast: Cast) -> None:
    manager = cast.release_manager
    typed = {"name": "6.0", "planned_on": ahead(30), "freeze_on": ahead(31), "notes": "Big <b>"}
    html = page(client, manager, NEW, typed, 400)
    assert "complete by the day of the release" in html
    assert "Big &lt;b&gt;" in html
    page(client, manager, NEW, {**typed, "freeze_on": ahead(20)}, 302)
    release = Release.objects.get()
    assert page(client, manager, NEW, {**typed, "freeze_on": ""}, 400).count("is called") >= 1
    for name, value in (
        ("planned_on", "x"),
        ("name", ""),
        ("name", "n" * 51),
        ("seen", "9" * 5000),
    ):
        page(client, manager, NEW, {**typed, name: value}, 400)
    change, data = at(release, "change_release"), {**typed, "freeze_on": ahead(20), "seen": 1}
    moved = {**data, "planned_on": ahead(40)}
    assert "Say why the date moves." in page(client, manager, change, moved, 400)
    page(client, manager, change, {**moved, "reason": "A supplier is late."}, 302)
    html = page(client, manager, change, {**moved, "reason": "Mine."}, 409)
    assert f"In the meantime {manager} changed this release." in html
    assert 'name="seen" value="2"' in html
    html = page(client, cast.auditor, at(release))
    assert "A supplier is late." in html
    assert "Big &lt;b&gt;" in html
    assert "Planned for:" in html
    assert "6.0" in page(client, manager, LIST)


def test_a_release_is_frozen_cancelled_and_over(client: Client, cast: Cast) -> None:
    manager, release = cast.release_manager, stories.release()
    freeze, cancel = at(release, "freeze_release"), at(release, "cancel_release")
    assert "only with a reason" in page(client, manager, freeze)
    page(client, manager, freeze, {"seen": 1, "reason": ""}, 302)
    page(client, manager, freeze, {"seen": 1, "reason": ""}, 409)
    assert "Say why the release" in page(client, manager, cancel, {"seen": 2, "reason": ""}, 400)
    change = stories.in_testing(cast)
    lifecycle.assign_release(change, actor=manager, release=release, reason="A hotfix.")
    page(client, manager, cancel, {"seen": 2, "reason": "No <time>."}, 302)
    html = page(client, manager, at(release))
    assert "No &lt;time&gt;." in html
    assert "need another release" in html
    assert at(release, "change_release") not in html
    for act in ("change", "freeze", "finish", "cancel"):
        assert "was cancelled" in page(client, manager, at(release, f"{act}_release"), status=409)


def test_a_change_leads_colleagues_alone_to_its_release(
    client: Client, cast: Cast, release: Release
) -> None:
    change = Change.objects.get(promised_release=release)
    address = change.get_absolute_url()
    assert at(release) in page(client, cast.tester, address)
    assert at(release) not in page(client, cast.requester, address)


# How likely it is complete in time ------------------------------------------------------------

lengths = st.integers(0, 60).map(lambda one: one * DAY)


@given(st.lists(lengths, max_size=30), lengths, st.integers(-3, 60).map(lambda one: one * DAY))
def test_an_outlook_counts_only_what_took_as_long(
    past: list[timedelta], spent: timedelta, left: timedelta
) -> None:
    found = outlook(past, spent, left)
    still = [one - spent for one in past if one > spent]
    if left <= 0 * DAY:
        assert found.chance == Chance.LATE
        return
    assert found.count == len(still)
    if len(still) < ENOUGH:
        assert (found.chance, found.median) == (Chance.UNKNOWN, None)
        return
    in_time = sum(1 for one in still if one <= left) / len(still)
    assert (found.chance == Chance.LIKELY) == (in_time >= 0.9)
    assert (found.chance == Chance.UNLIKELY) == (in_time < 0.5)
    more_time = outlook(past, spent, left + DAY)
    order = [Chance.UNLIKELY, Chance.OPEN, Chance.LIKELY]
    assert order.index(more_time.chance) >= order.index(found.chance)


def test_durations_count_rework_and_nothing_unfinished(cast: Cast) -> None:
    now = timezone.now()
    moves = [
        (1, "requirements", now),
        (1, "development", now + DAY),
        (2, "development", now + DAY),
        (1, "testing", now + 2 * DAY),
        (1, "development", now + 3 * DAY),  # a test failed
        (1, "testing", now + 5 * DAY),
        (1, "deployment", now + 6 * DAY),
        (1, "development", now + 8 * DAY),  # rolled back
        (1, "deployment", now + 9 * DAY),
    ]
    assert durations(moves) == {
        "requirements": [6 * DAY],
        "development": [5 * DAY, DAY],
        "testing": [4 * DAY],
    }
    stories.deployed(cast)
    stories.in_testing(cast)
    assert {stage: len(found) for stage, found in past_durations().items()} == dict.fromkeys(
        ("requirements", "risk_assessment", "development", "testing"), 1
    )


def test_what_is_ready_is_deployed_at_once(client: Client, cast: Cast, release: Release) -> None:
    """Each by its own rules: one that is not ready is left out, one that is stale refused."""
    manager = cast.release_manager
    ready, running, stale, bare = (stories.in_deployment(cast) for _each in range(4))
    for one in (ready, running, stale):
        stories.deployment_planned(one, cast)
    lifecycle.start_deployment(running, actor=manager)
    lifecycle.assign_release(bare, actor=manager, release=release)
    link = page(client, manager, at(release)).split("Deploy what is ready")[0]
    link = link.rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert "Deploy what is ready" not in page(client, cast.developer, at(release))
    client.force_login(manager)
    shown = client.get(link)
    assert {one.change.pk for one in shown.context["offered"]} == {ready.pk, running.pk, stale.pk}
    assert [one.change.pk for one in shown.context["refused"]] == [bare.pk]
    data = {
        "act": "deploy",
        "key": shown.context["key"],
        "change": [ready.pk, running.pk, stale.pk],
        "row": [one.value for one in shown.context["offered"]],
        "notes": "4.12 is in place.",
    }
    lifecycle.assign(stale, actor=cast.support, owner=cast.developer)
    for _twice in range(2):
        client.post(reverse("changes:act_on_many"), data)
        tasks.carry_on_acts()
    states = [Change.objects.get(pk=one.pk).state for one in (ready, running, stale)]
    assert states == ["confirmation", "confirmation", "deployment"]
    assert ready.events.filter(verb="record_deployment").count() == 1
    assert Change.objects.get(pk=ready.pk).confirmation.what_was_done == "4.12 is in place."
    assert "assigned an owner" in ManyRun.objects.get().rows.get(change=stale).reason


def test_what_is_ready_goes_before_what_is_not(
    client: Client, cast: Cast, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One act takes so many changes; those that still lack something must not fill it."""
    bare, ready = (stories.in_deployment(cast) for _each in range(2))
    lifecycle.assign_release(bare, actor=cast.release_manager, release=release)
    stories.deployment_planned(ready, cast)
    monkeypatch.setattr("changes.views.releases.MOST_AT_ONCE", 1)
    client.force_login(cast.release_manager)
    link = client.get(at(release)).context["deploy_url"]
    assert parse_qs(urlsplit(link).query)["change"] == [str(ready.pk)]


def test_releases_are_exported_safely(
    client: Client, cast: Cast, release: Release, django_assert_num_queries: Any
) -> None:
    Release.objects.create(name="=1+1", planned_on=ahead(400), notes="@sum")
    page(client, cast.requester, reverse("changes:export_releases"), status=403)
    client.force_login(cast.auditor)
    with django_assert_num_queries(5):
        answer = client.get(reverse("changes:export_releases"))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    head, first, second = answer.content.decode("utf-8-sig").splitlines()
    assert head.startswith("Name,State,Planned for,Code complete,")
    assert first.startswith(f"4.12,Planned,{release.planned_on},,")
    assert first.endswith(",2,1,")
    assert second.startswith("'=1+1,")
    assert second.endswith(",0,0,'@sum")
