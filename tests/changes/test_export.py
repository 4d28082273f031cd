"""The list as a file: what is in it, for whom, and that nothing in it can run."""

import csv
import io
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from changes.export import BYTE_ORDER_MARK, CUSTOMER_COLUMNS, STAFF_COLUMNS, export_rows, safe_cell
from changes.models import Change, Service
from tests.people import Cast
from tests.stories import assessed, draft, in_confirmation, in_requirements, submitted

EXPORT = "/changes/export/"


def rows_of(client: Client, user: User, query: str = "") -> list[dict[str, str]]:
    """Download and read the file as a spreadsheet would."""
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    response = client.get(EXPORT + query)
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode()
    assert text.startswith(BYTE_ORDER_MARK)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK))))


def test_the_file_holds_what_the_list_shows(client: Client, cast: Cast) -> None:
    change = in_requirements(cast)
    booking = Service.objects.create(name="Space booking")
    change.services.add(booking, Service.objects.create(name="Assets"))
    submitted(cast, title="Other")
    (row,) = rows_of(client, cast.support, "?type=code&sort=-due")
    assert list(row) == [str(column.heading) for column in STAFF_COLUMNS]
    assert row["Reference"] == change.reference
    assert row["State"] == "Requirement definition"
    assert row["Type"] == "Code change"
    assert row["Organisation"] == "Harbour Hospitals"
    assert row["Requester"] == "Grace Requester"
    assert row["Raised by"] == "Sam Support"
    assert row["Owner"] == "Cleo Success"
    assert row["Risk"] == "Moderate"
    assert row["Affected services"] == "Assets; Space booking"
    assert row["Promise"] == "Delivered within 12 months"
    assert row["Due"] == row["First promised by"] == str(change.due_on)
    assert row["Overdue"] == ""
    assert row["Closed"] == ""


def test_times_are_the_viewers(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    moment = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    Change.objects.filter(pk=change.pk).update(submitted_at=moment)
    cast.support.time_zone = "Europe/Rome"
    cast.support.save()
    assert rows_of(client, cast.support)[0]["Submitted"] == "2026-07-01 14:00:00+02:00"


def test_customers_get_their_own_without_internal_columns(client: Client, cast: Cast) -> None:
    submitted(cast, title="Ours")
    submitted(cast, title="Theirs", organisation=cast.meridian, requester=cast.stranger_customer)
    draft(cast, title="Draft")
    (row,) = rows_of(client, cast.requester)
    assert row["Title"] == "Ours"
    assert list(row) == [str(column.heading) for column in CUSTOMER_COLUMNS]
    assert not {"Owner", "Risk", "Raised by"} & set(row)
    assert rows_of(client, cast.nobody) == []


def test_only_the_requester_is_asked_to_confirm(client: Client, cast: Cast) -> None:
    in_confirmation(cast)
    (own,) = rows_of(client, cast.requester)
    assert "Please tell us" in own["Where it stands"]
    (other,) = rows_of(client, cast.approver)
    assert other["Where it stands"] == (
        "The change is in place. We asked Grace Requester whether it meets the need."
    )
    (staff,) = rows_of(client, cast.support)
    assert staff["State"] == "Requester confirmation"
    assert not any("tell us" in cell for cell in staff.values())


def test_filters_search_and_order_count(client: Client, cast: Cast) -> None:
    for title in ("Boiler two", "Boiler one", "Lift"):
        submitted(cast, title=title)
    titles = [row["Title"] for row in rows_of(client, cast.support, "?q=boil&sort=title")]
    assert titles == ["Boiler one", "Boiler two"]
    slip = [row["Title"] for row in rows_of(client, cast.support, "?q=boilre")]
    assert sorted(slip) == ["Boiler one", "Boiler two"]


@pytest.mark.parametrize("query", ["", "?sort=reference", "?sort=title", "?q=lift&sort=reference"])
def test_a_file_of_several_pieces_holds_every_change_once(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr("changes.export.CHUNK", 2)
    for number in range(4):
        submitted(cast, title=f"Lift {number}")
    titles = [row["Title"] for row in rows_of(client, cast.support, query)]
    wanted = [f"Lift {number}" for number in range(4)]
    assert titles == (wanted if query else wanted[::-1])


def test_the_first_piece_is_sent_before_the_next_is_asked_for(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    """Of a million changes the first rows do not wait for the last."""
    monkeypatch.setattr("changes.export.CHUNK", 1)
    for _number in range(3):
        submitted(cast)
    changes = Change.objects.order_by("-pk")
    lines = export_rows(changes, cast.support, UTC, by_reference=True)
    with django_assert_num_queries(5), CaptureQueriesContext(connection) as asked:
        assert "Title" in next(lines)
        next(lines)
    assert "LIMIT 1" in asked[1]["sql"]  # after the reader's roles


def test_formulas_are_quoted(client: Client, cast: Cast) -> None:
    starts = "=+-@\t\r\n＝＠"
    texts = [f'{start}HYPERLINK("http://evil.example","x")' for start in starts]
    made = [submitted(cast, title=text) for text in texts]
    written = {row["Reference"]: row["Title"] for row in rows_of(client, cast.support)}
    for start, text, change in zip(starts, texts, made, strict=True):
        assert safe_cell(text) == f"'{text}"
        title = written[change.reference]
        # A title holds no line ends, whatever was sent: the rest of it is written as it is.
        assert title == (change.title if start in "\r\n" else f"'{text}"), repr(start)
        assert not title.startswith(tuple(starts)), repr(start)


def test_harmless_cells_stay_as_they_are() -> None:
    assert [safe_cell(value) for value in ("a=b", "", None, 5, "é, “q”")] == [
        "a=b",
        "",
        "",
        "5",
        "é, “q”",
    ]


def test_commas_and_quotes_survive(client: Client, cast: Cast) -> None:
    submitted(cast, title='One, "two"\nthree; é')
    title = 'One, "two" three; é'  # a title has one line
    assert rows_of(client, cast.support)[0]["Title"] == title


def test_the_file_is_named_and_not_kept(client: Client, cast: Cast) -> None:
    client.force_login(cast.support, backend="django.contrib.auth.backends.ModelBackend")
    response = client.get(EXPORT)
    assert response.streaming
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="changes-')
    assert response["Cache-Control"] == "no-store"
    assert client.post(EXPORT).status_code == 405
    client.logout()
    assert client.get(EXPORT).status_code == 302


def test_cost_and_memory_do_not_grow_with_rows(
    cast: Cast, monkeypatch: Any, django_assert_num_queries: Any
) -> None:
    """Three chunks of two rows: one for the changes, three for each chunk, one for roles.

    They read the services and, for staff, what the requesters answered, and the labels.
    """
    monkeypatch.setattr("changes.export.CHUNK", 2)
    for _number in range(5):
        assessed(cast, "configuration")
    changes = Change.objects.order_by("pk")
    zone = timezone.get_current_timezone()
    for reader, queries in ((cast.support, 11), (cast.requester, 4)):
        with django_assert_num_queries(queries):
            parts = export_rows(changes, reader, zone)
            assert [part.count("\r\n") for part in parts] == [1, 2, 2, 1]


def test_memory_stays_flat(cast: Cast, monkeypatch: Any) -> None:
    """Ten times the rows take no more memory at any moment: chunks are not gathered."""
    change = submitted(cast, title="x" * 200)
    fields = [f for f in Change._meta.concrete_fields if f.name not in ("id", "search")]

    def copies(count: int) -> None:
        fresh = Change.objects.get(pk=change.pk)
        values = {f.attname: getattr(fresh, f.attname) for f in fields}
        Change.objects.bulk_create(Change(**values) for _number in range(count))

    def peak() -> int:
        tracemalloc.start()
        for _part in export_rows(Change.objects.all(), cast.support, UTC):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    monkeypatch.setattr("changes.export.CHUNK", 100)
    copies(300)
    few = peak()
    copies(3_000)
    assert peak() < few * 2
