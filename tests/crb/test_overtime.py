"""The pages of the board over time: every figure leads to exactly the rows that it counts."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.db import transaction
from django.http import QueryDict
from django.test import Client

from accounts.models import User
from changes import lifecycle as change_lifecycle
from changes.models import Change, Question
from crb import periods
from crb.forms.overtime import AttendanceFilterForm, DecisionFilterForm
from crb.lifecycle import close_meeting
from crb.models import Absence, AgendaItem, Board, Meeting
from tests.crb.conftest import Table, new_board
from tests.crb.history import TODAY, half_a_year

pytestmark = pytest.mark.django_db
FILTERS: dict[str, Any] = {"decisions": DecisionFilterForm, "attendance": AttendanceFilterForm}
PAGES = ("overtime", "decisions", "decisions/export", "questions", "attendance")


@pytest.fixture
def told(table: Table) -> Iterator[dict[str, Change]]:
    changes = half_a_year(table)
    with time_machine.travel(TODAY, tick=False):
        yield changes


def get(client: Client, user: User, address: str) -> Any:
    client.force_login(user)
    return client.get(address)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def rows(client: Client, user: User, address: str) -> list[Any]:
    """The rows of the list at an address, all of which are on its first page."""
    answer = get(client, user, address)
    assert answer.status_code == 200, address
    assert not answer.context["next_url"]
    return list(answer.context["rows"])


def counted_at(table: Table, address: str) -> int:
    """How many rows the filters in an address of one of the lists let through."""
    parts = urlsplit(address)
    name, query = parts.path.rstrip("/").rpartition("/")[2], QueryDict(parts.query)
    assert query["board"] == str(table.board.pk)
    form = FILTERS[name](table.board, query)
    assert form.is_valid(), address
    return (form.select(table.chair) if name == "decisions" else form.select()).count()


# Who sees it


def statuses(client: Client, user: User) -> dict[str, int]:
    """What somebody is answered on each of these pages."""
    client.force_login(user)
    return {name: client.get(f"/board/{name}/").status_code for name in PAGES}


def test_own_people_see_every_page(client: Client, table: Table) -> None:
    for part in ("chair", "crb_member", "support", "developer", "auditor"):
        found = statuses(client, getattr(table.cast, part))
        assert found == dict.fromkeys(PAGES, 200), part


def test_for_others_there_is_no_such_page(client: Client, table: Table) -> None:
    for part in ("requester", "approver", "stranger_customer", "nobody"):
        found = statuses(client, getattr(table.cast, part))
        assert found == dict.fromkeys(PAGES, 404), part


def test_visitors_sign_in_and_nothing_is_posted(client: Client, table: Table) -> None:
    for name in PAGES:
        assert client.get(f"/board/{name}/").status_code == 302, name
    client.force_login(table.chair)
    for name in PAGES:
        assert client.post(f"/board/{name}/").status_code == 405, name


def test_a_board_that_is_not_there(client: Client, table: Table) -> None:
    for name in PAGES:
        assert get(client, table.chair, f"/board/{name}/?board=999").status_code == 404, name
    Board.objects.update(is_active=False)
    assert statuses(client, table.chair) == dict.fromkeys(PAGES, 404)


# Figures and the lists behind them


def test_each_headline_figure_is_the_number_of_rows_behind_it(
    client: Client, table: Table, told: dict[str, Change]
) -> None:
    stats = get(client, table.chair, "/board/").context["stats"]
    shown = {stat.label: (str(stat.value), stat.note) for stat in stats}
    assert shown == {
        "Decisions": ("8", "every outcome, in the last 12 months"),
        "Days to a decision": ("18.5", "median; nine in ten within 59.5"),
        "Unanswered questions": ("1", "the oldest since 2\xa0months"),
        "Attendance": ("62 %", "16 of 26 seats taken"),
        "Promises overdue now": ("1", "of 3 open promises, whenever made"),
    }
    behind = {stat.label: len(rows(client, table.chair, stat.url)) for stat in stats}
    assert behind == {
        "Decisions": 8,
        "Days to a decision": 6,
        "Unanswered questions": 1,
        "Attendance": 4,
        "Promises overdue now": 1,
    }


def test_the_page_names_no_two_figures_alike_and_nobody_for_a_vote(
    client: Client, table: Table, told: dict[str, Change]
) -> None:
    """Ben voted on everything; the pages name him for his attendance only."""
    for name in ("decisions", "questions", "decisions/export"):
        answer = get(client, table.cast.support, f"/board/{name}/")
        content = b"".join(answer) if answer.streaming else answer.content
        assert b"Ben Board" not in content
    assert "Ben Board" in text(get(client, table.cast.support, "/board/overtime/"))
    answer = get(client, table.chair, "/board/overtime/?months=3")
    context = answer.context
    names = [str(stat.label) for stat in context["stats"]]
    names += [str(label) for label, _number, _url in context["promises"]]
    assert len(set(names)) == len(names)
    assert [name for name in names if "verdue" in name] == [
        "Promises overdue now",
        "Overdue, of this period",
    ]
    assert "settle" not in text(answer).replace("outcome=settled", "")


def test_each_figure_over_time_is_the_number_of_rows_behind_it(
    client: Client, table: Table, told: dict[str, Change]
) -> None:
    """Each row behind a figure of the shortest period is looked at; then they are counted.

    What is counted are the rows that the list's own filters let through.
    """
    decided = {3: 4, 6: 8, 12: 8}
    assert set(decided) == set(periods.PERIODS)
    behind: dict[str, int] = {}

    def leads_to(number: int, link: str) -> bool:
        if link not in behind:  # the same link may stand in several periods
            counted = counted_at(table, link)
            shown = len(rows(client, table.chair, link)) if months == min(decided) else counted
            assert shown == counted, link
            behind[link] = counted
        return behind[link] == number

    for months in sorted(periods.PERIODS):
        context = get(client, table.chair, f"/board/overtime/?months={months}").context
        counted = 0
        for series in context["outcomes"].series:
            for value, link in zip(series.values, series.links, strict=True):
                assert leads_to(value, link), link
                counted += value
        assert counted == decided[months], months
        *_percentiles, settled = context["durations"].series
        for value, link in zip(settled.values, settled.links, strict=True):
            assert leads_to(value, link), link
        for row in context["members"]:
            member = row.member
            assert leads_to(member.held, row.held_url), row.held_url
            assert leads_to(member.present, row.present_url), row.present_url
            assert leads_to(member.alternate, row.alternate_url), row.alternate_url
            assert leads_to(member.absent, row.absent_url), row.absent_url
        for _state, number, url in context["promises"]:
            assert leads_to(number, url), url


def test_charts_have_their_tables_and_the_slowest_tenth_a_list(
    client: Client, table: Table, told: dict[str, Change]
) -> None:
    page = get(client, table.chair, "/board/overtime/")
    answer, context = text(page), page.context
    slowest = context["durations"].series[1]
    assert context["durations"].labels == ["Mar 2026", "Apr 2026", "May 2026", "Jun 2026"]
    assert slowest.values == [20, 35, None, 76.9]
    found = [[row.days for row in rows(client, table.chair, link)] for link in slowest.links]
    assert found == [[21], [], [], [84]]
    meeting = Meeting.objects.get(date=date(2026, 6, 2))
    href = f"/board/decisions/?board={table.board.pk}&amp;meeting={meeting.pk}&amp;outcome=accepted"
    assert f'<td><a href="{href}">2</a></td>' in answer
    assert f'<th scope="row"><a href="/board/meetings/{meeting.pk}/">2 Jun 2026</a></th>' in answer
    assert answer.count("<canvas") == 2
    assert "Information required does neither" in answer


def test_of_many_meetings_the_latest_are_drawn(
    client: Client, table: Table, told: dict[str, Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crb.overtime.cards.MEETINGS_SHOWN", 3)
    answer = get(client, table.chair, "/board/overtime/")
    labels = answer.context["outcomes"].labels
    assert labels == ["17 Mar 2026", "14 Apr 2026", "2 Jun 2026"]
    assert "One earlier meeting is left out." in text(answer)


# The lists


def titles(client: Client, table: Table, query: str) -> list[str]:
    return [
        row.item.change.title for row in rows(client, table.chair, f"/board/decisions/?{query}")
    ]


FILTERED = {
    "": ["Doors", "Theme", "Badges", "Theme", "Labels", "Alarms", "Alarms", "Rooms"],
    "outcome=rejected": ["Labels"],
    "outcome=settled": ["Doors", "Theme", "Theme", "Labels", "Alarms", "Rooms"],
    "over=21": ["Theme", "Theme"],
    "over=20&outcome=accepted_as_priority": ["Alarms"],
    "since=2026-03-17&until=2026-04-14": ["Badges", "Theme", "Labels", "Alarms"],
    "since=2026-06-03": [],
    "promise=void": ["Theme"],
    "promise=withdrawn": ["Doors"],
    "promise=open": ["Theme", "Rooms"],
    "organisation={harbour}&until=2026-03-03": ["Alarms", "Rooms"],
    "organisation={meridian}": [],
}


def test_decisions_are_filtered(client: Client, table: Table, told: dict[str, Change]) -> None:
    customers = {"harbour": table.cast.harbour.pk, "meridian": table.cast.meridian.pk}
    for query, found in FILTERED.items():
        assert titles(client, table, query.format(**customers)) == found, query


def test_a_decision_shows_what_led_to_it(
    client: Client, table: Table, told: dict[str, Change]
) -> None:
    answer = text(get(client, table.chair, "/board/decisions/?promise=overdue"))
    assert "Quorum met (4 of 6)" in answer
    assert "by 1 Jun 2026" in answer
    assert "1 decision" in answer


REFUSED = [
    ("decisions/?outcome=maybe", "Select a valid choice"),
    ("decisions/?since=2026-06-01&until=2026-05-01", "This day is before the first one."),
    ("decisions/?over=-1", "greater than or equal to 0"),
    ("decisions/?over=many", "Enter a whole number."),
    ("decisions/?organisation=999", "Select a valid choice"),
    ("decisions/?since=yesterday", "Enter a valid date."),
    ("questions/?state=maybe", "Select a valid choice"),
    ("attendance/?presence=present", "Choose whose presence."),
    ("attendance/?member=999", "Select a valid choice"),
]


def test_a_filter_that_does_not_exist_is_refused(client: Client, table: Table) -> None:
    for query, sentence in REFUSED:
        answer = get(client, table.chair, f"/board/{query}")
        assert answer.status_code == 400, query
        assert sentence in text(answer), query


def test_a_meeting_of_another_board_is_refused(client: Client, table: Table) -> None:
    other = new_board(name="Another board")
    meeting = Table(other, table.cast, table.members).meeting()
    address = f"/board/decisions/?board={table.board.pk}&meeting={meeting.pk}"
    assert get(client, table.chair, address).status_code == 400
    address = f"/board/decisions/?board={other.pk}&meeting={meeting.pk}"
    assert get(client, table.chair, address).status_code == 200


def test_a_bent_place_in_the_list_is_refused(client: Client, table: Table) -> None:
    answer = get(client, table.chair, "/board/decisions/?page=bent")
    assert answer.status_code == 400
    assert "This link to a page of the list is not valid." in text(answer)


def test_pages_follow_each_other_and_keep_the_filters(
    client: Client, table: Table, told: dict[str, Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crb.views.overtime.PAGE_SIZE", 4)
    first = get(client, table.chair, "/board/decisions/?outcome=settled").context
    assert [row.item.change.title for row in first["rows"]] == ["Doors", "Theme", "Theme", "Labels"]
    assert parse_qs(urlsplit(first["next_url"]).query)["outcome"] == ["settled"]
    second = client.get(f"/board/decisions/{first['next_url']}").context
    assert [row.item.change.title for row in second["rows"]] == ["Alarms", "Rooms"]
    assert client.get(f"/board/decisions/{second['previous_url']}").context["number"] == 1
    monkeypatch.setattr("crb.views.overtime.PAGE_SIZE", 3)
    held = get(client, table.chair, "/board/attendance/").context
    rest = client.get(f"/board/attendance/{held['next_url']}").context
    assert [row.meeting.date for row in [*held["rows"], *rest["rows"]]] == [
        date(2026, 6, 2),
        date(2026, 4, 14),
        date(2026, 3, 17),
        date(2026, 3, 3),
    ]


def test_decisions_as_a_file(client: Client, table: Table, told: dict[str, Change]) -> None:
    Change.objects.filter(pk=told["Labels"].pk).update(title="=1+1")
    answer = get(client, table.chair, "/board/decisions/export/?since=2026-03-17&until=2026-03-17")
    content = b"".join(answer).decode("utf-8-sig")
    heading, *found = csv.reader(io.StringIO(content))
    assert heading[:4] == ["Reference", "Title", "Organisation", "Outcome"]
    assert [line[1] for line in found] == ["'=1+1", "Alarms"]
    labels = dict(zip(heading, found[0], strict=True))
    assert labels["Outcome"] == "Rejected"
    assert labels["Reason category"] == "Does not meet the strategic goals"
    assert labels["Days from submission"] == "16"
    assert labels["Promise"] == ""
    assert dict(zip(heading, found[1], strict=True))["Promise"] == "Overdue"
    bad = get(client, table.chair, "/board/decisions/export/?over=x")
    assert bad.status_code == 400


def test_questions_are_filtered(client: Client, table: Table, told: dict[str, Change]) -> None:
    def found(query: str) -> list[str]:
        return [row.change.title for row in rows(client, table.chair, f"/board/questions/?{query}")]

    assert found("") == ["Badges", "Alarms"]
    assert found("state=unanswered") == ["Badges"]
    assert found("state=answered") == ["Alarms"]
    assert found("state=moot") == []
    assert found("person=grace") == ["Badges", "Alarms"]
    assert found("person=somebody+else") == []
    assert found("over=100") == ["Alarms"]
    change_lifecycle.withdraw(told["Badges"], actor=table.cast.support, reason="No need.")
    assert found("state=unanswered") == []
    assert found("state=moot") == ["Badges"]


def test_the_roll_of_a_meeting(client: Client, table: Table, told: dict[str, Change]) -> None:
    max_member = table.members[1]
    address = f"/board/attendance/?member={max_member.pk}&presence=alternate"
    (row,) = rows(client, table.chair, address)
    assert row.meeting.date == date(2026, 3, 17)
    assert len(row.entries) == 6, "Bob's term has not begun"
    assert [entry.member.display_name for entry in row.absent] == ["Dora Deputy", "Bo Board"]
    assert "Alf Alternate for Max Member" in text(get(client, table.chair, address))


# Empty states


def test_without_a_past_every_page_says_so(client: Client, table: Table) -> None:
    answer = text(get(client, table.chair, "/board/overtime/"))
    assert "No meeting in this period" in answer
    assert "Nothing was accepted or rejected in this period" in answer
    assert "No meeting was held and closed in this period." in answer
    assert "Nothing was accepted in this period." in answer
    assert "chart.umd" not in answer
    for name, sentence in (
        ("decisions/", "The board has not decided anything yet"),
        ("questions/", "The board has not asked anything yet"),
        ("attendance/", "No meeting has been held yet"),
        ("decisions/?over=3", "No decision matches"),
        ("questions/?state=unanswered", "No question matches"),
        (f"attendance/?member={table.chair.pk}", "No meeting matches"),
    ):
        assert sentence in text(get(client, table.chair, f"/board/{name}")), name


# The board's page


def test_the_load_of_the_next_agendas(client: Client, table: Table) -> None:
    item = table.item("Rooms")
    table.item("Doors")
    AgendaItem.objects.filter(pk=item.pk).update(time_box=20)
    for user in table.members[1:5]:
        Absence.objects.create(
            membership=table.board.memberships.get(user=user),
            starts_on=item.meeting.date,
            ends_on=item.meeting.date,
        )
    answer = text(get(client, table.chair, "/board/"))
    assert "20 of 90 min planned, 1 without a time box" in answer
    assert "3 of 7 expected" in answer
    assert "quorum takes 4" in answer


def test_long_lists_on_the_board_page_lead_on(
    client: Client, table: Table, told: dict[str, Change], monkeypatch: pytest.MonkeyPatch
) -> None:
    table.change("Gates")
    table.change("Bells")
    monkeypatch.setattr("crb.views.board.WAITING", 1)
    answer = text(get(client, table.chair, "/board/"))
    assert "Gates" in answer
    assert "Bells" not in answer
    assert "All 2 that wait" in answer
    asked = told["Badges"].questions.get()
    Question.objects.create(
        decision=asked.decision, change=asked.change, text="And who?", answerer=asked.answerer
    )
    monkeypatch.setattr("crb.views.board.QUESTIONS", 1)
    answer = text(get(client, table.chair, "/board/"))
    assert "How many rooms are there?" in answer
    assert "And who?" not in answer
    assert "All 2 unanswered questions" in answer


def test_with_several_boards_every_page_names_its_own(
    client: Client, table: Table, told: dict[str, Change]
) -> None:
    other = new_board(name="Another board")
    for name in ("overtime", "decisions", "questions", "attendance"):
        answer = text(get(client, table.chair, f"/board/{name}/"))
        assert f'href="/board/{name}/?board={other.pk}"' in answer
    assert rows(client, table.chair, f"/board/decisions/?board={other.pk}") == []
    assert get(client, table.chair, f"/board/?board={other.pk}").context["stats"][0].value == 0


# Queries


def lived(table: Table, numbers: range) -> None:
    """A meeting for each number, with a decision and a question."""
    for number in numbers:
        with time_machine.travel(TODAY + timedelta(days=14 * number), tick=False):
            accepted = table.running_item(f"Accepted {number}")
            asked = table.running_item(f"Asked {number}")
            table.decide(accepted, "accepted")
            questions = [("How many?", table.cast.requester)]
            table.decide(asked, "information_required", questions=questions)
            table.meeting(days=14)
            close_meeting(accepted.meeting, actor=table.chair)


def test_queries(client: Client, table: Table, django_assert_num_queries: Any) -> None:
    costs = {"overtime": 11, "decisions": 6, "questions": 5, "attendance": 9}
    for numbers in (range(1), range(1, 3)):
        lived(table, numbers)
        count = numbers.stop
        with time_machine.travel(TODAY + timedelta(days=60), tick=False):
            for name, queries in costs.items():
                client.force_login(table.chair)
                with django_assert_num_queries(queries, info=f"{name}, {count}"):
                    answer = client.get(f"/board/{name}/")
                assert answer.status_code == 200
                if "rows" in answer.context:
                    assert len(answer.context["rows"]) in (count, 2 * count), name
            with transaction.atomic():  # more meetings to come are in the way of those that follow
                for number in range(count):
                    table.meeting(days=400 + number)
                client.force_login(table.chair)
                with django_assert_num_queries(13, info=f"the board with a past, {count}"):
                    assert client.get("/board/").status_code == 200
                transaction.set_rollback(True)
