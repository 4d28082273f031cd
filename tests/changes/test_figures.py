"""The figures: a spring whose days are known by heart, and each number as long as its list.

Costs about 5 s.
"""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from changes import lifecycle
from changes.figures import counted, shown
from changes.figures.kinds import FIGURES, Says
from changes.figures.span import Span
from changes.models import Change
from changes.states import State
from tests import stories
from tests.people import Cast
from tests.remembered import remembered

PAGE = reverse("changes:figures")
MARCH = {"since": "2026-03-01", "until": "2026-03-31"}
"""Before them lie the 31 days from 29 January."""


def on(month: int, day: int) -> time_machine.travel:
    return time_machine.travel(datetime(2026, month, day, 10, tzinfo=UTC), tick=False)


@remembered
def lived(cast: Cast) -> list[Change]:
    """One refused in February; in March one confirmed, one not, and one deployed at last.

    The clocks go forward on 29 March.
    """
    with on(2, 10):
        refused = stories.in_review(cast)
    with on(2, 11):
        refused = lifecycle.review(
            refused, actor=cast.success, outcome="refused", findings="Against the contract."
        )
    with on(3, 2):
        confirmed = stories.in_confirmation(cast)
    with on(3, 5):
        lifecycle.answer_confirmation(confirmed, actor=cast.requester, confirmed=True)
    with on(3, 10):
        declined = stories.in_confirmation(cast)
    with on(3, 12):
        lifecycle.answer_confirmation(
            declined, actor=cast.requester, confirmed=False, reason="Not on Sundays."
        )
    return [refused, confirmed, declined, delivered(cast)]


def delivered(cast: Cast) -> Change:
    """Sent back from testing, rolled back, deployed at last, and confirmed after two weeks."""
    with on(3, 16):
        change = stories.in_testing(cast)
    with on(3, 18):
        change = lifecycle.record_test(
            change, actor=cast.tester, kind="security", result="failed", evidence="A hole."
        )
    for begun, finished, outcome in ((20, 23, "rolled_back"), (25, 27, "succeeded")):
        with on(3, begun):
            change = stories.all_passed(stories.reviewed(change, cast), cast)
            change = stories.deployment_planned(change, cast)
        with on(3, finished):
            change = stories.carried_out(change, cast, outcome)
    with on(3, 30):
        return lifecycle.answer_confirmation(change, actor=cast.requester, confirmed=True)


@pytest.fixture
def spring(db: None, cast: Cast) -> list[Change]:
    return lived(cast)


def page(client: Client, user: User, **asked: str) -> Any:
    client.force_login(user)
    answer = client.get(PAGE, {**MARCH, **asked})
    assert answer.status_code == 200
    return answer


def told(answer: Any) -> dict[str, tuple[str, str]]:
    """What the page says of each figure, in the days asked for and before."""
    rows = [row for table in answer.context["tables"] for row in table.rows]
    return {name: (row.now.text, row.before.text) for name, row in zip(FIGURES, rows, strict=True)}


KNOWN = {
    "submitted": ("3", "1"),
    "ended": ("2", "1"),
    "closed": ("100 %", "0 %"),
    "lead-time": ("8.5 days", "–"),
    "lead-time-configuration": ("3 days", "–"),
    "lead-time-code": ("14 days", "–"),
    "deployments": ("2", "0"),
    "deployment-lead-time": ("2 days", "–"),
    "failed-deployments": ("50 %", "–"),
    "recovery": ("4 days", "–"),
    "deployed-again": ("50 %", "–"),
    "tested": ("3", "0"),
    "sent-back-from-testing": ("33 %", "–"),
    "decided": ("1", "0"),
    "decided-accepted": ("100 %", "–"),
    "decided-rejected": ("0 %", "–"),
    "acceptance-to-delivery": ("11 days", "–"),
    "executions": ("2", "0"),
    "executions-rolled-back": ("0 %", "–"),
    "answers": ("3", "0"),
    "confirmed": ("67 %", "–"),
    "not-as-expected": ("33 %", "–"),
    "silent": ("0 %", "–"),
    "stage-review": ("0 minutes", "24 hours"),
    "stage-testing": ("0 minutes", "–"),
    "stage-confirmation": ("3 days", "–"),
}


def test_the_page_says_what_those_months_were(
    client: Client, cast: Cast, spring: list[Change]
) -> None:
    found = told(page(client, cast.chair))
    assert {name: found[name] for name in KNOWN} == KNOWN
    rest = {name: figures for name, figures in found.items() if name not in KNOWN}
    assert set(rest) == {name for name in FIGURES if name.startswith(("stage-", "decided-"))} - set(
        KNOWN
    )


def test_each_number_is_as_long_as_its_list(
    client: Client, cast: Cast, spring: list[Change]
) -> None:
    """Of every figure, of both spans, and of the slowest tenth."""
    client.force_login(cast.auditor)
    answer = page(client, cast.auditor)
    rows = [row for table in answer.context["tables"] for row in table.rows]
    lines = list(csv.reader(io.StringIO(_file(client).lstrip("\ufeff"))))[1:]
    numbers = iter(int(line[4]) for line in lines)
    for name, row in zip(FIGURES, rows, strict=True):
        for cell in (row.now, row.before):
            number = next(numbers)
            if not cell.url:
                assert (cell.text, number) == ("–", 0), name
                continue
            listed = client.get(cell.url)
            assert len(listed.context["rows"]) == number, (name, cell)
            if FIGURES[name].says is Says.NUMBER:
                assert cell.text == str(number), name
            if cell.slow_url:
                slow = client.get(cell.slow_url).context["rows"]
                assert 0 < len(slow) <= number, name
                assert {one for *_row, one in slow} <= {
                    one for *_row, one in listed.context["rows"]
                }


def _file(client: Client) -> str:
    answer = client.get(reverse("changes:export_figures"), MARCH)
    assert answer["Content-Type"].startswith("text/csv")
    return b"".join(answer.streaming_content).decode()


def test_figures_of_one_customer_are_theirs_alone(
    client: Client, cast: Cast, spring: list[Change]
) -> None:
    theirs = page(client, cast.chair, organisation=str(cast.harbour.pk))
    assert told(theirs)["submitted"] == ("3", "1")
    assert [row[:2] for row in theirs.context["customers"]] == [(str(cast.harbour), 2)]
    found = page(client, cast.chair, organisation=str(cast.meridian.pk))
    assert set(told(found).values()) <= {("0", "0"), ("–", "–")}
    assert "Nothing happened in these days" in found.content.decode()


def test_weeks_and_months_add_up(client: Client, cast: Cast, spring: list[Change]) -> None:
    """Each point of the chart is its list's length, by weeks and by months."""
    for asked in ({}, {"since": "2025-10-01"}):
        answer = page(client, cast.chair, **asked)
        for series, total in zip(answer.context["chart"]["series"], (3, 2), strict=True):
            assert sum(series.values) == total + bool(asked)
            for number, address in zip(series.values, series.links, strict=True):
                if number:
                    assert len(client.get(address).context["rows"]) == number


def test_what_is_open_now_leads_to_the_list(
    client: Client, cast: Cast, spring: list[Change]
) -> None:
    [(state, number, _age, address)] = page(client, cast.chair).context["now"]
    assert (state, number) == ("not_confirmed", 1)
    assert list(client.get(address).context["page"]) == [spring[2]]


def test_only_our_own_people_read_them(client: Client, cast: Cast, spring: list[Change]) -> None:
    addresses = [PAGE, reverse("changes:export_figures"), reverse("changes:figure", args=["ended"])]
    for name, person in cast.people.items():
        client.force_login(person)
        answers = [client.get(one, MARCH) for one in addresses]
        allowed = person.is_internal and bool(person.roles)
        assert {one.status_code for one in answers} == {200 if allowed else 403}, name
        assert ('href="/figures/"' in answers[0].content.decode()) == allowed, name


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"since": "2026-03-31", "until": "2026-03-01"}, "The last day is before the first one."),
        ({"since": "yesterday"}, "Write the day as in 2026-05-31."),
        ({"since": "1990-12-31"}, "Give a day between 2000 and 2100."),
        ({"since": "2020-01-01", "until": "2026-01-01"}, "Ask for five years at most."),
        ({"organisation": "999999999999999999999"}, "Select a valid choice."),
        ({"organisation": "Harbour"}, "Select a valid choice."),
    ],
)
def test_a_wrong_address_gets_a_sentence(
    client: Client, cast: Cast, asked: dict[str, str], words: str
) -> None:
    client.force_login(cast.chair)
    for name in (
        PAGE,
        reverse("changes:export_figures"),
        reverse("changes:figure", args=["ended"]),
    ):
        answer = client.get(name, asked)
        assert (answer.status_code, words in answer.content.decode()) == (400, True), name


def test_a_list_that_was_never_there(client: Client, cast: Cast) -> None:
    client.force_login(cast.chair)
    ended = reverse("changes:figure", args=["ended"])
    assert client.get(reverse("changes:figure", args=["no-such"])).status_code == 404
    assert client.get(ended, {"page": "x"}).status_code == 400
    assert client.get(ended, {"over": "-1"}).status_code == 400
    assert client.get(ended, {"over": "nan"}).status_code == 400


def test_it_asks_the_same_number_of_questions_whatever_there_is(
    client: Client, cast: Cast, spring: list[Change]
) -> None:
    client.force_login(cast.chair)
    lists = reverse("changes:figure", args=["submitted"])
    numbers = []
    for asked in (MARCH, {"since": "2026-05-01", "until": "2026-05-31"}):
        for address in (PAGE, lists):
            client.get(address, asked)
            with CaptureQueriesContext(connection) as found:
                client.get(address, asked)
            numbers.append(len(found))
    assert numbers[0] == numbers[2]
    assert numbers[1] - numbers[3] in (0, 1)  # the changes of the rows that there are


@pytest.mark.parametrize("until", ["2026-03-31", "2024-02-29", "2026-01-04", "2027-01-01"])
@pytest.mark.parametrize("length", [1, 7, 31, 100, 101, 366, 1830])
def test_parts_cover_a_span_and_nothing_else(until: str, length: int) -> None:
    last = datetime.fromisoformat(until).date()
    span = Span(last - timedelta(days=length - 1), last)
    parts = [span.part(first) for first in span.parts]
    days = [one.since + timedelta(days=n) for one in parts for n in range(one.length)]
    assert days == [span.since + timedelta(days=n) for n in range(length)]
    assert span.before.until == span.since - timedelta(days=1)
    assert span.before.length == span.length


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (None, "–"),
        (0.0, "0 minutes"),
        (1 / 1440, "1 minute"),
        (119 / 1440, "119 minutes"),
        (2 / 24, "2 hours"),
        (1.5, "36 hours"),
        (2.0, "2 days"),
        (12.94, "12.9 days"),
        (1234.96, "1235 days"),
    ],
)
def test_times_are_written_as_people_say_them(days: float | None, words: str) -> None:
    assert shown.lasting(days) == words


def test_every_link_of_a_page_at_the_edge_of_time_leads_somewhere(
    client: Client, cast: Cast
) -> None:
    """The days before the first ones begin before them, whether they were asked for or not."""
    client.force_login(cast.chair)
    for asked in ({"since": "2000-01-01", "until": "2005-01-03"}, {"until": "2000-01-15"}):
        answer = client.get(PAGE, asked)
        rows = [row for table in answer.context["tables"] for row in table.rows]
        links = {rows[0].now.url, rows[0].before.url, answer.context["export_url"]}
        for link in links:
            listed = client.get(link)
            assert listed.status_code == 200, link
            if listed.context:
                assert client.get(listed.context["back_url"]).status_code == 200, link


def test_what_was_never_asked_for_in_earnest_is_refused_in_words(
    client: Client, cast: Cast
) -> None:
    client.force_login(cast.chair)
    lists = reverse("changes:figure", args=["stage-review"])
    for asked in (
        {"over": "inf"},
        {"over": "1e308"},
        {"over": "\0"},
        {"organisation": "\0"},
        {"organisation": "0"},
        {"organisation": "-1"},
        {"since": "10000-01-01"},
        {"until": "2100-12-32"},
        {"since": "\0"},
        {"page": "x" * 5000},
        {"page": "\0"},
    ):
        assert client.get(lists, asked).status_code == 400, asked
    for address in (PAGE, lists, reverse("changes:export_figures")):
        assert client.head(address).status_code == 200
        assert client.post(address).status_code == 405
        asked = {"since": "2096-01-01", "until": "2100-12-31"}
        assert client.get(address, asked).status_code == 200


def test_what_was_imported_in_the_morning_did_not_take_less_than_no_time(cast: Cast) -> None:
    """A day without a time is its noon, before which it may have ended here."""
    with time_machine.travel(datetime(2026, 3, 5, 8, tzinfo=UTC), tick=False):
        arrival = lifecycle.ImportedChange(
            2, "1", "A", "B", State.SUBMITTED, "", cast.requester, "api", created=date(2026, 3, 5)
        )
        lifecycle.import_changes(
            [arrival], lifecycle.Origin("x", cast.harbour, cast.success), actor=None
        )
        change = Change.objects.get()
        lifecycle.withdraw(change, actor=cast.requester, reason="Enough.")
    timed = replace(counted.SOURCES["closed"], rows=Change.objects.all)
    assert [row.days for row in timed.counted()] == [0.0]


def test_a_long_list_of_one_moment_is_read_once_from_end_to_end(
    client: Client, cast: Cast, settings: Any
) -> None:
    """Noon of an imported day is already the next day where the product counts days here."""
    settings.TIME_ZONE = "Pacific/Kiritimati"
    arrivals = [
        lifecycle.ImportedChange(
            n, str(n), "A", "B", State.CLOSED, "", cast.requester, "api", created=date(2026, 3, 29)
        )
        for n in range(2, 107)
    ]
    origin = lifecycle.Origin("x", cast.harbour, cast.success)
    lifecycle.import_changes(arrivals, origin, actor=None)
    client.force_login(cast.chair)
    asked = {"since": "2026-03-30", "until": "2026-03-30"}
    answer = client.get(PAGE, asked)
    assert told(answer)["closed"] == ("100 %", "–")
    [submitted, _ended] = answer.context["chart"]["series"]
    assert submitted.values == [105]
    address, seen = submitted.links[0], []
    while address:
        listed = client.get(address)
        seen += [change.pk for change, *_row in listed.context["rows"]]
        following = listed.context["next_url"]
        address = following and f"{reverse('changes:figure', args=['submitted'])}{following}"
    assert (len(seen), len(set(seen))) == (105, 105)
