"""Pages by keyset: nothing repeats, nothing is lost, whatever others add meanwhile."""

import itertools
from datetime import date, timedelta
from typing import Any

import pytest
from django.core import signing
from django.db import connection
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from changes import orders, searching, walking
from changes.models import Change, Release
from expansive_cm.ui import paging
from expansive_cm.ui.paging import BadToken, Order, Page, page_of
from tests.people import Cast, person
from tests.stories import draft

DUE = [None, date(2026, 3, 1), date(2026, 3, 1), None, date(2027, 1, 1), date(2026, 3, 1), None]


WALKED = {name: one for name, one in orders.SORTS.items() if isinstance(one, walking.Walked)}


@pytest.fixture
def changes(cast: Cast) -> list[Change]:
    """Seven changes with equal titles, equal dates and gaps."""
    found = []
    for number, due in enumerate(DUE):
        change = draft(cast, title=f"Request {number // 3}")
        risk = None if number % 3 == 0 else number % 3
        since = timezone.now() - timedelta(days=number // 2)
        Change.objects.filter(pk=change.pk).update(due_on=due, risk=risk, state_since=since)
        found.append(change)
    return found


@pytest.fixture
def mixed(changes: list[Change], cast: Cast) -> None:
    """The same seven of several people, customers and kinds, and of nobody."""
    twin = person("Twin", Role.CUSTOMER_SUCCESS)
    User.objects.filter(pk=twin.pk).update(display_name=cast.success.display_name)
    User.objects.filter(pk=cast.developer.pk).update(display_name="")
    one_day = timezone.now()
    people = [cast.success, None, twin, cast.developer, cast.success, None, twin]
    releases = [
        Release.objects.create(name=day, planned_on=day) for day in ("2026-10-01", "2026-09-01")
    ]
    for number, (change, one) in enumerate(zip(changes, people, strict=True)):
        Change.objects.filter(pk=change.pk).update(
            owner=one,
            raised_by=people[-number] or cast.support,
            requester=one,
            organisation=(cast.harbour, cast.meridian, None)[number % 3],
            release=[*releases, None][number % 3],
            type=("code", "", "configuration")[number // 3],
            closed_at=None if number % 3 == 1 else one_day + timedelta(days=number // 4),
        )


def walk(order: Order, size: int) -> list[Page[Change]]:
    """Press "next" until the end."""
    pages = [page_of(Change.objects.all(), order, size=size)]
    while pages[-1].next:
        pages.append(page_of(Change.objects.all(), order, pages[-1].next, size))
    return pages


def pks(page: Page[Change]) -> list[int]:
    return [change.pk for change in page]


@pytest.mark.parametrize("name", sorted(orders.SORTS.keys() - WALKED))
def test_every_order_walks_every_row_once_and_back(changes: list[Change], name: str) -> None:
    order = orders.SORTS[name]
    whole = pks(page_of(Change.objects.all(), order, size=50))
    assert sorted(whole) == sorted(change.pk for change in changes)
    pages = walk(order, 2)
    assert [pk for page in pages for pk in pks(page)] == whole
    assert [page.number for page in pages] == [1, 2, 3, 4]
    for earlier, later in zip(pages, pages[1:], strict=False):
        back = page_of(Change.objects.all(), order, later.previous, 2)
        assert (pks(back), back.number) == (pks(earlier), earlier.number)


def test_walking_through_people_finds_the_rows_of_the_plain_order(
    mixed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the first rows fill a page or others must be looked for; forwards and back."""
    bounds = itertools.cycle([(1, 1, 1), (2, 3, 20), (3, 100, 2)])
    choose, rows = searching.first_with(), Change.objects.exclude(risk=1)
    others = ("requester", "-organisation", "release", "-type", "closed", "-closed")
    for name, (near, further, people) in zip(
        [*("owner", "-owner") * 3, *others], bounds, strict=False
    ):
        order = WALKED[name]
        monkeypatch.setattr(searching, "WALKED", (near, further))
        monkeypatch.setattr(walking, "GROUPS", people)
        plain = [one.pk for one in paging.in_order(rows, order)]
        pages = [page_of(rows, order, size=2, choose=choose)]
        while pages[-1].next:
            pages.append(page_of(rows, order, pages[-1].next, 2, choose=choose))
        assert [pk for page in pages for pk in pks(page)] == plain, name
        for earlier, later in itertools.pairwise(pages):
            back = page_of(rows, order, later.previous, 2, choose=choose)
            assert pks(back) == pks(earlier), name


def test_people_are_in_the_order_of_their_names_and_nobody_comes_last(mixed: None) -> None:
    names = {one.owner_id: str(one.owner) for one in Change.objects.select_related("owner")}
    for name in ("owner", "-owner"):
        rows = paging.in_order(Change.objects.all(), orders.SORTS[name])
        seen = [names[one.owner_id].upper() for one in rows if one.owner_id]
        assert seen == sorted(seen, reverse=name == "-owner")
        assert [one.owner_id for one in rows][-2:] == [None, None]


def test_people_are_walked_through_by_indexes(mixed: None) -> None:
    """By one on their names and one on the changes of each, with nothing sorted as a whole."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        for name in ("owner", "-requester"):
            order = orders.SORTS[name]
            assert isinstance(order, walking.Walked)
            sql = order.ahead(order.descending, 2)
            cursor.execute(f"EXPLAIN {sql.sql}", sql.params)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "accounts_user_sorted" in plan and "Sort" not in plan.split("InitPlan")[0], plan
            assert f"changes_change_{name.lstrip('-')}" in plan, plan


def test_nulls_come_last_both_ways(changes: list[Change]) -> None:
    for name in ("due", "-due"):
        dates = [change.due_on for change in page_of(Change.objects.all(), orders.SORTS[name])]
        assert dates[4:] == [None, None, None]
        assert dates[:4] == sorted(dates[:4], reverse=name == "-due")
    risks = [change.risk for change in page_of(Change.objects.all(), orders.SORTS["-risk"])]
    assert risks == [2, 2, 1, 1, None, None, None]


def test_ties_are_settled_by_number(changes: list[Change]) -> None:
    titles = page_of(Change.objects.all(), orders.SORTS["title"])
    assert pks(titles) == [change.pk for change in changes]


def test_rows_added_meanwhile_neither_repeat_nor_hide_one(
    changes: list[Change], cast: Cast
) -> None:
    newest_first = orders.SORTS["-reference"]
    first = page_of(Change.objects.all(), newest_first, size=3)
    for number in range(4):
        draft(cast, title=f"Newer {number}")
    second = page_of(Change.objects.all(), newest_first, first.next, 3)
    assert pks(first) + pks(second) == [change.pk for change in reversed(changes)][:6]
    back = page_of(Change.objects.all(), newest_first, second.previous, 3)
    assert pks(back) == pks(first)
    assert back.previous, "newer changes lie before this page now"


def test_going_back_to_the_start_gives_a_full_page(changes: list[Change]) -> None:
    order = orders.SORTS["reference"]
    second = page_of(
        Change.objects.all(), order, page_of(Change.objects.all(), order, size=2).next, 2
    )
    back = page_of(Change.objects.all(), order, second.previous, 5)
    assert (len(back), back.number, back.previous) == (5, 1, "")


def test_a_place_whose_rows_are_gone_leads_to_the_first_page(changes: list[Change]) -> None:
    order = orders.SORTS["reference"]
    token = paging.token_at(order, changes[-1], 9)
    page = page_of(Change.objects.all(), order, token, 3)
    assert (pks(page), page.number) == ([change.pk for change in changes[:3]], 1)


def test_a_place_in_another_order_is_refused(changes: list[Change]) -> None:
    token = page_of(Change.objects.all(), orders.SORTS["title"], size=2).next
    with pytest.raises(BadToken):
        page_of(Change.objects.all(), orders.SORTS["due"], token, 2)


@pytest.mark.parametrize(
    "forged",
    [
        "x",
        "\x00",
        "é" * 50,
        "x" * 100_000,
        "a:b",
        signing.Signer(salt="other").sign_object(["-reference", 0, None, 1, 1]),
        paging.SIGNER.sign_object("a sentence"),
        paging.SIGNER.sign_object(["due", 0, "31 February", 1, 2]),
        paging.SIGNER.sign_object(["due", 0, None]),
        paging.SIGNER.sign_object({"due": 1}),
    ],
)
def test_forged_places_are_refused(db: None, forged: str) -> None:
    with pytest.raises(BadToken):
        page_of(Change.objects.all(), orders.SORTS["due"], forged)


def test_one_query_a_page(changes: list[Change], django_assert_num_queries: Any) -> None:
    order = orders.SORTS["-updated"]
    with django_assert_num_queries(1):
        first = page_of(Change.objects.all(), order, size=2)
    with django_assert_num_queries(1):
        page_of(Change.objects.all(), order, first.next, 2)
