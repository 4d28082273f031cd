"""The page on which an execution is planned."""

from typing import Any

from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestPlanExecution(StepPageTests):
    verb = "plan_execution"
    make = stories.in_execution
    who = "success"
    refused = ("tester", "customer success team that looks after Harbour Hospitals")
    required = ("executor", "window_start", "window_end", "steps", "rollback_plan")
    texts = {"steps": 10001, "rollback_plan": 10001}
    after = State.EXECUTION

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {
            "executor": cast.support.pk,
            "window_start": "2031-07-01T21:00",
            "window_end": "2031-07-01T22:30",
            "steps": "1. Set the hours\n2. Book a room",
            "rollback_plan": "Set 7-19 again.",
        }

    def test_times_are_those_of_the_viewers_clock(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        cast.success.time_zone = "Asia/Tokyo"
        cast.success.save()
        assert "Asia/Tokyo" in page.get(self.address(change)).content.decode()
        self.send(page, cast, change)
        execution = Change.objects.get(pk=change.pk).execution
        assert execution.window_start.isoformat() == "2031-07-01T12:00:00+00:00"
        shown = page.get(change.get_absolute_url()).content.decode()
        assert "1 Jul 2031, 21:00" in shown

    def test_the_approver_is_not_offered_and_the_page_says_why(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        cast.approver.organisation = None
        cast.approver.save()
        cast.approver.groups.add(Group.objects.get(name=Role.SUPPORT))
        html = page.get(self.address(change)).content.decode()
        assert f'<option value="{cast.support.pk}"' in html
        assert f'<option value="{cast.approver.pk}"' not in html
        assert "<strong>Ada Approver</strong>: authorised this change" in html
        answer = self.send(page, cast, change, executor=cast.approver.pk)
        assert answer.status_code == 400
        assert self.is_untouched(change)

    def test_who_plans_it_may_carry_it_out_at_once(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        """The button says who and when, whatever the form says; the form to start it follows."""
        assert "I carry it out now" in page.get(self.address(change)).content.decode()
        answer = self.send(page, cast, change, further="yes", executor=None)
        start = reverse("changes:start_execution", args=[change.pk])
        assert answer.headers["Location"] == start
        plan = Change.objects.get(pk=change.pk).execution
        assert plan is not None and plan.executor == cast.success and plan.started_at is None
        assert plan.window_start <= timezone.now() < plan.window_end

    def test_who_authorised_it_does_not_carry_it_out(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        cast.approver.organisation = None
        cast.approver.save()
        cast.approver.groups.add(Group.objects.get(name=Role.CUSTOMER_SUCCESS))
        cast.care_team.members.add(cast.approver)
        page.force_login(cast.approver)
        assert "I carry it out now" not in page.get(self.address(change)).content.decode()
        answer = self.send(page, cast, change, further="yes", executor=cast.approver.pk)
        assert answer.status_code == 400
        assert self.is_untouched(change)

    def test_a_window_must_make_sense(self, page: Client, cast: Cast, change: Change) -> None:
        answer = self.send(page, cast, change, window_end="2031-07-01T20:00")
        assert answer.status_code == 400
        assert "The window must close after it opens." in answer.content.decode()
        past = {"window_start": "2020-07-01T20:00", "window_end": "2020-07-01T21:00"}
        answer = self.send(page, cast, change, **past)
        assert "The window has passed already." in answer.content.decode()
        for bad in ("soon", "2031-02-30T10:00", "9" * 40):
            assert self.send(page, cast, change, window_start=bad).status_code == 400
        assert self.is_untouched(change)

    def test_a_plan_can_be_changed_until_it_starts(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        self.send(page, cast, change)
        now = Change.objects.get(pk=change.pk)
        assert "Set 7-19 again." in page.get(self.address(now)).content.decode()
        assert "Change the plan" in page.get(now.get_absolute_url()).content.decode()
        self.send(page, cast, now, steps="Ask first")
        assert [one.steps for one in now.executions.all()] == ["Ask first"]

    def test_after_a_roll_back_the_last_plan_is_proposed(self, page: Client, cast: Cast) -> None:
        change = stories.rolled_back(cast)
        assert "Set the hours back" in page.get(self.address(change)).content.decode()
        assert self.send(page, cast, change).status_code == 302
        assert Change.objects.get(pk=change.pk).round == 2
