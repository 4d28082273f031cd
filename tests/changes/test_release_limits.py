"""Releases at their limits: many changes, the last day there is, what is stale, over or undone."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from changes import lifecycle, message_words, release_notes, releases
from changes.forecast import ENOUGH
from changes.lifecycle import releases as releases_step
from changes.models import Change, Promise, Release, StagingTest
from changes.plain import status
from changes.worklist import for_list
from expansive_cm.workflow.errors import StepIllegal, StepIncomplete
from tests import stories
from tests.people import Cast


def ahead(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def at(release: Release, act: str = "release") -> str:
    return reverse(f"changes:{act}", args=[release.pk])


def page(client: Client, person: User, address: str, data: Any = None, status: int = 200) -> str:
    client.force_login(person)
    answer = client.get(address) if data is None else client.post(address, data)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def put_in(change: Change, release: Release, cast: Cast) -> Change:
    return lifecycle.assign_release(
        change, actor=cast.release_manager, release=release, reason="It has to be."
    )


def test_a_year_is_mistyped(client: Client, cast: Cast) -> None:
    """It is refused in both places, and the page shows a release that was planned so before."""
    data = {"name": "9", "planned_on": "9999-12-31", "freeze_on": "9999-12-31", "notes": ""}
    words = "more than ten years ahead"
    assert words in page(client, cast.release_manager, reverse("changes:new_release"), data, 400)
    assert words in page(client, cast.administrator, reverse("admin:changes_release_add"), data)
    last = Release.objects.create(name="last", planned_on=date.max, freeze_on=date.max)
    put_in(stories.in_testing(cast), last, cast)
    for address in (at(last), reverse("changes:releases"), reverse("changes:export_releases")):
        assert "last" in page(client, cast.release_manager, address)


def test_what_waits_is_shown_before_what_is_out(
    client: Client, cast: Cast, monkeypatch: Any
) -> None:
    monkeypatch.setattr(releases, "MOST", 1)
    stories.deployed(cast)
    change = put_in(stories.in_testing(cast), stories.release(), cast)
    html = page(client, cast.release_manager, at(stories.release()))
    assert change.title in html
    assert change.reference in html
    assert "Only 1 are shown and counted" in html


def test_what_was_withdrawn_is_not_waited_for(client: Client, cast: Cast) -> None:
    for make in (stories.in_testing, stories.in_deployment):
        put_in(make(cast), stories.release(), cast)
    change = Change.objects.filter(state="testing").get()
    lifecycle.withdraw(change, actor=cast.requester, reason="No longer needed.")
    assert "1 of 1" in page(client, cast.release_manager, at(stories.release()))


def test_a_frozen_release_is_opened_with_a_reason(client: Client, cast: Cast) -> None:
    """Also where the day of the freeze is its first one, which moves nothing."""
    manager = cast.release_manager
    release = lifecycle.plan_release(actor=manager, name="7", planned_on=ahead(30))
    release = lifecycle.freeze_release(release, actor=manager)
    data = {"name": "7", "planned_on": ahead(30), "freeze_on": ahead(20), "notes": ""}
    data |= {"seen": release.version}
    words, admin_page = "Say why the release is open again.", "admin:changes_release_change"
    assert words in page(client, manager, at(release, "change_release"), data, 400)
    admin_page = reverse(admin_page, args=[release.pk])
    assert words in page(client, cast.administrator, admin_page, data)
    page(client, manager, at(release, "change_release"), {**data, "reason": "A bug."}, 302)
    release.refresh_from_db()
    assert release.frozen_at is None
    assert "No longer frozen" in page(client, manager, at(release))


def test_the_administration_keeps_names_on_one_line(client: Client, cast: Cast) -> None:
    data = {"name": "7\n0", "planned_on": ahead(5), "freeze_on": "", "notes": ""}
    add = reverse("admin:changes_release_add")
    page(client, cast.administrator, add, data, 302)
    assert Release.objects.get().name == "7 0"
    assert "already exists" in page(client, cast.administrator, add, data)


def test_customers_are_not_told_of_a_release_that_will_not_come(client: Client, cast: Cast) -> None:
    """Neither that it is planned, nor of the promise that is about to name another one."""
    manager, release = cast.release_manager, stories.release()
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    Change.objects.filter(pk=change.pk).update(
        promise=Promise.THREE_RELEASES, promised_release=release
    )
    address = change.get_absolute_url()
    planned = page(client, cast.requester, address)
    assert "We promise it by release 4.12" in planned
    assert "The release is planned for" in planned
    Release.objects.update(released_at=timezone.now())
    out = page(client, cast.requester, address)
    assert "The release came out on" in out
    assert "The release is planned for" not in out
    Release.objects.update(released_at=None)
    lifecycle.cancel_release(release, actor=manager, reason="canary")
    gone = page(client, cast.requester, address)
    assert "Release 4.12, for which it was planned, will not come." in gone
    assert "We promise it by" in gone
    for words in ("planned for release 4.12", "by release", "The release is planned for", "canary"):
        assert words not in gone


def test_forms_begin_with_a_release_that_comes(client: Client, cast: Cast) -> None:
    """Not with that of the change, or of its promise, once it is over."""
    manager, gone = cast.release_manager, stories.release()
    change = put_in(stories.in_deployment(cast), gone, cast)
    promised = Release.objects.create(name="9.9", planned_on=ahead(5))
    other = Release.objects.create(name="9.8", planned_on=ahead(4))
    Change.objects.filter(pk=change.pk).update(promised_release=promised)
    lifecycle.cancel_release(gone, actor=manager, reason="No time.")
    assert "in release 4.12, which was cancelled" in page(client, manager, at(promised))
    steps = ("assign_release", "plan_deployment")
    forms = [f"{change.get_absolute_url()}{verb}/" for verb in steps]
    for address in forms:
        assert f'value="{promised.pk}" selected' in page(client, manager, address)
    lifecycle.finish_release(promised, actor=manager)
    assert '<option value="" selected>' in page(client, manager, forms[0])
    assert f'value="{other.pk}" selected' in page(client, manager, forms[1])


def test_notes_of_many_changes_leave_no_customer_out(
    client: Client, cast: Cast, monkeypatch: Any
) -> None:
    monkeypatch.setattr(release_notes, "MOST", 1)
    first, other = stories.deployed(cast), stories.deployed(cast)
    address, only = at(stories.release(), "release_notes"), "Only the first 1 changes are told"
    assert only in page(client, cast.auditor, address)
    Change.objects.filter(pk=other.pk).update(organisation=cast.meridian)
    whole = page(client, cast.auditor, address)
    assert "?customer=" + str(cast.meridian.pk) in whole
    assert only in page(client, cast.auditor, at(stories.release(), "release_notes_file"))
    one = page(client, cast.auditor, f"{address}?customer={cast.meridian.pk}")
    assert other.reference in one
    assert first.reference not in one
    assert only not in one
    page(client, cast.auditor, f"{address}?customer={cast.meridian.pk}x", status=404)


def test_a_name_without_letters_makes_a_name_of_a_file(cast: Cast) -> None:
    assert release_notes.file_name(Release(name="発売"), None) == "release.md"
    assert release_notes.escaped("Of C #") == r"Of C \#"  # at the end of a headline


def test_a_promise_is_late_once_its_release_is_out(client: Client, cast: Cast) -> None:
    """Also before its day, which is ahead; but for what only waits for its deployment with it."""
    manager, release = cast.release_manager, stories.release()
    changes = put_in(stories.in_testing(cast), release, cast), stories.in_deployment(cast)
    stories.deployment_planned(changes[1], cast)
    stories.deployed(cast)
    Change.objects.update(
        promise=Promise.THREE_RELEASES, promised_release=release, due_on=release.planned_on
    )
    lifecycle.finish_release(release, actor=manager, reason="It is quick.")
    late = "promised by release 4.12, which is out. We are late with it."
    assert late in page(client, cast.requester, changes[0].get_absolute_url())
    assert late not in page(client, cast.requester, changes[1].get_absolute_url())
    html = page(client, manager, at(release))
    assert html.count("did not go out with it yet") == 2
    assert html.count("in this release") == 1  # it waits for its requester's yes


def test_what_went_back_from_testing_has_spent_the_time_before(
    cast: Cast, monkeypatch: Any
) -> None:
    """Those it is compared with are counted from their first day in the stage, rework included."""
    past = {"development": [timedelta(days=10)] * ENOUGH}
    monkeypatch.setattr(releases, "past_durations", lambda: past)
    with time_machine.travel(timezone.now() - timedelta(days=8)):
        change = stories.in_testing(cast)
    change = put_in(change, stories.release(), cast)
    lifecycle.record_test(
        change,
        actor=cast.tester,
        kind=StagingTest.Kind.FUNCTIONAL,
        result=StagingTest.Result.FAILED,
        evidence="It is empty.",
    )
    (row,) = releases.contents_of(stories.release(), cast.auditor).rows
    assert row.change.state == "development"
    assert row.outlook is not None
    assert row.outlook.median is not None
    assert round(row.outlook.median / timedelta(days=1)) == 2


def test_a_stale_page_of_the_administration_replaces_nothing_unseen(
    client: Client, cast: Cast
) -> None:
    manager = cast.release_manager
    release = lifecycle.plan_release(actor=manager, name="7", planned_on=ahead(30))
    address = reverse("admin:changes_release_change", args=[release.pk])
    data = {"name": "7", "planned_on": ahead(30), "freeze_on": "", "notes": "Old.", "seen": 1}
    assert 'name="seen" value="1"' in page(client, cast.administrator, address)
    lifecycle.change_release(release, actor=manager, name="7.1", planned_on=ahead(30), notes="New.")
    html = page(client, cast.administrator, address, data)
    assert f"In the meantime {manager} changed this release." in html
    assert 'name="seen" value="2"' in html
    release.refresh_from_db()
    assert release.notes == "New."
    assert "Name: 7 → 7.1" in page(client, manager, at(release))
    page(client, cast.administrator, address, {**data, "seen": 2}, 302)


def test_a_mail_that_is_worded_late_names_no_cancelled_release(cast: Cast) -> None:
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    event = change.events.latest("pk")
    assert message_words.progress(change, event)["release"] == stories.release()
    lifecycle.cancel_release(stories.release(), actor=cast.release_manager, reason="canary")
    late = message_words.progress(change, event)
    assert "release" not in late
    assert late["words"].startswith("The release for which the change was planned will not come.")


@pytest.mark.parametrize("end", [lifecycle.finish_release, lifecycle.cancel_release])
def test_a_release_ends_while_a_deployment_waits_for_it(
    cast: Cast, monkeypatch: Any, end: Any
) -> None:
    """The end is committed between the lock of the change and that of the release."""
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    locked, waited = releases_step.locked, []

    def locked_late(release: Release) -> Release:
        if not waited:
            waited.append(release)
            end(release, actor=cast.administrator, reason="Now.")
        return locked(release)

    monkeypatch.setattr(releases_step, "locked", locked_late)
    with pytest.raises((StepIllegal, StepIncomplete), match=r"was cancelled|is out already"):
        lifecycle.start_deployment(change, actor=cast.release_manager)


def test_a_release_stays_out_when_the_clock_is_set_back(cast: Cast) -> None:
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    lifecycle.finish_release(stories.release(), actor=cast.release_manager, reason="Now.")
    with (
        time_machine.travel(timezone.now() - timedelta(hours=1)),
        pytest.raises(StepIncomplete, match="out already"),
    ):
        lifecycle.start_deployment(change, actor=cast.release_manager)


def test_promises_cost_lists_no_more_queries(cast: Cast) -> None:
    counts = set()
    for _more in range(2):
        stories.in_testing(cast)
        Change.objects.update(promise=Promise.THREE_RELEASES, promised_release=stories.release())
        Change.objects.update(due_on=None)
        with CaptureQueriesContext(connection) as asked:
            told = list(for_list(Change.objects.order_by("pk")))
            said = status.statuses(told, cast.requester)
        assert "by release 4.12" in said[told[0].pk].text
        counts.add(len(asked))
    assert len(counts) == 1
