"""Freezes and the rest of the product: many at once, releases that move, people who leave, time.

Costs about 4 s.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from post_office.models import Email

from changes import lifecycle, planning, tasks
from changes.models import ManyRun, Window, WindowOverride, WindowSpan
from changes.settling import settle
from changes.spans import weekly
from expansive_cm.workflow.errors import ChangeStale, StepIncomplete
from tests import standards, stories
from tests.changes.test_windows import HOUR, booking, fresh, window, words_of
from tests.concurrently import at_once
from tests.people import Cast

CALENDAR = reverse("changes:calendar")


def page(client: Client, person: Any, address: str, data: Any = None, status: int = 200) -> str:
    client.force_login(person)
    answer = client.get(address) if data is None else client.post(address, data)
    assert answer.status_code == status, (address, answer.status_code)
    return answer.content.decode()


def now_for(hours: int = 2) -> dict[str, datetime]:
    return {"starts_at": timezone.now() - HOUR, "ends_at": timezone.now() + hours * HOUR}


# With other parts of the product --------------------------------------------------------------


def test_of_many_that_are_ready_a_freeze_stops_its_own_alone(client: Client, cast: Cast) -> None:
    """Its row says why; the others go on, and a run that is begun again does nothing twice."""
    manager = cast.release_manager
    changes = [stories.in_deployment(cast) for _each in range(3)]
    service = booking(changes[1])
    for one in changes:
        stories.deployment_planned(one, cast)
    window(cast, service=service, actor=cast.administrator, **now_for())
    chosen = {"act": "deploy", "change": [one.pk for one in changes]}
    client.force_login(manager)
    shown = client.get(reverse("changes:act_on_many"), chosen)
    data = {
        **chosen,
        "key": shown.context["key"],
        "row": [one.value for one in shown.context["offered"]],
        "notes": "4.12 is in place.",
    }
    assert client.post(reverse("changes:act_on_many"), data).status_code == 302
    tasks.carry_on_acts()
    ManyRun.objects.update(finished_at=None)
    tasks.carry_on_acts()
    run = ManyRun.objects.get()
    found = {row.change_id: (row.outcome, row.reason) for row in run.rows.all()}
    assert [found[one.pk][0] for one in changes] == ["done", "refused", "done"]
    assert "Inside the change freeze “Audit week”, until" in found[changes[1].pk][1]
    states = [fresh(one).state for one in changes]
    assert states == ["confirmation", "deployment", "confirmation"]
    assert fresh(changes[1]).deployment.started_at is None
    assert "Inside the change freeze" in page(client, manager, run.get_absolute_url())


def test_what_goes_out_with_the_same_release_is_not_in_its_way(cast: Cast) -> None:
    one, other = (
        stories.deployment_planned(stories.in_deployment(cast), cast) for _each in range(2)
    )
    booking(one), booking(other)
    starts, _ends = planning.day_of(stories.release())
    with time_machine.travel(starts + 9 * HOUR):
        lifecycle.start_deployment(fresh(one), actor=cast.release_manager)
    assert "conflicts" not in fresh(one).events.latest("pk").data


def test_a_standard_change_is_stopped_as_well(cast: Cast) -> None:
    change = standards.used(cast)
    freeze = window(cast)
    with pytest.raises(StepIncomplete, match="Audit week"):
        stories.plan(change, cast, **standards.PLAN)
    lifecycle.cancel_window(freeze, actor=cast.administrator, reason="Not now.")
    stories.plan(fresh(change), cast, **standards.PLAN)
    window(cast, **now_for())
    with pytest.raises(StepIncomplete, match="Audit week"):
        stories.started(fresh(change), cast)


def test_a_release_that_slips_into_a_freeze_says_so(client: Client, cast: Cast) -> None:
    """On its page, on that of each change in it, and when a deployment begins."""
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    release = stories.release()
    later = release.planned_on + timedelta(days=10)
    starts, ends = planning.day_span(later)
    window(cast, starts_at=starts, ends_at=ends)
    assert "Audit week" not in page(client, cast.release_manager, release.get_absolute_url())
    lifecycle.change_release(
        release,
        actor=cast.release_manager,
        name=release.name,
        planned_on=later,
        reason="The tests take longer.",
    )
    assert "Audit week" in page(client, cast.release_manager, release.get_absolute_url())
    assert "Stops it" in page(client, cast.release_manager, change.get_absolute_url())
    with time_machine.travel(starts + HOUR), pytest.raises(StepIncomplete, match="Audit week"):
        lifecycle.start_deployment(fresh(change), actor=cast.release_manager)


def test_the_page_of_a_start_says_what_stops_it_now(client: Client, cast: Cast) -> None:
    """The planned time may be free: who begins early begins in a freeze, made on an open page."""
    change = stories.plan(stories.in_execution(cast), cast)
    address = reverse("changes:start_execution", args=[change.pk])
    data = {"seen": fresh(change).version, "reason": "They asked."}
    assert "Audit week" not in page(client, cast.support, address)
    window(cast, **now_for(hours=1))
    assert words_of(change) == []
    assert "Inside the change freeze" in page(client, cast.support, address, data, 400)
    assert "Stops it" in page(client, cast.support, address)
    assert fresh(change).execution.started_at is None


@pytest.mark.django_db(transaction=True)
def test_a_freeze_is_cancelled_once_by_two_at_once(cast: Cast) -> None:
    freeze = window(cast, starts_at=timezone.now() - HOUR)
    people = (cast.release_manager, cast.administrator)
    answers = at_once(
        *(
            partial(lifecycle.cancel_window, freeze, actor=one, reason=str(one), seen=1)
            for one in people
        )
    )
    assert [type(one) for one in answers if isinstance(one, Exception)] == [ChangeStale]
    assert freeze.history.count() == 2
    assert freeze.spans.get().span.upper == Window.objects.get().cancelled_at


# People ---------------------------------------------------------------------------------------


def told_of(act: Any) -> dict[str, str]:
    """Return who is mailed of a freeze, and what."""
    before = set(Email.objects.values_list("pk", flat=True))
    act()
    return {one.to[0]: one.message for one in Email.objects.exclude(pk__in=before)}


def test_who_planned_last_is_told_and_the_owner_where_nobody_is_left(cast: Cast) -> None:
    change = stories.plan(stories.in_execution(cast), cast)
    lifecycle.assign(change, actor=cast.support, owner=cast.developer)
    cast.care_team.members.add(cast.stranger_success)
    plan = fresh(change).execution
    lifecycle.plan_execution(
        fresh(change),
        actor=cast.stranger_success.read_afresh(),
        executor=cast.support,
        window_start=plan.window_start,
        window_end=plan.window_end,
        steps="1. Ask first.",
        rollback_plan="Back.",
    )
    first = told_of(lambda: window(cast))
    assert first.keys() == {cast.stranger_success.email, cast.support.email}
    for somebody in (cast.stranger_success, cast.support):
        somebody.is_active = False
        somebody.save()
    assert told_of(lambda: window(cast)).keys() == {cast.developer.email}
    mail = Email.objects.get(to=[cast.developer.email], subject__contains="freeze")
    assert settle(mail)
    freeze = Window.objects.latest("pk")
    lifecycle.cancel_window(freeze, actor=cast.administrator, reason="Not now.")
    assert not settle(mail)
    cast.developer.groups.clear()
    assert not told_of(lambda: window(cast))


def test_no_customer_learns_of_anothers_freeze(client: Client, cast: Cast) -> None:
    """Wherever they look: neither its name nor that there is one. An auditor reads, no more."""
    change = stories.plan(stories.in_execution(cast), cast)
    starts = timezone.now() + 2 * HOUR
    for name, scope in (("Secret Harbour", cast.harbour), ("Secret Meridian", cast.meridian)):
        window(
            cast,
            name=name,
            organisation=scope,
            effect="override",
            override_role="crb_member",
            reason="Between us.",
        )
    freeze = Window.objects.get(name="Secret Harbour")
    lifecycle.override_window(change, actor=cast.chair, window=freeze, reason="Quiet word.")
    stories.plan(fresh(change), cast)
    day = f"{timezone.localtime(starts):%Y-%m-%d}"
    places = [
        CALENDAR,
        f"{CALENDAR}?view=list",
        f"{CALENDAR}?day={day}",
        f"{CALENDAR}?day={day}&organisation={cast.harbour.pk}",
        f"{CALENDAR}?kind=freeze",
        f"{reverse('changes:palette')}?q=Secr",
        "/",
        reverse("changes:list"),
    ]
    for person in (cast.requester, cast.approver, cast.stranger_customer, cast.stranger_approver):
        own = [change.get_absolute_url()] if person.organisation_id == cast.harbour.pk else []
        for address in [*places, *own]:
            html = page(client, person, address)
            for words in ("Secret", "Between us", "Quiet word", "In the way", "/windows/"):
                assert words not in html, (person, address, words)
    assert "Harbour" in page(client, cast.requester, f"{CALENDAR}?day={day}")
    assert "Harbour" not in page(client, cast.stranger_customer, f"{CALENDAR}?day={day}")
    lifecycle.cancel_window(
        Window.objects.get(name="Secret Meridian"), actor=cast.administrator, reason="Moved."
    )
    html = page(client, cast.stranger_customer, f"{CALENDAR}?day={day}&kind=freeze")
    assert "Nothing is planned on this day" in html
    at = {act: reverse(f"changes:{act}", args=[freeze.pk]) for act in ("window", "cancel_window")}
    at["override"] = reverse("changes:override_window", args=[freeze.pk])
    assert "Between us." in page(client, cast.auditor, at["window"])
    data = {"change": change.reference, "reason": "x", "seen": 1}
    for address in (at["cancel_window"], at["override"], reverse("changes:new_window")):
        page(client, cast.auditor, address, data, 403)
    assert (Window.objects.filter(cancelled_at=None).count(), WindowOverride.objects.count()) == (
        1,
        1,
    )


# Time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Pacific/Auckland"])
def test_a_plan_lies_in_a_year_that_every_reader_has(client: Client, cast: Cast, zone: str) -> None:
    """A year without a tomorrow cannot be written in another zone; no page shows such a plan."""
    change = stories.in_execution(cast)
    cast.success.time_zone = zone
    cast.success.save()
    data = {
        "seen": change.version,
        "executor": cast.support.pk,
        "window_start": "2031-07-01T21:00",
        "window_end": "9999-12-31T23:59",
        "steps": "1.",
        "rollback_plan": "Back.",
    }
    address = reverse("changes:plan_execution", args=[change.pk])
    for wrong in ({}, {"window_start": "0001-01-01T00:00", "window_end": "2031-07-01T21:00"}):
        page(client, cast.success, address, {**data, **wrong}, 400)
    assert not fresh(change).executions.exists()


def test_days_of_a_weekly_window_are_those_of_its_zone(client: Client, cast: Cast) -> None:
    """Its first Monday in Auckland is a Sunday in London; so is the mail."""
    stories.plan(stories.in_execution(cast), cast)
    with time_machine.travel(datetime(2027, 3, 10, 12, tzinfo=UTC)):
        rule: dict[str, Any] = {
            "zone": "Pacific/Auckland",
            "weekday": 0,
            "from_time": time(1),
            "to_time": time(2),
            "first": date(2027, 3, 11),
            "until": date(2027, 3, 31),
        }
        made = window(cast, **rule)
        assert (made.starts_at.astimezone(UTC).date(), made.first_day) == (
            date(2027, 3, 14),
            date(2027, 3, 15),
        )
        html = page(client, cast.auditor, made.get_absolute_url())
        assert "every Monday from 01:00 to 02:00 (Pacific/Auckland), 15 Mar 2027 – 29 Mar 2027" in (
            html
        )
        night = window(cast, **{**rule, "from_time": time(23), "kind": "maintenance"})
        assert (night.first_day, night.last_day) == (date(2027, 3, 15), date(2027, 3, 29))


def test_a_weekly_window_whose_last_time_has_passed_is_refused(cast: Cast) -> None:
    with time_machine.travel(datetime(2027, 3, 10, 12, tzinfo=UTC)):
        rule = {"from_time": time(1), "to_time": time(2), "until": date(2027, 3, 10)}
        with pytest.raises(StepIncomplete, match="has passed") as no:
            window(cast, weekday=2, first=date(2027, 3, 1), **rule)
        assert no.value.missing == ["until"]
    assert not Window.objects.exists()


@pytest.mark.parametrize(
    ("zone", "day", "times", "hours"),
    [
        # Forward: an hour is missing.
        ("Europe/London", date(2026, 3, 29), ("00:30", "02:30"), 1),
        ("Europe/London", date(2026, 3, 29), ("00:30", "01:30"), 1),
        ("Europe/London", date(2026, 3, 29), ("01:00", "02:00"), None),
        ("Pacific/Auckland", date(2026, 9, 27), ("01:30", "03:30"), 1),
        # Back: an hour comes twice, and belongs to it both times.
        ("Europe/London", date(2026, 10, 25), ("00:30", "01:30"), 2),
        ("Europe/London", date(2026, 10, 25), ("01:15", "01:45"), 1.5),
        ("Europe/London", date(2026, 10, 25), ("00:30", "02:30"), 3),
        ("Pacific/Auckland", date(2026, 4, 5), ("02:00", "03:00"), 2),
        # Over midnight, into the day of the change.
        ("Europe/London", date(2026, 10, 24), ("23:00", "01:30"), 3.5),
        ("Pacific/Auckland", date(2026, 9, 26), ("23:00", "04:00"), 4),
        ("Europe/London", date(2028, 2, 29), ("23:00", "01:00"), 2),
    ],
)
def test_a_weekly_window_on_the_nights_of_the_clocks(
    zone: str, day: date, times: tuple[str, str], hours: float | None
) -> None:
    starts, ends = (time.fromisoformat(one) for one in times)
    found = weekly(day.weekday(), starts, ends, zone, day, day)
    assert [(b.astimezone(UTC) - a.astimezone(UTC)) / HOUR for a, b in found] == (
        [hours] if hours else []
    )
    for begins, _ends in found:
        assert begins.astimezone(ZoneInfo(zone)).date() == day


# Much -----------------------------------------------------------------------------------------


def test_of_much_that_is_in_the_way_the_strictest_is_said(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("changes.planning.in_the_way.MOST", 3)
    change = stories.plan(stories.in_execution(cast), cast)
    begins = timezone.now() + HOUR
    values = {"kind": "freeze", "zone": "UTC", "starts_at": begins, "ends_at": begins + 9 * HOUR}
    made = Window.objects.bulk_create(
        Window(name=f"w{number}", effect="warns", **values) for number in range(9)
    )
    made += [Window.objects.create(name="strict", effect="refuses", **values)]
    WindowSpan.objects.bulk_create(
        WindowSpan(window=one, span=(begins, begins + 9 * HOUR)) for one in made
    )
    html = page(client, cast.success, change.get_absolute_url())
    assert html.count("Inside the change freeze") == 3
    assert "“strict”" in html
    assert "And 7 more." in html
    with pytest.raises(StepIncomplete, match="strict"):
        stories.plan(fresh(change), cast)
    lifecycle.cancel_window(made[-1], actor=cast.administrator, reason="Enough.")
    stories.plan(fresh(change), cast)
    assert len(fresh(change).events.latest("pk").data["conflicts"]) == 4
