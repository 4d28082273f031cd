"""When a change could go: against a plain search hour by hour, and on the form of a plan.

Costs about 3 s.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from changes import lifecycle, planning
from changes.conflicts import Effect, Holds, Planned, Related, Rule, find
from changes.slots import free, on_grid, working_hours
from tests import stories
from tests.changes.test_windows import HOUR, booking, fresh, window
from tests.people import Cast

DAY = datetime(2026, 3, 2, tzinfo=UTC)
QUARTER = HOUR / 4
ENDS = 12
"""So many hours are looked at below."""


def at(quarters: int) -> datetime:
    return DAY + quarters * QUARTER


times = st.tuples(st.integers(0, 40), st.integers(1, 12)).map(lambda one: (one[0], sum(one)))
services = st.frozensets(st.integers(1, 3), max_size=2)
maintenance = st.builds(
    Rule, st.integers(1, 4), st.sampled_from(Effect), st.sampled_from([1, 2]), st.just("r")
)
freezes = st.builds(Rule, st.integers(5, 8), st.sampled_from(Effect))


@settings(max_examples=200)
@given(
    st.integers(1, 6),
    st.lists(st.tuples(freezes, times), max_size=4),
    st.lists(st.tuples(times, services, st.integers(1, 3)), max_size=5),
    st.lists(st.tuples(maintenance, times), max_size=4),
    st.frozensets(st.integers(1, 8), max_size=3),
    st.one_of(st.none(), st.lists(st.integers(0, 1), max_size=2, unique=True)),
)
def test_free_times_are_those_of_a_plain_search(
    length: int,
    frozen: list[tuple[Rule, tuple[int, int]]],
    planned: list[tuple[tuple[int, int], frozenset[int], int]],
    windows: list[tuple[Rule, tuple[int, int]]],
    overridden: frozenset[int],
    hours: list[int] | None,
) -> None:
    """The first three of every quarter of an hour at which nothing is in the way, one by one."""
    around: dict[str, Any] = {
        "freezes": [Holds(rule, at(when[0]), at(when[1])) for rule, when in frozen],
        "maintenance": list(dict.fromkeys(rule for rule, _when in windows)),
        "held": [Holds(rule, at(when[0]), at(when[1])) for rule, when in windows],
        "others": [
            Planned(number, at(when[0]), at(when[1]), some, executor)
            for number, (when, some, executor) in enumerate(planned, 10)
        ],
        "linked": {11},
        "overridden": overridden,
        "related": Related(frozenset({2}), frozenset({3})),
    }
    working = [(at(20 * one), at(20 * one + 10)) for one in sorted(hours or ())]

    @cache
    def in_the_way(start: int) -> set[tuple[Any, ...]]:
        plan = Planned(1, at(start), at(start + length), frozenset({1}), 2)
        found = [one for one in find(plan, **around) if not one.overridden]
        return {(one.why, one.rule, one.other and one.other.change) for one in found}

    asks = any(
        not one.overridden
        for one in find(
            Planned(1, DAY - HOUR, DAY - HOUR / 2, frozenset({1})),
            maintenance=around["maintenance"],
            overridden=overridden,
        )
    )
    fits = [
        start
        for start in range(4 * ENDS - length + 1)
        if not in_the_way(start)
        and (
            asks
            or hours is None
            or any(opens <= at(start) and at(start + length) <= shut for opens, shut in working)
        )
    ]
    expected: list[int] = []
    for start in fits:
        if len(expected) < 3 and (not expected or start >= expected[-1] + length):
            expected.append(start)
    plan = Planned(1, DAY, at(length), frozenset({1}), 2)
    found = free(plan, DAY + ENDS * HOUR, hours=None if hours is None else working, **around)
    assert [one.starts for one in found.slots] == [at(start) for start in expected]
    begins = 0
    told = [(one.why_not_earlier, start) for one, start in zip(found.slots, expected, strict=True)]
    if len(expected) < 3:
        told.append((found.why_none, 4 * ENDS - length + 1))
    for why, start in told:
        there = {key for quarter in range(begins, start) for key in in_the_way(quarter)}
        reasons = {(one.why, one.rule, one.other and one.other.change) for one in why}
        assert reasons <= there  # none is invented
        assert len(reasons) == len(why)
        if hours is None or asks:
            assert all(in_the_way(quarter) & reasons for quarter in range(begins, start))
        begins = start + length


def test_hours_are_those_of_working_days_where_the_reader_is() -> None:
    """Also over the night in which clocks change there."""
    from zoneinfo import ZoneInfo

    friday = datetime(2026, 3, 27, 12, tzinfo=UTC)
    found = working_hours(ZoneInfo("Europe/London"), friday, friday + timedelta(days=4))
    assert [(one.day, one.hour, ends.hour) for one, ends in found] == [
        (27, 8, 18),
        (30, 7, 17),
        (31, 7, 17),
    ]
    assert on_grid(friday) == friday
    assert on_grid(friday + timedelta(microseconds=1)) == friday + QUARTER


def test_a_time_that_fits_is_found_off_the_quarters_of_an_hour() -> None:
    """As in maintenance windows that are as long as the plan."""
    rule = Rule(1, Effect.REFUSES, 1, "")
    opens = DAY + timedelta(minutes=10)
    held = [Holds(rule, opens + HOUR * 24 * day, opens + HOUR * (24 * day + 1)) for day in range(9)]
    plan = Planned(1, DAY, DAY + HOUR, frozenset({1}))
    found = free(plan, DAY + 200 * HOUR, maintenance=[rule], held=held)
    assert [one.starts for one in found.slots] == [one.starts for one in held[:3]]


@pytest.fixture
def monday() -> Any:
    with time_machine.travel(datetime(2027, 5, 3, 9, 50, tzinfo=UTC), tick=False) as clock:
        yield clock


def test_the_form_offers_free_times_and_takes_one(client: Client, cast: Cast, monday: Any) -> None:
    change, other = stories.in_execution(cast), stories.in_execution(cast)
    booking(change), booking(other)
    now = timezone.now()
    lifecycle.plan_execution(
        other,
        actor=cast.success,
        executor=cast.support,
        window_start=now,
        window_end=now + 3 * HOUR,
        steps="Look.",
        rollback_plan="Look away.",
    )
    window(cast, name="Audit", starts_at=now + 4 * HOUR, ends_at=now + 23 * HOUR)
    address = reverse("changes:plan_execution", args=[change.pk])
    client.force_login(cast.success)
    typed = {
        "seen": fresh(change).version,
        "steps": "Half a",
        "rollback_plan": "",
        "executor": "",
        "window_start": "2027-05-01T10:00",
        "window_end": "2027-05-01T12:00",
    }
    assert "Find free times" in client.get(address).content.decode()
    with CaptureQueriesContext(connection) as few:
        answer = client.post(address, {**typed, "when": "yes"})
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "Half a" in shown and "is-invalid" not in shown
    could = answer.context["form"].could_go()
    first, second, third = could.times
    assert [one.starts.strftime("%d %H:%M") for one in could.times] == [
        "04 09:00",
        "04 11:00",
        "04 13:00",
    ]
    assert first.ends - first.starts == 2 * HOUR
    told = "\n".join(one.words for one in first.why)
    assert f"{other.reference} is planned at that time and affects Space booking." in told
    assert "Inside the change freeze “Audit”" in told
    assert second.why == third.why == []
    taken = client.post(address, {**typed, "slot": first.value}).content.decode()
    assert 'value="2027-05-04T10:00"' in taken  # the first one's beginning in London
    assert 'value="2027-05-04T12:00"' in taken
    assert "Half a" in taken
    assert not fresh(change).executions.exists()
    for nonsense in ("x", "/", "2027-05-04T10:00/2027-05-04T12:00", f"{first.value}/", "9" * 90):
        kept = client.post(address, {**typed, "slot": nonsense})
        assert kept.status_code == 200
        assert 'value="2027-05-01T10:00"' in kept.content.decode()
    assert client.post(address, {**typed, "seen": 0, "when": "yes"}).status_code == 409
    for _each in range(3):
        more = stories.plan(stories.in_execution(cast), cast)
        more.services.set(change.services.all())
        window(cast, effect="warns", name=f"More {_each}", service=booking(change))
    with CaptureQueriesContext(connection) as many:
        client.post(address, {**typed, "when": "yes"})
    assert len(many) <= len(few) + 2
    client.force_login(cast.developer)
    assert client.post(address, {**typed, "when": "yes"}).status_code == 403


def test_a_time_that_is_taken_can_be_written_when_clocks_change(client: Client, cast: Cast) -> None:
    """Of an hour that comes twice a form cannot say which; windows are as long as they are."""
    cast.success.time_zone = "Europe/London"
    cast.success.save()
    change = stories.in_execution(cast)
    service = booking(change)
    with time_machine.travel(datetime(2027, 10, 29, 9, tzinfo=UTC), tick=False):
        sunday = datetime(2027, 10, 30, 22, 30, tzinfo=UTC)  # 01:00 to 02:00 there comes twice
        night = {"starts_at": sunday, "ends_at": sunday + 8 * HOUR}
        window(cast, kind="maintenance", name="Night", service=service, effect="refuses", **night)
        client.force_login(cast.success)
        address = reverse("changes:plan_execution", args=[change.pk])
        typed = {
            "seen": fresh(change).version,
            "executor": cast.support.pk,
            "window_start": "2027-10-31T00:00",
            "window_end": "2027-10-31T02:00",
            "steps": "Look.",
            "rollback_plan": "Look away.",
        }

        def offered(**more: Any) -> list[list[datetime]]:
            page = client.post(address, {**typed, **more, "when": "yes"}).content.decode()
            values = re.findall(r'name="slot" value="([^"]+)"', page)
            return [[datetime.fromisoformat(one) for one in value.split("/")] for value in values]

        assert [(starts - sunday, ends - starts) for starts, ends in offered()] == [
            (HOUR / 2, 3 * HOUR),  # from 00:00 to 02:00 there are three
            (3.5 * HOUR, 3 * HOUR),
        ]
        short = offered(window_start="2027-10-30T12:00", window_end="2027-10-30T12:30")
        assert [starts - sunday for starts, _ends in short] == [0 * HOUR, HOUR / 2, 3.5 * HOUR]
        for starts, ends in short:
            slot = f"{starts.isoformat()}/{ends.isoformat()}"
            taken = client.post(address, {**typed, "slot": slot}).context["form"]
            times = {name: taken.data[name] for name in ("window_start", "window_end")}
            answer = client.post(address, {**typed, **times, "steps": ""})
            assert answer.context["form"].errors.keys() == {"steps"}
        long = {**typed, "window_end": "2028-12-01T02:00", "when": "yes"}
        assert "longer than the 90 days" in client.post(address, long).content.decode()


def test_why_none_in_ninety_days(cast: Cast, monday: Any) -> None:
    change = stories.in_execution(cast)
    now = timezone.now()
    freeze = window(
        cast, effect="warns", starts_at=now + 4 * HOUR, ends_at=now + timedelta(days=100)
    )

    def asked(hours: int = 1) -> planning.CouldGo:
        plan = planning.of_execution(fresh(change), now, now + hours * HOUR, None)
        found = planning.could_go(cast.success, fresh(change), plan)
        assert found is not None
        return found

    assert len(asked(3).times) == 1  # before the freeze begins
    assert asked(3).why[0].words.startswith("Inside the change freeze “Audit week”")
    lifecycle.cancel_window(freeze, actor=cast.administrator, reason="Over.")
    assert len(asked(12).times) == 3
    assert not asked(12).in_hours
    service = booking(change)
    window(cast, kind="maintenance", name="Once", service=service, effect="warns")
    assert asked().in_windows
    assert asked(30).times == []
    assert "Outside the maintenance windows of Space booking" in asked(30).why[0].words
    plan = planning.of_execution(fresh(change), now, now + HOUR, None)
    assert planning.could_go(cast.requester, fresh(change), plan) is None
