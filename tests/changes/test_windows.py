"""Freezes and maintenance windows in the steps: what they stop, who lets it pass, who is told."""

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from post_office.models import STATUS, Email

from changes import lifecycle, planned_in, planning
from changes.lifecycle.windows import PLANNING
from changes.models import Change, Service, Window, WindowOverride, WindowSpan
from changes.settling import settle
from expansive_cm.workflow.errors import (
    ChangeStale,
    StepForbidden,
    StepIllegal,
    StepIncomplete,
)
from tests import stories
from tests.concurrently import at_once
from tests.mailing import deliver
from tests.people import Cast

HOUR = timedelta(hours=1)


def window(cast: Cast, **more: Any) -> Window:
    """A freeze that refuses, of everything, for the coming day; ``more`` says otherwise."""
    now = timezone.now()
    values: dict[str, Any] = {
        "kind": "freeze",
        "name": "Audit week",
        "effect": "refuses",
        "zone": "UTC",
        "starts_at": now + HOUR,
        "ends_at": now + 24 * HOUR,
        **more,
    }
    return lifecycle.plan_window(actor=values.pop("actor", cast.release_manager), **values)


def booking(change: Change) -> Service:
    """A service that the change affects."""
    service = Service.objects.get_or_create(name="Space booking")[0]
    change.services.add(service)
    return service


def fresh(change: Change) -> Change:
    return Change.objects.get(pk=change.pk)


def words_of(change: Change) -> list[str]:
    plan = planning.plan_of(fresh(change))
    assert plan is not None
    return [one.words for one in planning.conflicts_of(fresh(change), plan)]


def test_a_freeze_stops_a_plan_and_says_until_when_and_who(cast: Cast) -> None:
    change = stories.in_execution(cast)
    freeze = window(cast)
    with pytest.raises(StepIncomplete, match="Inside the change freeze “Audit week”, until") as no:
        stories.plan(change, cast)
    assert no.value.missing == ["window_start"]
    assert "release managers and administrators can cancel it" in str(no.value)
    assert not fresh(change).executions.exists()
    lifecycle.cancel_window(freeze, actor=cast.administrator, reason="The audit is over.")
    stories.plan(change, cast)


def test_a_freeze_concerns_only_its_service_and_customer(cast: Cast) -> None:
    change = stories.in_execution(cast)
    service, lifts = booking(change), Service.objects.create(name="Lifts")
    window(cast, organisation=cast.meridian, service=service)
    window(cast, service=lifts)
    stories.plan(change, cast)
    for scope in ({"organisation": cast.harbour, "service": service}, {"service": service}):
        freeze = window(cast, **scope)
        with pytest.raises(StepIncomplete):
            stories.plan(fresh(change), cast)
        lifecycle.cancel_window(freeze, actor=cast.administrator, reason="No.")
    stories.plan(fresh(change), cast)


def test_a_warning_is_kept_with_the_plan_and_told_to_colleagues(cast: Cast) -> None:
    change, other = stories.in_execution(cast), stories.in_execution(cast)
    booking(change), booking(other)
    lifecycle.link(change, actor=cast.support, kind="conflicts_with", other=other)
    stories.plan(other, cast)
    window(cast, effect="warns", name="Quiet night")
    rule = window(
        cast,
        kind="maintenance",
        effect="warns",
        name="Sundays",
        service=booking(change),
        starts_at=timezone.now() + 90 * HOUR,
        ends_at=timezone.now() + 99 * HOUR,
    )
    stories.plan(change, cast)
    kept = change.events.latest("pk").data["conflicts"]
    assert kept == words_of(change)
    assert len(kept) == 5
    said = "\n".join(kept)
    assert "“Quiet night”" in said
    assert f"Outside the maintenance windows of Space booking, such as “{rule}”." in said
    assert f"{other.reference} is planned at that time and affects Space booking." in said
    assert f"{cast.support} executes {other.reference} at that time." in said
    assert f"{other.reference}, which is linked as conflicting" in said


def test_what_is_begun_is_asked_again(cast: Cast) -> None:
    """A freeze that came after the plan stops its start, of an execution and of a deployment."""
    execution = stories.plan(stories.in_execution(cast), cast)
    deployment = stories.deployment_planned(stories.in_deployment(cast), cast)
    window(cast, starts_at=timezone.now() - HOUR, ends_at=timezone.now() + HOUR)
    with pytest.raises(StepIncomplete, match="Audit week"):
        stories.started(execution, cast)
    with pytest.raises(StepIncomplete, match="Audit week"):
        lifecycle.start_deployment(deployment, actor=cast.release_manager)
    assert words_of(deployment) == []  # its own day is another one
    with time_machine.travel(timezone.now() + 2 * HOUR):
        stories.started(execution, cast)
        lifecycle.start_deployment(deployment, actor=cast.release_manager)


def test_the_day_of_a_release_may_be_frozen(cast: Cast) -> None:
    change = stories.in_deployment(cast)
    starts, ends = planning.day_of(stories.release())
    part = window(cast, starts_at=starts, ends_at=ends - HOUR)
    stories.deployment_planned(change, cast)
    assert "Audit week" in words_of(change)[0]
    assert list(planned_in.changes_in(part)) == [change]
    whole = window(cast, name="All day", starts_at=starts, ends_at=ends)
    with pytest.raises(StepIncomplete, match="All day") as no:
        stories.deployment_planned(fresh(change), cast)
    assert no.value.missing == ["release"]
    assert list(planned_in.changes_in(whole)) == [change]


def test_who_holds_the_role_overrides_with_a_reason_for_one_round(cast: Cast) -> None:
    change = stories.in_execution(cast)
    strict = window(cast, effect="override", override_role="crb_member")
    with pytest.raises(StepIncomplete, match="role “CRB member” can override it"):
        stories.plan(change, cast)

    def override(actor: Any, reason: str = "The ward moves.", of: Window = strict) -> None:
        lifecycle.override_window(fresh(change), actor=actor, window=of, reason=reason)

    for somebody in (cast.release_manager, cast.administrator, cast.success, cast.requester):
        with pytest.raises((StepForbidden, StepIllegal)):
            override(somebody)
    with pytest.raises(StepIncomplete, match="Say why"):
        override(cast.chair, " ")
    with pytest.raises(StepIllegal, match="cannot be overridden"):
        override(cast.chair, of=window(cast, service=Service.objects.create(name="Lifts")))
    override(cast.chair)
    event = fresh(change).events.latest("pk")
    assert (event.verb, event.is_internal) == ("override_window", True)
    assert event.reason == "Audit week: The ward moves."
    assert WindowOverride.objects.get().history.get().history_user == cast.chair
    stories.plan(fresh(change), cast)
    assert "It was overridden for this change." in words_of(change)[0]
    stories.started(fresh(change), cast)
    lifecycle.record_execution(
        fresh(change), actor=cast.support, outcome="rolled_back", notes="It did not hold."
    )
    with pytest.raises(StepIncomplete):
        stories.plan(fresh(change), cast)
    override(cast.chair, "Once more.")
    stories.plan(fresh(change), cast)


def test_whoever_planned_is_told_once_of_a_new_freeze(cast: Cast) -> None:
    """One mail a person, however many plans; nobody who left, and not who made it."""
    for _each in range(2):
        stories.plan(stories.in_execution(cast), cast)
    starts, ends = planning.day_of(stories.release())
    stories.deployment_planned(stories.in_deployment(cast), cast)
    before = set(Email.objects.values_list("pk", flat=True))
    with CaptureQueriesContext(connection) as few:
        freeze = window(cast, starts_at=timezone.now(), ends_at=ends)
    mails = Email.objects.exclude(pk__in=before)
    assert {one.to[0] for one in mails} == {cast.success.email, cast.support.email}
    mail = mails.get(to=[cast.success.email])
    assert "2 plans of yours" in mail.subject
    assert mail.message.count("- CR-") == 2
    lifecycle.cancel_window(freeze, actor=cast.administrator, reason="Not now.")
    for _each in range(2):
        stories.plan(stories.in_execution(cast), cast)
    cast.support.is_active = False
    cast.support.save()
    before = set(Email.objects.values_list("pk", flat=True))
    with CaptureQueriesContext(connection) as more:
        window(cast, actor=cast.administrator, starts_at=timezone.now(), ends_at=ends)
    told = {one.to[0] for one in Email.objects.exclude(pk__in=before)}
    assert told == {cast.success.email, cast.release_manager.email}
    assert len(more) == len(few)
    cast.success.groups.clear()
    deliver()
    assert not Email.objects.filter(subject__contains="4 plans", status=STATUS.sent).exists()


def test_whose_plan_lies_outside_of_new_maintenance_windows_is_told(cast: Cast) -> None:
    """Of the first ones of a service alone, and not where it was moved into them meanwhile."""
    inside, outside, other = (stories.in_execution(cast) for _each in range(3))
    booking(inside), booking(outside)
    now = timezone.now()
    for one, hours in ((inside, 2), (outside, 20), (other, 20)):
        plan = {"executor": cast.support, "steps": "Look.", "rollback_plan": "Look away."}
        times = {"window_start": now + hours * HOUR, "window_end": now + (hours + 1) * HOUR}
        lifecycle.plan_execution(fresh(one), actor=cast.success, **plan, **times)

    def told(name: str, hours: int, **more: Any) -> list[Email]:
        before = set(Email.objects.values_list("pk", flat=True))
        at = {"starts_at": now + HOUR, "ends_at": now + hours * HOUR, "effect": "warns"}
        window(cast, kind="maintenance", name=name, **at, **more)
        return list(Email.objects.exclude(pk__in=before).order_by("to"))

    mine, executors = told("Evening", 5, service=booking(outside))
    assert mine.to == [cast.success.email] and executors.to == [cast.support.email]
    assert "1 plan of yours lies outside of new maintenance windows" in mine.subject
    assert mine.message.count("- CR-") == 1
    assert f"- {outside.reference}\n" in mine.message
    assert settle(mine)
    assert told("Again", 4, service=booking(outside)) == []
    moved = {"window_start": now + 6 * HOUR, "window_end": now + 7 * HOUR}
    lifecycle.plan_execution(fresh(outside), actor=cast.success, **plan, **moved)
    assert settle(mine)
    assert told("Later", 8, service=booking(outside)) == []
    assert not settle(mine) and not settle(executors)
    freezes = {"starts_at": now + 6 * HOUR, "ends_at": now + 8 * HOUR, "effect": "warns"}
    frozen = window(cast, **freezes)
    mail = Email.objects.filter(to=[cast.success.email]).latest("pk")
    assert str(frozen) in mail.message and settle(mail)
    moved = {"window_start": now + 2 * HOUR, "window_end": now + 3 * HOUR}
    lifecycle.plan_execution(fresh(outside), actor=cast.success, **plan, **moved)
    assert not settle(mail)


@time_machine.travel(datetime(2026, 12, 1, 12, tzinfo=UTC))
def test_a_weekly_window_has_its_times_and_an_end(cast: Cast) -> None:
    first = date(2027, 1, 4)
    rule: dict[str, Any] = {"weekday": 6, "from_time": time(22), "to_time": time(2), "first": first}
    with pytest.raises(StepIncomplete, match="at most two years") as no:
        window(cast, **rule)
    assert no.value.missing == ["until"]
    made = window(cast, **rule, until=date(2027, 2, 1), zone="Europe/Paris")
    assert made.spans.count() == 4
    assert [one.astimezone(UTC).hour for one in (made.starts_at, made.ends_at)] == [21, 1]
    with pytest.raises(StepIncomplete, match="weekday does not come"):
        window(cast, **rule, until=date(2027, 1, 8))
    with pytest.raises(StepIncomplete, match="must end after"):
        window(cast, ends_at=timezone.now())
    with pytest.raises(StepIncomplete, match="has passed"):
        window(cast, starts_at=timezone.now() - 2 * HOUR, ends_at=timezone.now() - HOUR)
    with pytest.raises(StepIncomplete, match="which role"):
        window(cast, effect="override")


def test_a_window_ends_with_a_reason_by_whoever_keeps_them(cast: Cast) -> None:
    """Who made it may be gone: nobody waits for them. What held until now stays."""
    freeze = window(cast, starts_at=timezone.now() - HOUR)
    first = timezone.localdate()
    weekly = window(
        cast,
        weekday=first.weekday(),
        from_time=time(1),
        to_time=time(2),
        first=first,
        until=first + timedelta(days=21),
    )
    cast.release_manager.is_active = False
    cast.release_manager.save()
    for somebody in (cast.success, cast.auditor, cast.requester, cast.release_manager):
        with pytest.raises(StepForbidden):
            lifecycle.cancel_window(freeze, actor=somebody, reason="No.")
    with pytest.raises(StepIncomplete, match="Say why"):
        lifecycle.cancel_window(freeze, actor=cast.administrator, reason=" ")
    lifecycle.cancel_window(freeze, actor=cast.administrator, reason="Done.", seen=1)
    assert freeze.spans.get().span.upper <= timezone.now()
    with pytest.raises(StepIllegal, match="was cancelled"):
        lifecycle.cancel_window(freeze, actor=cast.administrator, reason="Again.")
    with pytest.raises(ChangeStale, match="meanwhile"):
        lifecycle.cancel_window(freeze, actor=cast.administrator, reason="Again.", seen=1)
    reasons = [one.history_change_reason for one in freeze.history.order_by("history_id")]
    assert reasons == ["made the change freeze", "cancelled it: Done."]
    lifecycle.cancel_window(weekly, actor=cast.administrator, reason="Done.")
    assert not weekly.spans.filter(span__endswith__gt=timezone.now()).exists()
    with transaction.atomic(), pytest.raises(Exception, match="Cannot delete"):
        weekly.delete()


def test_ten_thousand_windows_are_answered_by_the_range_index(cast: Cast) -> None:
    """One freeze for each of 10,000 hours: neither their times nor executions are scanned."""
    change = stories.plan(stories.in_execution(cast), cast)
    made = window(cast, service=Service.objects.create(name="Lifts"))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO changes_windowspan (window_id, span) SELECT %s, tstzrange("
            "'2030-01-01'::timestamptz + n * interval '1 hour',"
            "'2030-01-01'::timestamptz + (n + 1) * interval '1 hour')"
            " FROM generate_series(1, 10000) n",
            [made.pk],
        )
        cursor.execute("ANALYZE changes_windowspan")
    plan = planning.plan_of(fresh(change))
    assert plan is not None
    asked = WindowSpan.objects.filter(span__overlap=(plan.starts, plan.ends))
    told = asked.select_related("window").explain()
    assert "changes_windowspan_when" in told
    assert "Seq Scan on changes_windowspan" not in told
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # there are but few executions here
    found = planning.executions_at(plan.starts, plan.ends).order_by()  # nor an order to keep
    assert "changes_execution_when" in found.explain()


def test_overlaps_in_the_database_are_those_of_a_plain_comparison(cast: Cast) -> None:
    """200 times, generated from the seed of this run."""
    import random

    made = window(cast, service=Service.objects.create(name="Lifts"))
    begin = datetime(2031, 1, 1, tzinfo=made.starts_at.tzinfo)
    times = []
    for _each in range(200):
        starts = begin + random.randrange(2000) * HOUR / 4
        times.append((starts, starts + random.randrange(1, 60) * HOUR / 4))
    WindowSpan.objects.bulk_create(WindowSpan(window=made, span=one) for one in times)
    for starts, ends in times[:20]:
        found = WindowSpan.objects.filter(span__overlap=(starts, ends))
        expected = sorted(one for one in times if one[0] < ends and starts < one[1])
        assert sorted((one.span.lower, one.span.upper) for one in found) == expected


def test_reading_conflicts_costs_a_fixed_number_of_queries(cast: Cast) -> None:
    change = stories.plan(stories.in_execution(cast), cast)
    booking(change)
    counts = set()
    for number in range(3):
        plan = planning.plan_of(fresh(change))
        assert plan is not None
        loaded = fresh(change)
        with CaptureQueriesContext(connection) as asked:
            planning.conflicts_of(loaded, plan)
        counts.add(len(asked)) if number else None
        other = stories.plan(stories.in_execution(cast), cast)
        other.services.set(change.services.all())
        window(cast, effect="warns", name=f"Number {number}")
    assert counts == {8}


def test_planning_holds_its_lock(cast: Cast) -> None:
    """A freeze and a plan of the same moment see each other: one waits for the other's end."""
    with CaptureQueriesContext(connection) as asked:
        window(cast, effect="warns")
        stories.plan(stories.in_execution(cast), cast)
    locks = [one["sql"] for one in asked if "pg_advisory_xact_lock" in one["sql"]]
    assert len(locks) >= 2
    assert all(str(PLANNING) in one for one in locks)


@pytest.mark.django_db(transaction=True)
def test_a_freeze_and_a_plan_of_one_moment_see_each_other(cast: Cast) -> None:
    """Whichever is first: the plan is refused, or whoever made it is told of the freeze."""
    changes = [stories.in_execution(cast) for _each in range(2)]

    def freeze() -> None:
        window(cast)

    answers = at_once(freeze, *(partial(stories.plan, one, cast) for one in changes))
    assert answers[0] is None
    planned = [one for one in changes if fresh(one).executions.exists()]
    refused = [one for one in answers[1:] if isinstance(one, StepIncomplete)]
    assert len(planned) + len(refused) == 2
    told = Email.objects.filter(to=[cast.success.email], subject__contains="freeze")
    assert told.count() == min(len(planned), 1)
    for one in planned:
        assert one.reference in told.get().message
