"""Planning, moving, freezing, finishing and cancelling releases; what promises make of it."""

from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from changes import lifecycle, permissions, tasks
from changes.lifecycle.promises import coming
from changes.lifecycle.releases import date_faults
from changes.models import Change, Release
from changes.plain.status import status_of
from changes.promises import day_known, promised_of
from changes.turns import next_step
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests import stories
from tests.people import Cast

State = Release.State
ACTS = (lifecycle.freeze_release, lifecycle.finish_release, lifecycle.cancel_release)


def ahead(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def planned(actor: User, name: str = "7.0", **fields: Any) -> Release:
    fields = {"planned_on": ahead(30), "freeze_on": ahead(20), **fields}
    return lifecycle.plan_release(actor=actor, name=name, **fields)


def moved(release: Release, actor: User, **fields: Any) -> Release:
    kept = {name: getattr(release, name) for name in ("name", "planned_on", "freeze_on", "notes")}
    return lifecycle.change_release(release, actor=actor, **{**kept, **fields})


def test_release_managers_and_administrators_plan_releases(cast: Cast) -> None:
    may = {name for name, one in cast.people.items() if permissions.can_plan_releases(one)}
    assert may == {"release_manager", "administrator"}
    release = planned(cast.administrator)
    for name, somebody in cast.people.items():
        if name in may:
            continue
        with pytest.raises(StepForbidden):
            planned(somebody, "8.0")
        for act in ACTS:
            with pytest.raises(StepForbidden):
                act(release, actor=somebody, reason="I wish.")
        with pytest.raises(StepForbidden):
            moved(release, somebody, planned_on=ahead(40), reason="I wish.")
    assert release.history.count() == 1
    customers = {name for name, one in cast.people.items() if not one.is_internal}
    readers = {name for name, one in cast.people.items() if permissions.can_read_releases(one)}
    assert not customers & readers
    assert {"developer", "auditor", "support"} <= readers


def test_every_slip_keeps_its_reason(cast: Cast) -> None:
    manager = cast.release_manager
    release = planned(manager)
    for dates in ({"planned_on": ahead(40)}, {"freeze_on": ahead(25)}, {"freeze_on": None}):
        with pytest.raises(StepIncomplete) as refused:
            moved(release, manager, **dates)
        assert refused.value.missing == ["reason"]
    release = moved(release, manager, planned_on=ahead(40), reason="A supplier is late.")
    release = moved(release, manager, notes="Big one.")
    rows = release.history.order_by("history_id")
    assert [row.history_change_reason for row in rows] == [
        "planned the release",
        "A supplier is late.",
        "changed the release",
    ]
    assert {row.history_user for row in rows} == {manager}
    assert [row.planned_on for row in rows] == [ahead(30), ahead(40), ahead(40)]


def test_what_cannot_be_is_said_beside_its_field(cast: Cast) -> None:
    manager = cast.release_manager
    release = planned(manager)
    wrong = {
        "planned_on": {"planned_on": ahead(-1), "freeze_on": None},
        "freeze_on": {"freeze_on": ahead(31)},
        "name": {"name": planned(manager, "7.1").name},
    }
    for field, values in wrong.items():
        for act in (
            lambda values: planned(manager, **{"name": "7.2", **values}),
            lambda values: moved(release, manager, reason="So.", **values),
        ):
            with pytest.raises(StepIncomplete) as refused:
                act(values)
            assert refused.value.missing == [field]
    with pytest.raises(StepIncomplete) as refused:
        planned(manager, "7.2", freeze_on=ahead(-2))
    assert refused.value.missing == ["freeze_on"]
    release.refresh_from_db()
    assert (release.version, release.history.count()) == (1, 1)


def test_days_that_passed_may_stay() -> None:
    today = date(2030, 5, 5)
    late = Release(pk=1, planned_on=date(2030, 5, 1), freeze_on=date(2030, 4, 1))
    assert date_faults(late, date(2030, 5, 1), date(2030, 4, 1), today) == {}
    assert set(date_faults(late, date(2030, 5, 2), date(2030, 4, 2), today)) == {
        "planned_on",
        "freeze_on",
    }


def test_a_release_goes_through_its_life_once(cast: Cast) -> None:
    manager = cast.release_manager
    release = planned(manager)
    assert release.state == State.PLANNED
    release = lifecycle.freeze_release(release, actor=manager, seen=1)
    assert release.state == State.FROZEN
    with pytest.raises(StepIllegal, match="frozen already"):
        lifecycle.freeze_release(release, actor=manager)
    with pytest.raises(ChangeStale, match=f"{manager} changed this release"):
        lifecycle.finish_release(release, actor=manager, seen=1)
    release = moved(release, manager, freeze_on=ahead(22), reason="A bug is open.")
    assert release.state == State.PLANNED  # there is code to come again
    release = lifecycle.finish_release(release, actor=manager)
    assert release.state == State.RELEASED
    for act in ACTS:
        with pytest.raises(StepIllegal, match="out already"):
            act(release, actor=manager, reason="Again.")
    with pytest.raises(StepIllegal, match="out already"):
        moved(release, manager, planned_on=ahead(50), reason="Later.")


def test_what_is_not_deployed_is_explained_and_what_went_out_not_cancelled(cast: Cast) -> None:
    manager = cast.release_manager
    release = stories.release()
    lifecycle.assign_release(stories.in_testing(cast), actor=manager, release=release)
    with pytest.raises(StepIncomplete) as refused:
        lifecycle.finish_release(release, actor=manager)
    assert refused.value.missing == ["reason"]
    with pytest.raises(StepIncomplete, match="Say why") as refused:
        lifecycle.cancel_release(release, actor=manager, reason=" ")
    assert refused.value.missing == ["reason"]
    gone = stories.deployed(cast)
    with pytest.raises(StepIllegal, match=gone.reference):
        lifecycle.cancel_release(release, actor=manager, reason="Enough.")
    assert lifecycle.finish_release(release, actor=manager, reason="The rest waits.").released_at


def test_a_cancelled_release_sends_its_changes_on(cast: Cast) -> None:
    manager = cast.release_manager
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    assert next_step(change).verb == "start_deployment"
    lifecycle.cancel_release(stories.release(), actor=manager, reason="No time.")
    change = Change.objects.get(pk=change.pk)
    assert next_step(change).verb == "plan_deployment"
    assert "4.12 was cancelled" in next_step(change).told(manager)
    with pytest.raises(StepIllegal, match="another release"):
        lifecycle.start_deployment(change, actor=manager)
    with pytest.raises(StepIncomplete, match="cancelled"):
        stories.deployment_planned(change, cast)
    other = planned(manager)
    change = lifecycle.plan_deployment(
        change, actor=manager, release=other, rollback_plan="Redeploy 4.11."
    )
    assert next_step(change).verb == "start_deployment"


# Promises -------------------------------------------------------------------------------------


def test_no_slip_moves_the_day_promised_but_the_forecast(cast: Cast, client: Client) -> None:
    """Nor does a cancelled release: what was promised stays, and what is forecast is said apart."""
    manager = cast.release_manager
    releases = [planned(manager, f"7.{one}", planned_on=ahead(30 + one)) for one in range(3)]
    change = stories.decided(stories.on_board(cast), cast, "accepted_as_priority")
    first = change.due_on
    assert first == ahead(32)
    client.force_login(cast.success)

    def now(release: Release | None, forecast: date | None, *said: str) -> None:
        for task in (tasks.settle_promises, tasks.settle_promises, tasks.tell_of_forecasts):
            task()
        fresh = Change.objects.get(pk=change.pk)
        assert (fresh.promised_release, fresh.due_on) == (release, first)
        assert day_known(fresh) == forecast
        for address in (fresh.get_absolute_url(), reverse("changes:promises")):
            text = unescape(client.get(address).content.decode())
            assert f"{first:%-d %b %Y}" in text, address
            assert all(words in text for words in said), (address, said)

    slipped = moved(releases[2], manager, planned_on=ahead(400), reason="Tests take longer.")
    late = f"{ahead(400):%-d %b %Y}, promised with release 7.2"
    beyond = "after the day that was promised"
    now(slipped, ahead(400), "At risk", beyond, late, "Tests take longer.")
    read = status_of(Change.objects.get(pk=change.pk), cast.requester).promise
    assert f"We promised it by {first:%-d %B}" in read
    assert f"planned for {ahead(400):%-d %B}" in read
    lifecycle.cancel_release(slipped, actor=manager, reason="Merged into the next one.")
    now(None, None, "Nothing known", "Merged into the next one.")
    read = status_of(Change.objects.get(pk=change.pk), cast.requester).promise
    assert f"We promise it by {first:%-d %B}" in read
    later = planned(manager, "8.0", planned_on=ahead(90))
    now(later, ahead(90), "At risk", f"{ahead(90):%-d %b %Y}, promised with release 8.0")
    assert change.events.filter(verb="settle_promise").count() == 2
    with time_machine.travel(timezone.now() + timedelta(days=40)):
        client.force_login(cast.success)
        text = client.get(reverse("changes:promises")).content.decode()
        assert "Broken" in text and "8 days late" in text
    closed_at = timezone.now() + timedelta(days=91)
    promised = promised_of(
        Change(state="closed", promise=change.promise, due_on=first, closed_at=closed_at)
    )
    assert promised and promised.standing == "broken", "in time for the release, not for the day"


def test_what_was_said_of_one_release_is_not_said_of_another(cast: Cast, client: Client) -> None:
    """Once it is cancelled; and no release is a promise any more that comes after the day."""
    manager, told = cast.release_manager, "A part of it has to be finished first."
    releases = [planned(manager, f"7.{one}", planned_on=ahead(30 + one)) for one in range(3)]
    change = stories.decided(stories.on_board(cast), cast, "accepted_as_priority")
    late = planned(manager, "8.0", planned_on=ahead(90))
    lifecycle.assign_release(change, actor=manager, release=late, reason="Otters.", told=told)
    lifecycle.cancel_release(late, actor=manager, reason="Merged into the next one.")
    moved(releases[2], manager, planned_on=ahead(60), reason="Tests take longer.")
    fresh = Change.objects.get(pk=change.pk)
    found, read = promised_of(fresh), status_of(fresh, cast.requester).promise
    assert f"It is now planned for {ahead(60):%-d %B}" in read and told not in read
    assert found and (found.forecast.on, found.why_late, found.told_late) == (ahead(60), "", "")
    client.force_login(cast.requester)
    own = reverse("changes:own_promises")
    text = unescape(client.get(own).content.decode())
    assert told not in text and "7.2 at the latest" not in text
    lifecycle.assign_release(fresh, actor=manager, release=releases[0])
    read = status_of(Change.objects.get(pk=change.pk), cast.requester).promise
    assert f"We promise it by {ahead(32):%-d %B}" in read, "and not by a release that comes later"


NOON = datetime(2030, 6, 15, 12, tzinfo=UTC)
days = st.integers(-5, 5)
ends = st.none() | days.map(lambda one: NOON + timedelta(days=one))


RELEASES = st.lists(
    st.tuples(st.integers(1, 99), days, st.sampled_from(["released_at", "cancelled_at"]), ends),
    max_size=8,
    unique_by=lambda one: one[0],
)


@given(RELEASES, st.randoms())
def test_what_comes_next_is_neither_cancelled_nor_out(drawn: list[Any], random: Any) -> None:
    found = [
        Release(pk=pk, planned_on=NOON.date() + timedelta(days=ahead), **{over: moment})
        for pk, ahead, over, moment in drawn
    ]
    day = NOON.date()
    next_ones = coming(found, day, NOON)
    assert all(one.planned_on > day and not one.cancelled_at for one in next_ones)
    assert all(one.released_at is None or one.released_at > NOON for one in next_ones)
    left_out = [one for one in found if one not in next_ones]
    assert all(
        one.planned_on <= day or one.cancelled_at or (one.released_at and one.released_at <= NOON)
        for one in left_out
    )
    assert next_ones == sorted(next_ones, key=lambda one: (one.planned_on, one.pk))
    random.shuffle(found)
    assert coming(found, day, NOON) == next_ones
    for one in next_ones[:1]:  # its end moves those behind it up, and no other
        one.cancelled_at = NOON
        assert coming(found, day, NOON) == next_ones[1:]


# Lost rights, and the administration ----------------------------------------------------------


def test_nobody_acts_on_a_release_with_a_role_that_was_taken(cast: Cast) -> None:
    release = planned(cast.release_manager)
    waiting = User.objects.get(pk=cast.release_manager.pk)
    assert permissions.can_freeze_release(waiting, release)
    for lose in (
        lambda: waiting.groups.clear(),
        lambda: User.objects.filter(pk=waiting.pk).update(is_active=False),
    ):
        lose()
        for act in (*ACTS, moved):
            with pytest.raises(StepForbidden):
                act(release, waiting) if act is moved else act(release, actor=waiting, reason="x")
        with pytest.raises(StepForbidden):
            planned(waiting, "9.0")


def test_the_administration_takes_the_same_steps(client: Client, cast: Cast) -> None:
    client.force_login(cast.administrator)
    add = reverse("admin:changes_release_add")
    data = {"name": "7.0", "planned_on": ahead(-1), "freeze_on": ahead(5), "notes": ""}
    html = client.post(add, data).content.decode()
    assert "This day has passed" in html
    assert "complete by the day of the release" in html
    assert client.post(add, {**data, "planned_on": ahead(9)}).status_code == 302
    release = Release.objects.get()
    assert release.history.get().history_change_reason == "planned the release"
    change = reverse("admin:changes_release_change", args=[release.pk])
    later = {**data, "planned_on": ahead(12)}
    assert "Say why the date moves." in client.post(change, later).content.decode()
    assert client.post(change, {**later, "reason": "A holiday."}).status_code == 302
    release.refresh_from_db()
    assert (release.planned_on, release.version) == (ahead(12), 2)
    lifecycle.cancel_release(release, actor=cast.administrator, reason="No.")
    assert client.post(change, {**later, "reason": "Again."}).status_code == 403
    assert client.get(change).status_code == 200
