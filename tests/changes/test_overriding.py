"""Who lets a change pass a freeze or maintenance window: a second person, for what it is for.

Costs about 2 s.
"""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle, planning
from changes.conflicts import Effect, Planned, Rule, find
from changes.models import Change, Service, Window, WindowOverride
from expansive_cm.workflow.errors import StepForbidden, StepIllegal, StepIncomplete
from tests import stories
from tests.changes.test_windows import HOUR, booking, fresh, window, words_of
from tests.people import Cast


def also(person: User, role: Role) -> User:
    """Give somebody one role more."""
    person.groups.add(Group.objects.get_or_create(name=role)[0])
    return person.read_afresh()


def asking(cast: Cast, role: Role, **more: Any) -> Window:
    return window(cast, effect="override", override_role=role, **more)


def let_pass(change: Change, of: Window, by: User) -> Change:
    return lifecycle.override_window(fresh(change), actor=by, window=of, reason="The ward moves.")


def test_who_has_a_part_in_a_change_does_not_let_it_pass(cast: Cast, client: Client) -> None:
    """Who asked for it, planned it, is to execute it, or deploys it: each is told what they did."""
    execution = stories.plan(stories.in_execution(cast), cast)
    lifecycle.plan_execution(
        execution,
        actor=cast.success,
        executor=also(cast.developer, Role.SUPPORT),
        window_start=timezone.now() + 2 * HOUR,
        window_end=timezone.now() + 3 * HOUR,
        steps="1.",
        rollback_plan="Back.",
    )
    deployment = stories.deployment_planned(stories.in_deployment(cast), cast)
    freeze = asking(cast, Role.CRB_MEMBER)
    for change, person, said in (
        (execution, cast.support, "must not have asked for the change. You raised this change."),
        (execution, cast.success, "must not have planned it. On"),
        (execution, cast.developer, "must not execute the change. You are named"),
        (deployment, cast.release_manager, "must not have planned it. On"),
    ):
        also(person, Role.CRB_MEMBER)
        with pytest.raises(StepForbidden, match=f"Separation of duties: whoever allows it {said}"):
            let_pass(change, freeze, person)
    client.force_login(cast.success)
    data = {"change": execution.reference, "reason": "It is mine."}
    answer = client.post(reverse("changes:override_window", args=[freeze.pk]), data)
    assert answer.status_code == 400
    assert "must not have planned it" in answer.content.decode()
    let_pass(execution, freeze, cast.chair)
    let_pass(deployment, freeze, cast.chair)


def test_an_override_of_ones_own_later_plan_does_not_count(cast: Cast) -> None:
    """Whoever allowed it first plans, executes or begins it then: another one has to allow it."""
    freeze = asking(cast, Role.CRB_MEMBER)
    change = stories.in_execution(cast)
    also(cast.success, Role.CRB_MEMBER)
    let_pass(change, freeze, cast.success)
    with pytest.raises(StepIncomplete, match="does not count. Somebody with the role “CRB member”"):
        stories.plan(fresh(change), cast)
    executor = also(cast.developer, Role.SUPPORT)
    also(cast.developer, Role.CRB_MEMBER)
    let_pass(change, freeze, executor)
    plan = {
        "actor": cast.success,
        "window_start": timezone.now() + 2 * HOUR,
        "window_end": timezone.now() + 3 * HOUR,
        "steps": "1.",
        "rollback_plan": "Back.",
    }
    with pytest.raises(StepIncomplete, match="does not count"):
        lifecycle.plan_execution(fresh(change), executor=executor, **plan)
    let_pass(change, freeze, cast.chair)
    lifecycle.plan_execution(fresh(change), executor=executor, **plan)
    assert "It was overridden for this change." in words_of(change)[0]


def test_who_alone_holds_the_role_lets_it_pass_and_that_is_recorded(cast: Cast) -> None:
    """Nothing waits for somebody who is not there; a second one who comes ends it."""
    freeze = asking(cast, Role.RELEASE_MANAGER, starts_at=timezone.now())
    manager = cast.release_manager
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    let_pass(change, freeze, manager)
    event = fresh(change).events.latest("pk")
    assert event.data["alone"] is True
    assert "They have a part in the change: nobody else has the role “Release manager”" in (
        event.reason
    )
    assert "nobody else has" in WindowOverride.objects.get().reason  # auditors list these
    second = also(cast.tester, Role.RELEASE_MANAGER)
    with pytest.raises(StepForbidden):
        let_pass(change, freeze, manager)
    with pytest.raises(StepIncomplete, match="does not count"):
        lifecycle.start_deployment(fresh(change), actor=manager)
    second.is_active = False
    second.save()
    lifecycle.start_deployment(fresh(change), actor=manager)
    (kept,) = fresh(change).events.latest("pk").data["conflicts"]
    assert kept.endswith(
        "By somebody with a part in the change: nobody else has the role “Release manager”."
    )


def test_only_what_it_is_for_passes_a_window(cast: Cast) -> None:
    """The window of another customer or service, whose role is another, opens nothing."""
    change = stories.in_execution(cast)
    late = {"starts_at": timezone.now() + 90 * HOUR, "ends_at": timezone.now() + 99 * HOUR}
    strict = asking(cast, Role.CRB_MEMBER, kind="maintenance", name="Nights", **late)
    lifts = Service.objects.create(name="Lifts")
    for scope in ({"organisation": cast.meridian}, {"service": lifts}):
        other = asking(cast, Role.TESTER, kind="maintenance", name="Elsewhere", **scope, **late)
        with pytest.raises(StepIllegal, match="does not concern CR-"):
            let_pass(change, other, cast.tester)
    mine = asking(
        cast, Role.TESTER, kind="maintenance", name="Mine", organisation=cast.harbour, **late
    )
    let_pass(change, mine, cast.tester)
    with pytest.raises(StepIncomplete, match="“CRB member” can override"):
        stories.plan(fresh(change), cast)
    let_pass(change, strict, cast.chair)
    stories.plan(fresh(change), cast)
    assert planning.conflicts_of(fresh(change), planning.plan_of(fresh(change)))


def test_an_override_of_what_no_longer_concerns_it_is_no_conflict(cast: Cast) -> None:
    change = stories.in_execution(cast)
    service = booking(change)
    late = {"starts_at": timezone.now() + 90 * HOUR, "ends_at": timezone.now() + 99 * HOUR}
    let_pass(
        change,
        asking(cast, Role.TESTER, kind="maintenance", service=service, **late),
        cast.tester,
    )
    change.services.clear()
    stories.plan(fresh(change), cast)
    assert words_of(change) == []


def test_only_a_role_with_a_part_in_changes_overrides(cast: Cast, client: Client) -> None:
    """Auditors and administrators read changes only, and approvers are the customers' own."""
    client.force_login(cast.release_manager)
    html = client.get(reverse("changes:new_window")).content.decode()
    for role in (Role.AUDITOR, Role.ADMINISTRATOR, Role.APPROVER):
        assert f'<option value="{role}"' not in html
        with pytest.raises(StepIncomplete, match="Say which role"):
            asking(cast, role)
    assert f'<option value="{Role.SUPPORT}"' in html


def test_each_role_lets_pass_what_asks_for_it_alone() -> None:
    now = timezone.now()
    one, two = Rule(5, Effect.OVERRIDE, 1, "tester"), Rule(6, Effect.OVERRIDE, 1, "crb_member")
    plan = Planned(1, now, now + HOUR, frozenset({1}))
    for overridden, effect in (({5}, "override"), ({6}, "override"), ({5, 6}, "warns")):
        (found,) = find(plan, maintenance=[one, two], overridden=overridden)
        assert found.effect == effect
