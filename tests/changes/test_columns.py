"""The columns of the list: all of them at once, for everybody, in any order and address.

Costs 4 s.
"""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils.html import strip_tags

from accounts.models import User
from accounts.roles import Role
from changes import columns, filters, lifecycle, orders, saved_views
from changes.models import Change, Channel, ListColumns, Release, SavedView, Service
from changes.templatetags.change_list import CELLS
from changes.views import lists
from changes.walking import Walked
from tests.people import Cast, person
from tests.remembered import remembered
from tests.stories import submitted

LIST = "/changes/"
VIEWS = "/changes/views/"
STAFF, CUSTOMERS = columns.written(columns.STAFF), columns.written(columns.CUSTOMERS)
EVERY = f"{STAFF}.{CUSTOMERS}"
USUAL = ["Reference", "Title", "State", "Type", "Asked by", "Owner", "Risk", "In state", "Due"]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@remembered
def full(cast: Cast) -> Change:
    """A change that has something to say in every column."""
    change = submitted(cast, title="The one with all")
    change.services.add(
        Service.objects.create(name="Alarms"), Service.objects.create(name="Space booking")
    )
    lifecycle.label(change, actor=cast.support, name="Rollout")
    since = datetime(2026, 2, 3, 12, tzinfo=UTC)
    Change.objects.filter(pk=change.pk).update(
        raised_by=cast.support, owner=cast.success, risk=4, urgency=3, type="code",
        channel=Channel.PHONE, due_on=date(2099, 5, 6), desired_on=date(2098, 7, 8),
        state_since=since, submitted_at=since + timedelta(days=40),
        closed_at=since + timedelta(days=80),
        release=Release.objects.create(name="Release Ostrich", planned_on=date(2099, 1, 1)),
    )  # fmt: skip
    return Change.objects.get(pk=change.pk)


SAYS = {
    "state": "Submitted",
    "type": "Code",
    "organisation": "Grace Requester Harbour Hospitals",
    "requester": "Grace Requester",
    "customer": "Harbour Hospitals",
    "words": "We received the request",
    "owner": "Cleo Success",
    "risk": "Critical",
    "since": "month",
    "due": "6 May 2099",
    "updated": "just now",
    "submitted": "15 Mar 2026",
    "closed": "24 Apr 2026",
    "desired": "8 Jul 2098",
    "urgency": "High",
    "services": "Alarms, Space booking",
    "release": "Release Ostrich",
    "raised_by": "Sam Support",
    "channel": "Phone",
    "labels": "Rollout",
}
"""What each column says of that change."""


def labels(columns_of: Any) -> list[str]:
    return ["Reference", "Title", *(str(one.label) for one in columns_of)]


def table(page: str) -> tuple[list[str], list[list[str]]]:
    """The headings and the rows of the list, as words, with the label of each cell."""
    words = [
        [
            unescape(" ".join(strip_tags(cell).split()))
            for cell in re.findall(r"<t[hd][ >].*?(?=<t[hd][ >]|</tr)", row)
        ]
        for row in re.findall(r"<tr.*?</tr>", page.replace("\n", " "))
    ]
    return (words[0], words[1:]) if words else ([], [])


def shown(client: Client, query: str) -> tuple[list[str], list[list[str]]]:
    answer = client.get(LIST + query)
    assert answer.status_code == 200, answer.content.decode()[:500]
    return table(answer.content.decode())


# Every column ---------------------------------------------------------------------------------


def test_every_column_is_drawn_for_those_who_have_it(cast: Cast) -> None:
    full(cast)
    every = {one.name for one in (*columns.STAFF, *columns.CUSTOMERS)}
    assert every == {*CELLS, "words"} == SAYS.keys()
    assert len(EVERY) < columns.LONGEST
    for who, mine in ((cast.tester, columns.STAFF), (cast.colleague, columns.CUSTOMERS)):
        client = signed_in(who)
        for order in (mine, mine[::-1], mine[:1], mine[-1:]):
            page = client.get(f"{LIST}?columns={columns.written(order)}").content.decode()
            headings, [row] = table(page)
            assert headings == labels(order)
            for column, words in zip(order, row[2:], strict=True):
                assert SAYS[column.name] in words, column.name
                assert f' data-label="{column.label}">' in page, column.name
        assert columns.usual(who) == mine[: len(columns.usual(who))]
    # An empty one is drawn too.
    Change.objects.update(
        owner=None, risk=None, urgency=None, type="", due_on=None, desired_on=None, release=None,
        submitted_at=None, closed_at=None,
    )  # fmt: skip
    Change.services.through.objects.all().delete()
    _headings, [row] = shown(signed_in(cast.tester), f"?columns={STAFF}")
    assert row.count("–") == 9 and "Nobody" in row


@pytest.mark.parametrize(
    ("who", "names", "queries"), [("tester", STAFF, 10), ("colleague", CUSTOMERS, 9)]
)
def test_what_rows_have_many_of_costs_one_query_more_each(
    cast: Cast, who: str, names: str, queries: int, django_assert_num_queries: Any
) -> None:
    """Of services and labels; and none for what the reader keeps, as the address says it."""
    full(cast)
    client = signed_in(cast.people[who])
    for _number in range(2):
        with django_assert_num_queries(queries):
            client.get(f"{LIST}?columns={names}")
        for _more in range(2):
            one = submitted(cast)
            one.services.set(Service.objects.all())


OTHER_WAY = {"ascending": "descending", "descending": "ascending"}


def test_each_order_that_a_heading_offers_shows_every_row_once(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways, page by page, while the columns stay as they were chosen.

    How those that are walked through go on to a second page, test_paging knows.
    """
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    keys = [full(cast).pk, *(submitted(cast, title=f"More {i % 2}").pk for i in range(3))]
    client, offers = signed_in(cast.tester), set()
    start = client.get(f"{LIST}?columns={STAFF}").context["columns"]
    for heading in start:
        address = heading.get("url", "")
        for _way in range(2 if address else 0):
            answer = client.get(LIST + address)
            here = {one["name"]: one for one in answer.context["columns"]}
            assert [*here] == [one["name"] for one in start]
            following = answer.context["next_url"]
            assert parse_qs(urlsplit(following).query)["columns"] == [STAFF]
            mine = here[heading["name"]]
            way = (heading["name"], mine["direction"])
            if isinstance(answer.context["form"].order, Walked):
                assert len({one.pk for one in answer.context["page"]} & {*keys}) == 2, address
                offers |= {way, (way[0], OTHER_WAY[way[1]])}
                break
            more = client.get(LIST + following)
            assert not more.context["next_url"]
            found = [one.pk for page in (answer, more) for one in page.context["page"]]
            assert sorted(found) == sorted(keys), address
            offers.add(way)
            address = mine["url"]
    shown_ones = (*columns.FIRST, *columns.STAFF)
    wanted = {one.name for one in shown_ones if one.sort}
    assert offers == {(name, way) for name in wanted for way in ("ascending", "descending")}
    used = {one.sort.lstrip("-") for one in (*shown_ones, *columns.CUSTOMERS)}
    assert used - {""} == {name.lstrip("-") for name in orders.SORTS}


@pytest.mark.parametrize("who", ["colleague", "nobody"])
def test_an_order_by_what_is_no_column_of_theirs_is_refused(cast: Cast, who: str) -> None:
    """It would tell what they may not read: also one that another person's view asks for."""
    full(cast)
    person_of = cast.people[who]
    theirs = {one.sort.lstrip("-") for one in (*columns.FIRST, *columns.offered(person_of))}
    refused = {name for name in orders.SORTS if name.lstrip("-") not in theirs}
    kept = {"-release", "release"} if who == "nobody" else {"owner", "-risk", "since", "state"}
    assert kept <= refused
    for name in orders.SORTS:
        form = filters.ChangeFilterForm(person_of, QueryDict(f"sort={name}"))
        assert form.is_valid() == (name not in refused), name
    page = signed_in(person_of).get(f"{LIST}?sort={min(refused)}")
    assert page.status_code == 400 and "Order: " in page.content.decode()


def test_nobody_reads_in_a_column_what_is_not_theirs(cast: Cast) -> None:
    """Whatever an address names: what only colleagues see is nowhere on a customer's page."""
    mine = full(cast)
    Change.objects.filter(pk=mine.pk).update(
        owner=person("Canary Owner", Role.CUSTOMER_SUCCESS), requester=cast.requester,
        raised_by=person("Canary Writer", Role.SUPPORT),
    )  # fmt: skip
    theirs = submitted(
        cast, title="Theirs", organisation=cast.meridian, requester=cast.stranger_customer
    )
    canaries = ("Canary", "Ostrich", "Critical", "Phone", "High")
    readers = "requester colleague approver stranger_customer support auditor nobody".split()
    for name in readers:
        who = cast.people[name]
        answer = signed_in(who).get(f"{LIST}?columns={EVERY}&choose=columns")
        page = answer.content.decode()
        headings, rows = table(page)
        mine_to_see = labels(columns.offered(who))
        assert not rows or sorted(headings) == sorted(mine_to_see), name
        body = " ".join(word for row in rows for word in row)
        if not who.is_internal:
            assert not any(one in body for one in canaries), name
            assert "Risk" not in page and "Owner" not in page and "Urgency" not in page, name
            both = {mine.reference in body, "Theirs" in body}
            assert both != {True} or who.approves_for_ids, name
        keys = {change.pk for change in answer.context["page"]}
        assert keys <= {mine.pk, theirs.pk}
    # Of releases, only those with a role know.
    Change.objects.filter(pk=mine.pk).update(requester=cast.nobody)
    headings, [row] = shown(signed_in(cast.nobody), f"?columns={STAFF}")
    assert "Release" not in headings and "Release Ostrich" not in row


# Addresses ------------------------------------------------------------------------------------

LOST = "This address asks for columns that do not exist for you, or no more."


ADDRESSES = {
    "owner.state": (["Owner", "State"], False),
    "owner.owner.state.owner": (["Owner", "State"], False),
    "owner.gone.state": (["Owner", "State"], True),
    "owner..state.": (["Owner", "State"], True),
    "reference.title.risk": (["Risk"], True),
    "words": (USUAL[2:], True),
    "Owner": (USUAL[2:], True),
    "...": (USUAL[2:], True),
    "<script>gone": (USUAL[2:], True),
    "owner." * 200_000: (USUAL[2:], True),
    "": (USUAL[2:], False),
}


def test_an_address_shows_the_columns_that_exist(cast: Cast) -> None:
    submitted(cast)
    client = signed_in(cast.tester)
    for asked, (found, is_lost) in ADDRESSES.items():
        answer = client.get(LIST, {"columns": asked})
        page, name = answer.content.decode(), asked[:40]
        assert table(page)[0][2:] == found, name
        assert (LOST in page) == is_lost, name
        assert len(page) < 60_000 and "gone" not in page, name
        kept = "" if found == USUAL[2:] else columns.written(answer.context["cells"])
        here = parse_qs(answer.context["here_url"][1:])
        assert here == ({"columns": [kept]} if kept else saved_views.EVERYTHING), name


def test_what_no_text_holds_is_refused(cast: Cast) -> None:
    assert signed_in(cast.tester).get(LIST, {"columns": "\x00"}).status_code == 400


def test_a_link_shows_others_the_same_and_filters_go_on_from_it(cast: Cast) -> None:
    submitted(cast)
    address = "?columns=due.owner&state=submitted&sort=-due"
    for who in (cast.tester, cast.support):
        assert shown(signed_in(who), address)[0][2:] == ["Due", "Owner"]
    answer = signed_in(cast.tester).get(LIST + address)
    page = answer.content.decode()
    assert '<input type="hidden" name="columns" value="due.owner">' in page
    [chip] = answer.context["form"].chips
    assert chip.without == "?sort=-due&columns=due.owner"
    assert answer.context["clear_url"] == "?sort=-due&columns=due.owner"
    assert all("columns=due.owner" in view["url"] for view in answer.context["views"])
    # With words that are in nothing, the closest titles have the columns as well.
    Change.objects.update(title="Rename the helpdesk")
    headings, [row] = shown(signed_in(cast.tester), "?q=helpdezk&columns=services.owner")
    assert headings[2:] == ["Affected services", "Owner"]


# The choice -----------------------------------------------------------------------------------


def test_each_press_of_the_choice_leads_where_it_says(cast: Cast) -> None:
    submitted(cast)
    client = signed_in(cast.tester)

    def after(address: str) -> list[str]:
        answer = client.get(LIST + address)
        assert 'id="columns-title"' in answer.content.decode()
        assert parse_qs(address[1:])["state"] == ["submitted"]
        return [one.name for one in answer.context["cells"]]

    assert 'id="columns-title"' not in client.get(LIST).content.decode()
    start = client.get(f"{LIST}?columns=state.owner.due&state=submitted&choose=columns")
    choosing = start.context["choosing"]
    assert "choose" not in start.context["here_url"]
    assert [after(one["left"]) for one in choosing["shown"]] == [
        ["owner", "due", "state"], ["owner", "state", "due"], ["state", "due", "owner"],
    ]  # fmt: skip
    assert [after(one["right"]) for one in choosing["shown"]] == [
        ["owner", "state", "due"], ["state", "due", "owner"], ["due", "state", "owner"],
    ]  # fmt: skip
    assert [after(one["without"]) for one in choosing["shown"]] == [
        ["owner", "due"], ["state", "due"], ["state", "owner"],
    ]  # fmt: skip
    assert after(choosing["others"][-1]["url"]) == ["state", "owner", "due", "customer"]
    assert len(choosing["others"]) == len(columns.STAFF) - 3
    assert after(choosing["usual"]) == [one.name for one in columns.usual(cast.tester)]
    one = client.get(f"{LIST}?columns=state&choose=columns")
    assert one.context["choosing"]["shown"][0]["without"] == ""  # at least one is shown


def test_somebody_keeps_columns_for_themselves(cast: Cast) -> None:
    submitted(cast)
    client = signed_in(cast.tester)
    keep = f"{LIST}columns/"
    answer = client.post(keep, {"columns": "due.gone.owner", "back": "?state=submitted"})
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?state=submitted")
    assert ListColumns.objects.get().names == "due.owner"
    for query in ("", "?state=submitted", "?q=rooms"):
        assert shown(client, query)[0][2:] == ["Due", "Owner"]
    assert client.get(LIST).context["here_url"] == "?view=open"
    assert shown(client, "?columns=risk")[0][2:] == ["Risk"]
    assert shown(client, f"?columns={columns.written(columns.usual(cast.tester))}")[0] == USUAL
    assert shown(signed_in(cast.support), "")[0] == USUAL
    assert client.get(keep).status_code == 405
    assert Client().post(keep, {"columns": "due"}).status_code == 302

    # What one of them became no more is left out; somebody of a customer has columns of theirs.
    ListColumns.objects.update(names="words.due")
    assert shown(client, "")[0][2:] == ["Due"]
    assert LOST not in client.get(LIST).content.decode()
    ListColumns.objects.update(names="gone")
    assert shown(client, "")[0] == USUAL

    # The usual ones, and what is none, end the choice; wherever one is led, it is the list.
    for names in (columns.written(columns.usual(cast.tester)), "", "gone", "x" * 1_000_000):
        lifecycle.keep_columns("due", actor=cast.tester)
        answer = client.post(keep, {"columns": names, "back": "https://elsewhere.example/?a=b"})
        assert answer["Location"].startswith(f"{LIST}?") and not ListColumns.objects.exists()
    assert client.post(keep, {"columns": "due", "back": "?q=" + "x" * 5000}).status_code == 400
    assert not ListColumns.objects.exists()


def test_a_view_keeps_columns_and_loses_those_that_are_gone(cast: Cast) -> None:
    submitted(cast)
    client = signed_in(cast.crb_member)
    page = client.get(f"{VIEWS}new/?columns=due.owner").content.decode()
    assert "Columns: <strong>Due, Owner</strong>" in page
    sent = {"name": "Late", "shared": "role:crb_member"}
    client.post(f"{VIEWS}new/?columns=due.gone.owner", sent)
    view = SavedView.objects.get()
    assert view.filters == {"columns": ["due.owner"]}
    # The view's come before the reader's own, and an order of theirs is a change against it.
    lifecycle.keep_columns("risk", actor=cast.chair)
    reader = signed_in(cast.chair)
    answer = reader.get(f"{LIST}?saved={view.pk}")
    assert table(answer.content.decode())[0][2:] == ["Due", "Owner"]
    assert answer.context["here_url"] == f"?saved={view.pk}"
    other = reader.get(f"{LIST}?saved={view.pk}&columns=owner.due")
    assert "Not as in “Late”" in other.content.decode()
    assert other.context["here_url"] == f"?saved={view.pk}&columns=owner.due"

    SavedView.objects.update(filters={"columns": ["due.gone.owner"], "state": ["submitted"]})
    answer = client.get(f"{LIST}?saved={view.pk}")
    page = answer.content.decode()
    assert table(page)[0][2:] == ["Due", "Owner"]
    assert "“Late” asks for something that does not exist for you, or no more (Columns)" in page
    assert LOST not in page and "gone" not in page
    SavedView.objects.update(filters={"columns": ["gone"]})
    assert shown(reader, f"?saved={view.pk}")[0][2:] == ["Risk"]
    SavedView.objects.update(filters={"state": ["submitted"]})
    assert shown(reader, f"?saved={view.pk}")[0][2:] == ["Risk"]
    # The file holds its own columns, whatever the list shows.
    file = b"".join(reader.get(f"{LIST}export/?columns=due&saved={view.pk}").streaming_content)
    assert b"Channel" in file.splitlines()[0]
