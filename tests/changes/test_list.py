"""All changes: every filter, every order, search, what the address holds, and its cost."""

import re
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from itertools import product
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organisation, User
from changes import filters, lifecycle, orders, selecting
from changes.models import Change, Service
from expansive_cm.ui.paging import in_order
from tests.people import Cast
from tests.stories import assessed, draft, in_authorisation, in_requirements, submitted

LIST = "/changes/"


@pytest.fixture
def sign_in(client: Client) -> Any:
    """Sign somebody in and return the client."""

    def enter(user: User) -> Client:
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return enter


def titles(client: Client, query: str = "", **headers: str) -> list[str]:
    """The titles that the list shows, in order."""
    response = client.get(LIST + query, headers=headers)
    assert response.status_code == 200, response.content.decode()[:500]
    return [change.title for change in response.context["page"]]


def set_fields(change: Change, **fields: Any) -> Change:
    """Write fields of a row that only time would bring about."""
    Change.objects.filter(pk=change.pk).update(**fields)
    return change


# What it costs ------------------------------------------------------------------------------


def test_cost_does_not_grow_with_rows(
    cast: Cast, sign_in: Any, django_assert_num_queries: Any
) -> None:
    costs = [
        ("support", "", 11),  # one of which asks whether they want all changes first
        ("support", "?view=open", 10),
        ("support", "?q=rooms&state=submitted&sort=-due", 17),
        ("success", "?view=waiting", 10),
        ("requester", "", 9),
    ]
    for rows in (1, 3):
        while Change.objects.count() < rows:
            submitted(cast)
        for who, query, queries in costs:
            client = sign_in(cast.people[who])
            with django_assert_num_queries(queries, info=f"{who} {query}, {rows} rows"):
                response = client.get(LIST + query)
            assert len(response.context["page"].rows) == rows


# Who sees what ------------------------------------------------------------------------------


def test_the_list_needs_somebody_signed_in(client: Client, db: None) -> None:
    assert client.get(LIST).status_code == 302


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_list_is_only_read(cast: Cast, sign_in: Any, method: str) -> None:
    assert getattr(sign_in(cast.support), method)(LIST).status_code == 405


def test_customers_see_their_own_in_plain_words(cast: Cast, sign_in: Any) -> None:
    submitted(cast, title="Ours")
    submitted(cast, title="Theirs", organisation=cast.meridian, requester=cast.stranger_customer)
    draft(cast, title="Somebody's draft")
    client = sign_in(cast.colleague)
    assert titles(client) == ["Ours"]
    page = client.get(LIST).content.decode()
    assert "We received the request on " in page
    assert titles(sign_in(cast.support), "?view=") == ["Somebody's draft", "Theirs", "Ours"]
    assert titles(sign_in(cast.auditor)) == ["Theirs", "Ours"]
    assert titles(sign_in(cast.nobody)) == []


def test_a_strangers_organisation_is_as_wrong_as_none(cast: Cast, sign_in: Any) -> None:
    team = cast.harbour.success_team
    third = Organisation.objects.create(name="Third", success_team=team)
    cast.meridian.approvers.add(cast.approver)
    submitted(cast, organisation=cast.meridian, requester=cast.stranger_customer, title="Theirs")
    client = sign_in(cast.approver)
    assert titles(client, f"?organisation={cast.meridian.pk}") == ["Theirs"]
    answers = [client.get(LIST, {"organisation": pk}) for pk in (third.pk, 999_999)]
    assert [answer.status_code for answer in answers] == [400, 400]
    said = [" ".join(answer.context["problems"]) for answer in answers]
    assert said[0].replace(str(third.pk), "N") == said[1].replace("999999", "N")


# Filters ------------------------------------------------------------------------------------


def test_each_filter_lets_through_what_it_says(cast: Cast, sign_in: Any) -> None:
    booking = Service.objects.create(name="Space booking")
    fresh = submitted(cast, title="Fresh")
    fresh.services.add(booking)
    old = in_authorisation(cast)
    set_fields(old, title="Old", state_since=timezone.now() - timedelta(days=40))
    code = in_requirements(cast)
    yesterday = timezone.localdate() - timedelta(days=1)
    set_fields(code, title="Code", due_on=yesterday, owner=None, risk=4)
    far = submitted(cast, title="Far", organisation=cast.meridian, requester=cast.stranger_customer)
    set_fields(far, updated_at=timezone.now() - timedelta(days=9))
    client = sign_in(cast.success)
    expected = {
        "state=submitted": ["Far", "Fresh"],
        "state=submitted&state=authorisation": ["Far", "Old", "Fresh"],
        "type=code": ["Code"],
        "type=none&type=code": ["Far", "Code", "Fresh"],
        f"organisation={cast.meridian.pk}": ["Far"],
        f"service={booking.pk}": ["Fresh"],
        "owner=me": ["Old"],
        f"owner={cast.success.pk}": ["Old"],
        "owner=none": ["Far", "Code", "Fresh"],
        "owner=none&owner=me": ["Far", "Code", "Old", "Fresh"],
        "risk=4": ["Code"],
        "age=30": ["Old"],
        "updated=7": ["Code", "Old", "Fresh"],
        "overdue=1": ["Code"],
        "view=open": ["Far", "Code", "Old", "Fresh"],
        "view=waiting": ["Fresh"],
        "view=mine": ["Old"],
        "view=watching": [],
        "state=submitted&risk=4": [],
        "sort=title": ["Code", "Far", "Fresh", "Old"],
        "sort=-risk&type=code&type=configuration": ["Code", "Old"],
    }
    found = {query: titles(client, f"?{query}") for query in expected}
    assert found == expected


def test_watching_shows_what_is_watched(cast: Cast, sign_in: Any) -> None:
    change = submitted(cast, title="Watched")
    submitted(cast, title="Not watched")
    lifecycle.watch(change, actor=cast.tester)
    assert titles(sign_in(cast.tester), "?view=watching") == ["Watched"]


def test_chips_name_each_filter_and_take_it_away(cast: Cast, sign_in: Any) -> None:
    query = "?q=rooms&state=submitted&state=review&overdue=1&sort=-due"
    chips = sign_in(cast.support).get(LIST + query).context["form"].chips
    assert [(str(chip.label), str(chip.value)) for chip in chips] == [
        ("Search", "“rooms”"),
        ("State", "Submitted"),
        ("State", "Customer success review"),
        ("Overdue", ""),
    ]
    assert chips[1].without == "?q=rooms&sort=-due&state=review&overdue=1"


WRONG = [
    "state=nowhere",
    "risk=9",
    "risk=high",
    "organisation=999999",
    "organisation=1%27%20OR%201=1",
    "owner=99999999999999999999",
    "service=x",
    "age=1",
    "sort=description",
    "sort=owner__password",
    "view=all",
    "page=forged",
    "page=" + "x" * 3000,
    "q=" + "x" * 201,
]


def test_a_wrong_address_gets_a_sentence(cast: Cast, sign_in: Any) -> None:
    client = sign_in(cast.support)
    for query in WRONG:
        response = client.get(f"{LIST}?{query}")
        assert response.status_code == 400, query
        assert "The address asks for something" in response.content.decode(), query
        for address in (f"{LIST}export/?{query}", f"{LIST}?{query}"):
            if "page=" not in query or "export" not in address:
                answer = client.get(address, headers={"HX-Request": "true"})
                assert answer.status_code == 400, address


def test_nul_in_the_search_is_refused(cast: Cast, sign_in: Any) -> None:
    assert sign_in(cast.support).get(f"{LIST}?q=a%00b").status_code == 400


# Search -------------------------------------------------------------------------------------


BEGINNINGS = {
    "rooms": ["Let night staff book meeting rooms"],
    "ROOM": ["Let night staff book meeting rooms"],
    "meet roo": ["Let night staff book meeting rooms"],
    "booking hours": ["Let night staff book meeting rooms"],
    "rooms boiler": [],
    "boiler": ["Show the boiler's temperature"],
    "boiler's": ["Show the boiler's temperature"],
    "4.12": ["Show the boiler's temperature"],
    "pressure": ["Show the boiler's temperature"],
}


def test_words_are_found_by_their_beginnings(cast: Cast, sign_in: Any) -> None:
    submitted(cast)
    submitted(cast, title="Show the boiler's temperature", description="Pressure since 4.12 too.")
    client = sign_in(cast.support)
    for text, found in BEGINNINGS.items():
        response = client.get(LIST, {"q": text})
        assert not response.context["similar"] or not found, text
        if found:
            assert [change.title for change in response.context["page"]] == found, text


def test_a_slip_finds_the_closest_titles(cast: Cast, sign_in: Any) -> None:
    submitted(cast, title="Rename the helpdesk")
    submitted(cast, title="Inspect the boiler")
    response = sign_in(cast.support).get(LIST, {"q": "boilre inspect"})
    assert response.context["similar"] is True
    assert [change.title for change in response.context["page"]] == ["Inspect the boiler"]
    assert "Nothing contains “boilre inspect”" in response.content.decode()
    assert titles(sign_in(cast.stranger_customer), "?q=boilre") == []


def test_no_text_breaks_the_search(cast: Cast, sign_in: Any) -> None:
    submitted(cast)
    odd = ["'", "\\", "' & '", "!!!", "a:*", "<->", "(", "the", "%", "''''x"]
    support = sign_in(cast.support)
    support.raise_request_exception = False
    broken = [
        (page, text)
        for page, text in product((LIST, f"{LIST}export/"), odd)
        if support.get(page, {"q": text}).status_code != 200
    ]
    assert broken == []


def test_a_reference_leads_straight_to_its_change(cast: Cast, sign_in: Any) -> None:
    change = submitted(cast)
    forms = ["CR-{:06d}", "cr{}", "{}", " cr-{} ", "CR-0000{}"]
    texts = [form.format(change.pk) for form in forms]
    requester = sign_in(cast.requester)
    for text in texts:
        response = requester.get(LIST, {"q": text})
        assert response.status_code == 302, text
        assert response["Location"] == change.get_absolute_url(), text
        assert titles(requester, f"?q={text.strip()}", **{"HX-Request": "true"}), text
    stranger = sign_in(cast.stranger_customer)
    for text in (*texts, "CR-999999"):
        hidden = stranger.get(LIST, {"q": text})
        assert (hidden.status_code, len(hidden.context["page"])) == (200, 0), text


@pytest.mark.parametrize("sort", ["due", "-due"])
def test_what_is_late_is_read_through_its_own_index(cast: Cast, sign_in: Any, sort: str) -> None:
    """In either order by due date, without what is closed or not due."""
    today = timezone.localdate()
    for days in (2, 1, 3, -1, None):
        due = None if days is None else today - timedelta(days=days)
        set_fields(submitted(cast, title=f"{days}"), due_on=due)
    shown = titles(sign_in(cast.support), f"?overdue=1&sort={sort}")
    assert shown == (["3", "2", "1"] if sort == "due" else ["1", "2", "3"])
    form = filters.ChangeFilterForm(cast.support, QueryDict(f"overdue=1&sort={sort}"))
    assert form.is_valid()
    rows = in_order(selecting.select(cast.support, form.cleaned_data), form.order)[:2]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    assert "using changes_change_late" in rows.explain()
    assert "Sort" not in rows.explain()


def test_days_due_and_promised_are_asked_for_as_ranges(cast: Cast, sign_in: Any) -> None:
    today = date(2026, 5, 13)  # a Wednesday
    for due in (date(2026, 5, 10), date(2026, 5, 11), date(2026, 5, 17), date(2026, 5, 18), None):
        title = f"{due:%d}" if due else "none"
        made = datetime(2026, 3, due.day if due else 1, 23, 30, tzinfo=UTC)
        promise = {"promise": "twelve_months", "promised_at": made} if due else {}
        set_fields(submitted(cast, title=title), due_on=due, **promise)
    expected = {
        "due=week": ["17", "11"],
        "due=next_week": ["18"],
        "due=month": ["18", "17", "11", "10"],
        "due_from=2026-05-11": ["18", "17", "11"],
        "due_to=2026-05-11": ["11", "10"],
        "due_from=2026-05-11&due_to=2026-05-17&sort=due": ["11", "17"],
        "due_from=2026-05-11&due_to=2026-05-17&sort=-due": ["17", "11"],
        "due=week&due_to=2026-05-11": ["11"],
        "due_from=2000-01-01&due_to=2100-12-31": ["18", "17", "11", "10"],
        "promised_from=2026-03-11&promised_to=2026-03-17": ["17", "11"],
        "promised_to=2026-03-10": ["10"],
        "promised_from=2026-03-18": ["18"],
    }
    with time_machine.travel(datetime.combine(today, time(12), UTC)):
        for who in (cast.support, cast.requester):
            client = sign_in(who)
            found = {query: titles(client, f"?{query}") for query in expected}
            assert found == expected, who
            words = client.get(f"{LIST}?due=week&due_from=2026-05-11").context
            chips = [(str(one.label), str(one.value)) for one in words["form"].chips]
            by = "Due" if who.is_internal else "Promised by"
            assert chips == [(by, "This week"), (f"{by} (from)", "11 May 2026")]
            assert words["here_url"] == "?due=week&due_from=2026-05-11"
            for sort in ("due", "-due"):  # pages go on where the last one ended
                pages, address = [], f"?due_from=2026-05-11&sort={sort}"
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr("changes.views.lists.PAGE_SIZE", 1)
                    while address:
                        shown = client.get(LIST + address).context
                        pages += [one.title for one in shown["page"]]
                        address = shown["next_url"]
                wanted = ["11", "17", "18"]
                assert pages == (wanted if sort == "due" else wanted[::-1])


WRONG_DAYS = {
    "due_from=yesterday": ("due_from", "Write the day as in 2026-05-31."),
    "due_to=2026-02-30": ("due_to", "Write the day as in 2026-05-31."),
    "promised_from=0001-01-01": ("promised_from", "Give a day between 2000 and 2100."),
    "promised_to=9999-12-31": ("promised_to", "Give a day between 2000 and 2100."),
    "due_from=2026-05-02&due_to=2026-05-01": ("due_to", "This day is before the first one."),
    "due_from=" + "9" * 100_000: ("due_from", "Write the day as in 2026-05-31."),
}


def test_what_is_wrong_with_a_day_stands_beside_it(cast: Cast, sign_in: Any) -> None:
    submitted(cast, title="New")
    client = sign_in(cast.support)
    for query, (name, words) in WRONG_DAYS.items():
        for headers, status in (({}, 400), ({"HX-Request": "true"}, 422)):
            answer = client.get(f"{LIST}?state=submitted&{query}", headers=headers)
            page = answer.content.decode()
            assert answer.status_code == status and len(page) < 60_000, query[:40]
            label = filters.ChangeFilterForm.base_fields[name].label
            place = f'id="{name.partition("_")[0]}-wrong" role="alert">'
            assert f"{place}{label}: {words} </p>" in page
            assert page.count(words) == 1 and "A day is not right" in page and ">New<" not in page
            assert 'name="state" value="submitted" checked' in page  # the other filters stay
            assert "HX-Push-Url" not in answer
        assert client.get(f"{LIST}export/?{query}").status_code == 400


def test_an_index_finds_the_days_and_has_them_in_order(cast: Cast) -> None:
    indexes = {
        "due_from=2026-05-11&due_to=2026-05-12&sort=due": ["changes_change_due"],
        "due_from=2026-05-11&sort=-due": ["changes_change_due"],
        "due_to=2026-05-12": ["changes_change_due"],
        "promised_from=2026-05-11&promised_to=2026-05-12": ["changes_promise_made"],
    }
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    for query, names in indexes.items():
        form = filters.ChangeFilterForm(cast.support, QueryDict(query))
        assert form.is_valid()
        rows = selecting.select(cast.support, form.cleaned_data)
        is_sorted = "sort" in query
        plan = (in_order(rows, form.order) if is_sorted else rows.order_by())[:51].explain()
        assert any(f"using {name}" in plan for name in names), plan
        assert "Index Cond" in plan, plan
        if is_sorted:
            assert "Sort" not in plan, plan


# The way back -------------------------------------------------------------------------------


def way_back(client: Client, address: str, **headers: str) -> str:
    """Where the first of the links above a page, "Changes", leads to."""
    page = client.get(address, headers=headers).content.decode()
    found = re.search(r'breadcrumb-item"><a href="([^"]*)">Changes</a>', page)
    assert found, address
    return unescape(found[1])


def test_the_way_back_from_a_change_keeps_filters_order_and_page(
    cast: Cast, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("changes.views.lists.PAGE_SIZE", 1)
    one, other = submitted(cast), submitted(cast)
    client = sign_in(cast.success)
    asked = client.get(f"{LIST}?state=submitted&q=&sort=title").context["next_url"]
    assert client.get(LIST + asked).context["here_url"] == asked
    change, step = one.get_absolute_url(), f"{one.get_absolute_url()}assess/"
    for address in (change, step, f"{change}history/"):
        assert way_back(client, address) == LIST + asked, address
    # With two windows open it is the list that this one came from.
    before = f"http://testserver{LIST}?view=open&type=code"
    assert way_back(client, change, referer=before) == f"{LIST}?view=open&type=code"
    for elsewhere in (f"http://elsewhere.example{LIST}?q=x", "http://testserver/?q=x", "http://["):
        assert way_back(client, other.get_absolute_url(), referer=elsewhere) == LIST + asked
    # By htmx the address is that of the list as it became, and a view stays the view.
    client.get(f"{LIST}?q=rooms&view=", headers={"HX-Request": "true"})
    assert way_back(client, change) == f"{LIST}?q=rooms"

    # Nobody goes on with another's list; what is too long, or no query, leads to the whole list.
    kept = client.cookies["changes_list"].value
    assert (
        client.cookies["changes_list"]["httponly"] and not client.cookies["changes_list"]["max-age"]
    )
    client.logout()
    client = sign_in(cast.support)
    for spoiled in (kept, f"{cast.support.pk}?q=\n", f"{cast.support.pk}/x?q", "?q=1", "x" * 5000):
        client.cookies["changes_list"] = spoiled
        assert way_back(client, change) == LIST, spoiled
    client.get(LIST, {"asked_by": "x" * 200, "q": "ü" * 200})
    assert way_back(client, change) == LIST
    client.get(LIST)
    assert way_back(client, change) == f"{LIST}?view=open"
    client.get(f"{LIST}?state=nowhere")  # a list that there is not is none to go back to
    assert way_back(client, change) == f"{LIST}?view=open"


# The page -----------------------------------------------------------------------------------


def test_htmx_gets_the_part_that_differs(cast: Cast, sign_in: Any) -> None:
    submitted(cast)
    client = sign_in(cast.support)
    query = "?q=&state=submitted&view=&sort=-updated&overdue="
    response = client.get(LIST + query, headers={"HX-Request": "true"})
    page = response.content.decode()
    assert page.lstrip().startswith('<div id="list"') and "<html" not in page
    assert response["HX-Push-Url"] == f"{LIST}?sort=-updated&state=submitted"
    assert "HX-Request" in response["Vary"]
    restored = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in client.get(LIST + query, headers=restored).content.decode()
    assert client.get(LIST + query).status_code == 200


def test_pages_keep_the_filters(cast: Cast, sign_in: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("changes.views.lists.PAGE_SIZE", 2)
    for number in range(5):
        submitted(cast, title=f"Request {number}")
    client = sign_in(cast.support)
    response = client.get(f"{LIST}?state=submitted&sort=title")
    assert [change.title for change in response.context["page"]] == ["Request 0", "Request 1"]
    response = client.get(LIST + response.context["next_url"])
    assert [change.title for change in response.context["page"]] == ["Request 2", "Request 3"]
    assert response.context["next_url"].startswith("?sort=title&state=submitted&page=")
    assert "Page 2: 2 changes, more follow" in response.content.decode()
    response = client.get(LIST + response.context["previous_url"])
    assert [change.title for change in response.context["page"]] == ["Request 0", "Request 1"]


def test_headings_sort_and_turn_round(cast: Cast, sign_in: Any) -> None:
    submitted(cast)
    client = sign_in(cast.support)
    columns = {one["name"]: one for one in client.get(f"{LIST}?q=").context["columns"]}
    assert columns["due"]["url"] == "?sort=due"
    assert columns["owner"]["url"] == "?sort=owner"
    assert "url" not in client.get(f"{LIST}?columns=services&q=").context["columns"][-1]
    assert (columns["reference"]["direction"], columns["reference"]["url"]) == (
        "descending",
        "?sort=reference",
    )
    columns = {one["name"]: one for one in client.get(LIST).context["columns"]}
    assert columns["due"]["url"] == "?view=open&sort=due"
    columns = {one["name"]: one for one in client.get(f"{LIST}?sort=due").context["columns"]}
    assert (columns["due"]["direction"], columns["due"]["url"]) == ("ascending", "?sort=-due")


def test_empty_lists_say_why(cast: Cast, sign_in: Any) -> None:
    client = sign_in(cast.support)
    assert "Nothing is open" in client.get(LIST).content.decode()
    assert "No changes here yet" in client.get(f"{LIST}?view=").content.decode()
    assert "Nothing matches these filters" in client.get(f"{LIST}?q=x").content.decode()
    # Whoever looks for what has ended among what is open is led to it, with the same filters.
    page = client.get(f"{LIST}?view=open&state=closed").content.decode()
    assert "Nothing open matches these filters" in page
    assert re.search(r'href="\?state=closed"[^>]*>.*Look among all changes', page)
    assert "Nothing waits on you" in client.get(f"{LIST}?view=waiting").content.decode()


def test_a_row_shows_what_matters(cast: Cast, sign_in: Any) -> None:
    change = assessed(cast, "code", title="<b>Bold</b>")
    set_fields(change, due_on=timezone.localdate() - timedelta(days=3))
    page = sign_in(cast.support).get(LIST).content.decode()
    row = page.split("<tr>")[2].split("</tr>")[0]
    for text in (
        change.reference,
        "&lt;b&gt;Bold&lt;/b&gt;",
        "Change Request Board",
        "Code",
        "Harbour Hospitals",
        "Cleo Success",
        "Moderate",
        "overdue",
        reverse("changes:detail", args=[change.pk]),
    ):
        assert text in row, text


def test_every_order_is_offered_by_name_only() -> None:
    assert {name.lstrip("-") for name in orders.SORTS} == {
        "reference",
        "title",
        "risk",
        "since",
        "updated",
        "due",
        "requester",
        "owner",
        "raised_by",
        "organisation",
        "release",
        "state",
        "type",
        "submitted",
        "closed",
        "desired",
        "urgency",
        "channel",
    }
    assert orders.SORTED_BY.keys() == {name.lstrip("-") for name in orders.SORTS}
