"""The page on which the owner is named."""

from typing import Any

from django.test import Client

from accounts.roles import Role
from changes.models import Change
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast, person


class TestAssign(StepPageTests):
    verb = "assign"
    make = stories.in_review
    who = "success"
    refused = ("tester", "customer success team that looks after Harbour Hospitals")
    required = ("owner",)
    after = State.REVIEW

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"owner": cast.support.pk}

    def test_only_people_of_the_process_are_offered(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        html = page.get(self.address(change)).content.decode()
        assert "Sam Support (Support staff)" in html
        for outsider in (cast.requester, cast.approver, cast.auditor, cast.nobody):
            assert f'value="{outsider.pk}"' not in html
            assert self.send(page, cast, change, owner=outsider.pk).status_code == 400
        assert self.is_untouched(change)

    def test_many_people_cost_no_more_queries(
        self, page: Client, cast: Cast, change: Change, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(8):
            page.get(self.address(change))
        for number in range(3):
            person(f"More {number}", Role.SUPPORT)
        with django_assert_num_queries(8):
            page.get(self.address(change))
