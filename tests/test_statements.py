"""A statement is written once, and finds each time what is there for what it is given."""

from typing import Any

import pytest
from django.db.models import Value

from accounts.models import SuccessTeam, User
from accounts.roles import Role
from expansive_cm.statements import Given, Statement


def test_it_is_written_once_and_run_with_each_value(
    cast: Any, django_assert_num_queries: Any
) -> None:
    written = []

    def people() -> Any:
        written.append(1)
        return User.objects.filter(pk=Given("person"), is_active=True).values_list("email")

    statement = Statement(people)

    with django_assert_num_queries(2):
        assert statement.rows(person=cast.support.pk) == [(cast.support.email,)]
        assert statement.rows(person=cast.requester.pk) == [(cast.requester.email,)]
    assert written == [1]
    with pytest.raises(KeyError):
        statement.rows()


def test_values_of_its_own_stay(cast: Any) -> None:
    statement = Statement(
        lambda: User.objects.filter(pk=Given("person")).values_list(Value("x%s"), "pk")
    )

    assert statement.rows(person=cast.support.pk) == [("x%s", cast.support.pk)]


def test_a_person_has_the_roles_and_teams_of_now(cast: Any) -> None:
    fresh = User.objects.get(pk=cast.success.pk)
    assert fresh.roles == {Role.CUSTOMER_SUCCESS} and fresh.team_ids

    User.groups.through.objects.filter(user=fresh).delete()
    SuccessTeam.members.through.objects.filter(user=fresh).delete()

    assert not fresh.read_afresh().roles and not fresh.team_ids
    prefetched = User.objects.prefetch_related("groups", "success_teams").get(pk=cast.support.pk)
    assert prefetched.roles == {Role.SUPPORT}
