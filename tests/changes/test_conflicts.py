"""What is in the way of a plan: the pure rules, against a plain comparison minute by minute."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from changes.conflicts import Conflict, Effect, Holds, Planned, Related, Rule, Why, find
from changes.spans import weekly, weekly_faults

DAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
FREEZE = Rule(1, Effect.REFUSES)


def at(hours: int) -> datetime:
    return DAY + hours * HOUR


def plan(starts: int, ends: int, **more: object) -> Planned:
    return Planned(1, at(starts), at(ends), **more)  # type: ignore[arg-type]


def whys(found: list[Conflict]) -> list[tuple[str, str]]:
    return [(one.why.value, one.effect.value) for one in found]


times = st.tuples(st.integers(0, 20), st.integers(1, 6)).map(lambda one: (one[0], sum(one)))
services = st.frozensets(st.integers(1, 3), max_size=2)
rules = st.builds(Rule, st.integers(1, 4), st.sampled_from(Effect), st.sampled_from([None, 1, 2]))


@settings(max_examples=200)
@given(
    times,
    services,
    st.lists(st.tuples(rules, times), max_size=5),
    st.lists(st.tuples(times, services, st.integers(1, 3)), max_size=5),
    st.frozensets(st.integers(1, 4)),
    st.builds(Related, services, services),
)
def test_generated_overlaps_are_all_found_and_none_invented(
    own: tuple[int, int],
    affects: frozenset[int],
    freezes: list[tuple[Rule, tuple[int, int]]],
    planned: list[tuple[tuple[int, int], frozenset[int], int]],
    overridden: frozenset[int],
    related: Related,
) -> None:
    """Each is compared hour by hour, which no clever comparison of ends has a part in."""
    others = [
        Planned(number, at(when[0]), at(when[1]), some, executor)
        for number, (when, some, executor) in enumerate(planned, 10)
    ]
    found = find(
        plan(*own, services=affects, executor=2),
        freezes=[Holds(rule, at(when[0]), at(when[1])) for rule, when in freezes],
        others=others,
        linked={11},
        overridden=overridden,
        related=related,
    )

    def meets(when: tuple[int, int]) -> bool:
        return bool({*range(*own)} & {*range(*when)})

    stopping = {
        (rule, Effect.WARNS if rule.key in overridden else rule.effect)
        for rule, when in freezes
        if meets(when)
    }
    assert {(one.rule, one.effect) for one in found if one.why == Why.FREEZE} == stopping
    expected = set()
    for number, (when, some, executor) in enumerate(planned, 10):
        if meets(when):
            expected |= {(Why.SERVICE, number)} if some & affects else set()
            expected |= {(Why.PREREQUISITE, number)} if some & related.prerequisites else set()
            expected |= {(Why.DEPENDANT, number)} if some & related.dependants else set()
            expected |= {(Why.PERSON, number)} if executor == 2 else set()
            expected |= {(Why.LINKED, number)} if number == 11 else set()
    told = [(one.why, one.other.change) for one in found if one.other]
    assert set(told) == expected
    assert len(told) == len(expected)
    order = [[*Effect].index(one.effect) for one in found]
    assert order == sorted(order)


@settings(max_examples=200)
@given(times, st.lists(times, max_size=4))
def test_a_plan_lies_within_maintenance_windows_or_does_not(
    own: tuple[int, int], windows: list[tuple[int, int]]
) -> None:
    rule = Rule(5, Effect.OVERRIDE, 1)
    held = [Holds(rule, at(starts), at(ends)) for starts, ends in windows]
    within = {*range(*own)} <= {hour for when in windows for hour in range(*when)}
    found = find(plan(*own, services=frozenset({1})), maintenance=[rule], held=held)
    assert whys(found) == ([] if within else [("outside", "override")])
    assert not find(plan(*own))
    passed = find(plan(*own), maintenance=[rule], held=held, overridden={5})
    assert whys(passed) == ([] if within else [("outside", "warns")])


def test_each_service_asks_for_its_own_windows() -> None:
    mine, other = Rule(5, Effect.WARNS, 1), Rule(6, Effect.REFUSES, 2)
    held = [Holds(mine, at(1), at(4))]
    assert whys(find(plan(1, 3), maintenance=[mine, other], held=held)) == [("outside", "refuses")]


def test_one_override_is_for_all_windows_of_a_service_that_ask_for_one() -> None:
    one, two = Rule(5, Effect.OVERRIDE, 1), Rule(6, Effect.OVERRIDE, 1)
    strict, other = Rule(7, Effect.REFUSES, 1), Rule(8, Effect.OVERRIDE, 2)
    for rules, effects in (
        ([one, two], ["warns"]),
        ([one, two, strict], ["refuses"]),
        ([one, two, other], ["override", "warns"]),
    ):
        found = find(plan(1, 3), maintenance=rules, overridden={6})
        assert [found_one.effect.value for found_one in found] == effects


def test_of_a_day_a_freeze_must_cover_all() -> None:
    """When on the day of its release a deployment begins is known only when it does."""
    day = plan(0, 24, release=4, services=frozenset({1}))
    assert whys(find(day, freezes=[Holds(FREEZE, at(0), at(23))])) == [("freeze", "warns")]
    assert whys(find(day, freezes=[Holds(FREEZE, at(0), at(24))])) == [("freeze", "refuses")]
    assert not find(day, freezes=[Holds(FREEZE, at(24), at(25))])
    rule = Rule(5, Effect.REFUSES, 1)
    assert not find(day, maintenance=[rule], held=[Holds(rule, at(23), at(30))])
    together = Planned(2, at(0), at(24), frozenset({1}), release=4)
    apart = Planned(2, at(0), at(24), frozenset({1}), release=5)
    assert not find(day, others=[together])
    assert whys(find(day, others=[apart])) == [("service", "warns")]


def test_every_week_keeps_the_clock_of_its_zone() -> None:
    """The clocks change on 29 March; before and after it begins at 22:00."""
    found = weekly(6, time(22), time(2), "Europe/London", date(2026, 3, 16), date(2026, 4, 5))
    assert [one.astimezone(UTC).hour for one, _ends in found] == [22, 21, 21]
    assert [one.date().day for one, _ends in found] == [22, 29, 5]
    assert all(ends - starts == 4 * HOUR for starts, ends in found)
    assert all(after[0].date() - one[0].date() == timedelta(7) for one, after in pairwise(found))
    assert not weekly(0, time(1), time(2), "UTC", date(2026, 3, 3), date(2026, 3, 8))


@pytest.mark.parametrize(
    ("to_time", "until", "field"),
    [
        (time(2), None, "until"),
        (time(2), date(2026, 2, 1), "until"),
        (time(2), date(2028, 3, 4), "until"),
        (time(1), date(2026, 4, 1), "to_time"),
        (time(2), date(9999, 12, 31), "until"),
        (time(2), date(2028, 3, 2), ""),
    ],
)
def test_a_weekly_rule_ends(to_time: time, until: date | None, field: str) -> None:
    first = date(2026, 3, 2)
    assert [*weekly_faults(time(1), to_time, first, until, first)] == ([field] if field else [])
