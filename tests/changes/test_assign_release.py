"""The page on which a change gets its release before it is deployed."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
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


def test_a_frozen_release_is_joined_and_left_with_a_reason(cast: Cast) -> None:
    change = stories.in_testing(cast)
    release, manager = stories.release(), cast.release_manager
    lifecycle.freeze_release(release, actor=manager)
    for step in (stories.all_passed, lambda one, cast: one):
        with pytest.raises(StepIncomplete, match="frozen") as refused:
            lifecycle.assign_release(change, actor=manager, release=release)
        assert refused.value.missing == ["reason"]
        change = step(change, cast)
    with pytest.raises(StepIncomplete, match="first choose it") as refused:
        stories.deployment_planned(change, cast)
    assert refused.value.missing == ["release"]
    lifecycle.assign_release(change, actor=manager, release=release, reason="A hotfix.")
    with pytest.raises(StepIncomplete, match="frozen"):
        lifecycle.assign_release(change, actor=manager, release=None)
    assert stories.deployment_planned(change, cast).release == release


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
