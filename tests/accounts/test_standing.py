"""What is read of many people at once is what is read of each alone."""

from typing import Any

from accounts.models import User
from accounts.standing import STANDING, know_standing
from tests.people import Cast


def test_many_are_known_as_each_alone_in_one_query(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    cast.harbour.approvers.add(cast.approver, cast.requester)
    everybody = list(User.objects.order_by("pk"))
    with django_assert_num_queries(1):
        know_standing(everybody)
        know_standing(everybody)
    alone = {person.pk: person for person in User.objects.all()}
    for name in sorted(STANDING):
        found = {person.pk: getattr(person, name) for person in everybody}
        assert found == {pk: getattr(person, name) for pk, person in alone.items()}, name
        assert any(found.values()), name
