"""A search finds what it should with bounded work, whatever is typed."""

import importlib
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from changes import filters, searching, selecting
from changes.models import Change
from changes.searching import Words
from expansive_cm.ui.paging import in_order, page_of
from tests.people import Cast
from tests.stories import submitted

pytestmark = pytest.mark.django_db


def found(text: str) -> list[str]:
    """The titles that a search shows, the newest first, by the page and by the plain filter."""
    order = filters.SORTS["-reference"]
    shown = [one.title for one in _page(Change.objects.all(), text, order.name).rows]
    assert shown == [one.title for one in in_order(_filtered(text), order)]
    return shown


def _filtered(text: str) -> QuerySet[Change]:
    return selecting.with_words(Change.objects.all(), text)


def _page(changes: QuerySet[Change], text: str, sort: str, token: str = "", size: int = 50) -> Any:
    order = filters.SORTS[sort]
    return page_of(changes, order, token, size, choose=searching.first_with(Words(text)))


def test_a_stop_word_is_the_beginning_of_others(cast: Cast) -> None:
    submitted(cast, title="Light in the theatre", description="Brighter.")
    finds = {
        "t": True,
        "the": True,
        "in the": False,
        "light in the theatre": True,
        "the the the light": True,
        "through ourselves yourselves light": True,
        "light through ourselves yourselves dark": False,
        "li th": True,
        "li th xy": False,
    }
    assert {text: found(text) for text in finds} == {
        text: ["Light in the theatre"] if is_found else [] for text, is_found in finds.items()
    }


def test_every_word_counts_however_many(cast: Cast) -> None:
    submitted(cast, title="Boiler inspection certificate", description="Before its expiry.")
    submitted(cast, title="Boiler inspection certificate", description="A list of them.")
    assert len(found("boiler inspection certificate")) == 2
    assert len(found("boiler inspection certificate exp")) == 1
    assert found("boiler inspection certificate expiry ab") == []


TITLES = (
    "预订会议室的时间",
    "夜班也能预订会議室",
    "ขอจองห้องประชุมตอนกลางคืน",
    "夜間の会議室を予約する",
)


def test_a_title_without_spaces_is_found_by_its_middle(cast: Cast) -> None:
    for title in TITLES:
        submitted(cast, title=title, description="As said.")
    counts = {
        "会议室": 1,
        "会": 3,
        "議室": 2,
        "ห้องประชุม": 1,
        "ประชุม": 1,
        "預約": 0,
        "会议 时间": 1,
        "会议 ประชุม": 0,
        "間": 1,
        "cr 会议": 0,
    }
    assert {text: len(found(text)) for text in counts} == counts


def test_both_spellings_of_a_letter_are_one(cast: Cast) -> None:
    titles = ("Café 회의실 예약", "Đặt phòng họp", "ガスの点検", "ห้องน้ำ")
    for title in titles:
        for form in ("NFC", "NFD"):
            submitted(cast, title=unicodedata.normalize(form, title), description="As said.")
    for title in titles:
        both = {unicodedata.normalize(form, title) for form in ("NFC", "NFD")}
        for form in ("NFC", "NFD"):
            for text in (title, title[1:] if title[0] in "ガห" else title.split()[-1]):
                shown = found(unicodedata.normalize(form, text))
                assert len(shown) == 2 and set(shown) <= both, (form, text)


def test_pages_hold_everything_once_and_in_order(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the looking at rows ends and the index is asked."""
    for number in range(10):
        kind = "Boiler" if number % 3 else "Lift"
        submitted(cast, title=f"{kind} {'CBA'[number % 3]}{number}")
    for bounds in ((1, 2, 1), (3, 5, 2), (6, 9, 1)):
        for name, value in zip(("NEAR", "FURTHER", "PROMISING"), bounds, strict=True):
            monkeypatch.setattr(searching, name, value)
        for sort in ("-reference", "reference", "title", "-updated", "due", "-risk"):
            wanted = [one.pk for one in in_order(_filtered("boil"), filters.SORTS[sort])]
            assert len(wanted) == 6
            shown, last = [], ""
            for page in _pages("boil", sort):
                shown += [one.pk for one in page]
                last = page.previous
            assert shown == wanted, (bounds, sort)
            back = _page(Change.objects.all(), "boil", sort, last, size=2)
            assert [one.pk for one in back] == wanted[2:4], (bounds, sort)


def _pages(text: str, sort: str) -> Iterator[Any]:
    """Every page of what a search finds, two rows each."""
    token = ""
    while page := _page(Change.objects.all(), text, sort, token, size=2):
        yield page
        token = page.next
        if not token:
            break


def plan(text: str, count: int) -> str:
    """How PostgreSQL finds the first rows, with what it carried out."""
    order = filters.SORTS["-reference"]
    choose = searching.first_with(Words(text))
    sql, params = choose(Change.objects.all(), order, True, count).as_sql(None, connection)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS off, TIMING off) {sql[1:-1]}", params)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_common_words_ask_no_index_and_rare_ones_look_at_few_rows(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "NEAR", 3)
    for number in range(5):
        submitted(cast, title=f"Boiler {number}")
    common, rare = plan("boil", count=2), plan("zzzyqx", count=2)
    index = "Bitmap Index Scan on changes_change_search"
    asked = next(line for line in common.splitlines() if index in line)
    assert "never executed" in asked
    assert "never executed" not in next(line for line in rare.splitlines() if index in line)
    assert "Rows Removed by Filter: 3" in rare
    assert "Bitmap Index Scan on changes_change_pieces" in plan("会议", count=2)


def test_the_scripts_of_the_search_are_those_of_its_index() -> None:
    migration = importlib.import_module("changes.migrations.0001_start")
    assert migration.UNSPACED.encode().decode("unicode_escape") == searching.UNSPACED


def similar(text: str) -> list[str]:
    """The titles that are shown when nothing contains a text."""
    return [one.title for one in selecting.similar_to(Change.objects.all(), text)]


def test_a_slip_is_found_among_the_newest_and_through_the_index(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted(cast, title="Inspect the boiler")
    submitted(cast, title="The boiler again")
    submitted(cast, title="Lift")
    for near, candidates, count in ((1000, 0, 2), (2, 0, 1), (1, 5, 2), (1, 1, 1)):
        monkeypatch.setattr(searching, "NEAR", near)
        monkeypatch.setattr(searching, "CANDIDATES", candidates)
        shown = similar("boilre")
        assert set(shown) <= {"Inspect the boiler", "The boiler again"}
        assert len(shown) == count
    monkeypatch.setattr(searching, "NEAR", 1000)
    assert similar("boilre inspect") == ["Inspect the boiler"]


def test_what_has_no_trigrams_has_nothing_compared(cast: Cast) -> None:
    submitted(cast)
    for text in ("会议室预约", "!!!", "%%", "''"):
        query = searching.similar_to(Change.objects.all(), text, 25).query
        sql, params = query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, COSTS off, TIMING off) {sql}", params)
            told = "\n".join(line for (line,) in cursor.fetchall())
        assert similar(text) == [], text
        assert "One-Time Filter: false" in told, text
