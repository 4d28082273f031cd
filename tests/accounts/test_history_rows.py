"""History of many-to-many fields: complete, and written without reading everything again."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from changes.models import Service
from tests.people import Cast
from tests.stories import submitted


def test_each_row_of_history_holds_what_the_fields_held(cast: Cast) -> None:
    change = submitted(cast)
    booking = Service.objects.create(name="Space booking")
    change.services.add(booking, Service.objects.create(name="Assets"))
    change.watchers.add(cast.tester)
    change.services.remove(booking)
    change.save()
    held = [
        (
            sorted(one.service.name for one in row.services.all()),
            [one.user for one in row.watchers.all()],
        )
        for row in change.history.order_by("history_id")
    ]
    assert held[-4:] == [
        (["Assets", "Space booking"], []),
        (["Assets", "Space booking"], [cast.tester]),
        (["Assets"], [cast.tester]),
        (["Assets"], [cast.tester]),
    ]


def test_a_save_costs_one_statement_for_all_fields(cast: Cast) -> None:
    change = submitted(cast)
    change.services.add(*(Service.objects.create(name=f"Service {n}") for n in range(3)))
    change.watchers.add(cast.tester, cast.support)
    with CaptureQueriesContext(connection) as queries:
        change.save()
    kinds = [query["sql"].split()[0] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert kinds == ["UPDATE", "INSERT", "WITH"]
