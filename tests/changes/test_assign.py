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
        with django_assert_num_queries(9):
            page.get(self.address(change))
        for number in range(3):
            person(f"More {number}", Role.SUPPORT)
        with django_assert_num_queries(9):
            page.get(self.address(change))


def test_whoever_may_assign_takes_a_change_with_one_click(client: Client, cast: Cast) -> None:
    change = stories.in_review(cast)
    action = f'action="{change.get_absolute_url()}assign/"'
    shown = {}
    for name, somebody in cast.people.items():
        client.force_login(somebody)
        shown[name] = action in client.get(change.get_absolute_url()).content.decode()
    assert [name for name, has in shown.items() if has] == ["support"]  # success owns it already
    client.force_login(cast.support)
    data = {"owner": cast.support.pk, "seen": change.version}
    assert client.post(f"{change.get_absolute_url()}assign/", data).status_code == 302
    change = Change.objects.get(pk=change.pk)
    assert (change.owner, change.events.latest("pk").actor) == (cast.support, cast.support)
    assert action not in client.get(change.get_absolute_url()).content.decode()
    client.force_login(cast.success)
    assert action in client.get(change.get_absolute_url()).content.decode()
    assert client.post(f"{change.get_absolute_url()}assign/", data).status_code == 409
