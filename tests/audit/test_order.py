"""The order of history is that in which it was written, whatever the clock said."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.history_rows import NUMBERED_FROM
from audit.sources import sources
from changes import lifecycle
from changes.models import Change
from tests.people import Cast
from tests.stories import draft, in_authorisation, submitted


@pytest.fixture
def reader(client: Client, cast: Cast) -> Client:
    client.force_login(cast.auditor, backend="django.contrib.auth.backends.ModelBackend")
    return client


def tab(client: Client, change: Change, token: str = "") -> Any:
    return client.get(reverse("audit:change_history", args=[change.pk]) + token).context


def reasons(client: Client, change: Change) -> list[str]:
    return [act.why.split(":")[0] for act in tab(client, change)["acts"]]


def set_back(cast: Cast) -> Change:
    """A change that was drafted, then submitted and assigned by clocks set further and further."""
    change, now = draft(cast), timezone.now()
    with time_machine.travel(now - timedelta(hours=1)):
        lifecycle.submit(change, actor=cast.support)
    with time_machine.travel(now - timedelta(hours=2)):
        lifecycle.assign(change, actor=cast.success, owner=cast.developer)
    return change


def test_a_clock_set_back_puts_no_act_before_an_earlier_one(reader: Client, cast: Cast) -> None:
    change = set_back(cast)
    first, second, *_rest, last = reasons(reader, change)
    assert (first[:8], second, last) == ("assigned", "submitted the request", "saved a draft")


def test_pages_follow_the_order_too(reader: Client, cast: Cast, monkeypatch: Any) -> None:
    change = set_back(cast)
    whole = [(one.at, one.record) for one in tab(reader, change)["entries"]]
    monkeypatch.setattr("audit.views.PAGE_SIZE", 1)
    seen, back, token = [], [], "?"
    while token:
        page = tab(reader, change, token)
        seen += [(one.at, one.record) for one in page["entries"]]
        token, before = page["next_url"], page["previous_url"]
    token = before
    while token:
        page = tab(reader, change, token)
        back += [(one.at, one.record) for one in page["entries"]]
        token = page["previous_url"]
    assert seen == whole and len(whole) >= 3
    assert back == whole[-2::-1]


def test_acts_of_one_moment_keep_their_order(reader: Client, cast: Cast) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        change = in_authorisation(cast)
        for owner in (cast.developer, cast.tester, cast.developer):
            lifecycle.assign(change, actor=cast.success, owner=owner)
        told = reasons(reader, change)
        everything = [act.why.split(":")[0] for act in reader.get("/history/").context["acts"]]
    assert [why.split(" ")[0] for why in told] == [
        *("assigned", "assigned", "assigned"),
        *("reviewed", "assessed", "submitted", "saved"),
    ]
    assert everything[: len(told)] == told


def test_what_was_written_before_the_order_comes_first_by_date(reader: Client, cast: Cast) -> None:
    """Rows of an earlier version have numbers of their table alone: these are small."""
    change = submitted(cast)
    row = change.history.earliest("history_id")
    for number, days in ((7, 1), (3, 2), (5, 3)):
        row.pk, row.history_date = number, timezone.now() + timedelta(days=days)
        row.history_change_reason = f"old {days}"
        row._state.adding = True
        row.save(force_insert=True)
    assert reasons(reader, change)[-4:] == ["saved a draft", "old 3", "old 2", "old 1"]


@pytest.mark.django_db
def test_every_table_is_numbered_by_the_same_sequence() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_default FROM information_schema.columns "
            "WHERE column_name = 'history_id'"
        )
        numbered = dict(cursor.fetchall())
    wrong = {
        source.key
        for source in sources()
        if numbered[source.history._meta.db_table] != "nextval('history_order'::regclass)"
    }
    assert wrong == set()


def test_a_row_is_numbered_after_those_of_other_tables(cast: Cast) -> None:
    cast.harbour.save()
    cast.support.save()
    numbers = [one.history.latest("history_id").pk for one in (cast.harbour, cast.support)]
    assert NUMBERED_FROM <= numbers[0] < numbers[1]
