"""The page on which a change gets its release before it is deployed."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from changes import lifecycle
from changes.models import Change, Release
from changes.states import State
from expansive_cm.workflow.errors import StepIllegal, StepIncomplete
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestAssignRelease(StepPageTests):
    verb = "assign_release"
    make = stories.in_development
    who = "release_manager"
    refused = ("developer", "role: Release manager")
    texts = {"reason": 501}
    after = State.DEVELOPMENT

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"release": stories.release().pk, "reason": "It is small."}

    def test_only_releases_to_come_are_offered(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        now = timezone.now()
        over = [
            Release.objects.create(name="4.10", planned_on="2026-01-01", released_at=now),
            Release.objects.create(name="4.11", planned_on="2031-01-01", cancelled_at=now),
        ]
        html = page.get(self.address(change)).content.decode()
        for one in over:
            assert one.name not in html
            assert self.send(page, cast, change, release=one.pk).status_code == 400
            with pytest.raises(StepIncomplete, match=one.name):
                lifecycle.assign_release(change, actor=cast.release_manager, release=one)
        assert self.is_untouched(change)

    def test_the_choice_is_of_colleagues_and_can_be_taken_back(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        self.send(page, cast, change)
        now = Change.objects.get(pk=change.pk)
        event = now.events.latest("pk")
        assert (now.release.name, event.is_internal) == ("4.12", True)
        assert event.reason == "– → 4.12. It is small."
        assert now.history.first().history_user == cast.release_manager
        self.send(page, cast, now, release="", reason="")
        assert Change.objects.get(pk=change.pk).release is None


def test_a_frozen_release_is_joined_and_left_with_a_reason(client: Client, cast: Cast) -> None:
    change = stories.in_testing(cast)
    release, manager = stories.release(), cast.release_manager
    lifecycle.freeze_release(release, actor=manager)
    with pytest.raises(StepIncomplete, match="frozen") as refused:
        lifecycle.assign_release(change, actor=manager, release=release)
    assert refused.value.missing == ["reason"]
    change = stories.all_passed(change, cast)
    plan = {"actor": manager, "rollback_plan": "Redeploy 4.11."}
    with pytest.raises(StepIncomplete, match="frozen") as refused:
        lifecycle.plan_deployment(change, release=release, **plan)
    assert refused.value.missing == ["reason"]
    change = lifecycle.plan_deployment(change, release=release, reason="A hotfix.", **plan)
    lifecycle.plan_deployment(change, release=release, **plan)  # it is in it already
    other = Release.objects.create(name="9.9", planned_on=timezone.localdate())
    with pytest.raises(StepIncomplete, match="frozen"):
        lifecycle.plan_deployment(change, release=other, **plan)
    client.force_login(manager)
    address = f"{change.get_absolute_url()}plan_deployment/"
    assert "Why is a frozen release joined or left?" in client.get(address).content.decode()
    lifecycle.plan_deployment(change, release=other, reason="It is late.", **plan)
    client.force_login(cast.requester)
    html = client.get(change.get_absolute_url()).content.decode()
    assert "A hotfix." not in html
    assert "It is late." not in html


def test_neither_release_is_frozen_while_a_change_moves(cast: Cast) -> None:
    """Both that it leaves and that it joins are held, in the same order from either side."""
    change, manager = stories.in_development(cast), cast.release_manager
    day = timezone.localdate() + timedelta(days=90)
    pair = [stories.release(), Release.objects.create(name="9.9", planned_on=day)]
    lifecycle.assign_release(change, actor=manager, release=pair[0])
    for goes_to in reversed(pair):
        with CaptureQueriesContext(connection) as asked:
            lifecycle.assign_release(change, actor=manager, release=goes_to)
        held = [one["sql"] for one in asked if 'FROM "changes_release"' in one["sql"]]
        held = [sql for sql in held if "FOR NO KEY UPDATE" in sql]
        assert [f'"id" = {one.pk} ' in sql for one, sql in zip(pair, held, strict=True)] == [
            True
        ] * 2


def test_a_release_is_cancelled_while_a_deployment_begins(cast: Cast) -> None:
    """Whoever comes second sees what the first did: both ask for the row of the release."""
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    with CaptureQueriesContext(connection) as asked:
        lifecycle.start_deployment(change, actor=cast.release_manager)
    locks = [one["sql"] for one in asked if "FOR NO KEY UPDATE" in one["sql"]]
    assert any('"changes_release"' in one for one in locks)
    with pytest.raises(StepIllegal, match=change.reference):
        lifecycle.cancel_release(stories.release(), actor=cast.release_manager, reason="No.")


def test_planning_the_deployment_decides_from_then_on(cast: Cast) -> None:
    change = stories.in_deployment(cast)
    other = Release.objects.create(name="9.9", planned_on=timezone.localdate() + timedelta(days=90))
    lifecycle.assign_release(change, actor=cast.release_manager, release=other)
    change = stories.deployment_planned(change, cast)
    assert change.release == stories.release()
    with pytest.raises(StepIllegal, match="change its plan"):
        lifecycle.assign_release(change, actor=cast.release_manager, release=other)


def test_another_path_takes_the_release_away(cast: Cast) -> None:
    change = stories.in_development(cast)
    lifecycle.assign_release(change, actor=cast.release_manager, release=stories.release())
    change = lifecycle.reclassify(
        change, actor=cast.success, reason="A setting does it.", **stories.ASSESSMENT
    )
    assert change.release is None
