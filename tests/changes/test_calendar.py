"""The change calendar: what its readers see of which day, and where it leads."""

from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from changes import calendar, lifecycle, planning
from changes.models import Change, Execution, Release, Service, Window, WindowSpan
from crb.models import Board, Meeting
from tests import stories
from tests.changes.test_windows import HOUR, window
from tests.people import Cast
from tests.remembered import remembered

CALENDAR = reverse("changes:calendar")
NOON = datetime(2027, 3, 10, 12, tzinfo=ZoneInfo("UTC"))
MARCH = f"{CALENDAR}?month=2027-03"


def page(client: Client, person: User, address: str, status: int = 200) -> str:
    client.force_login(person)
    answer = client.get(address)
    assert answer.status_code == status, address
    return answer.content.decode()


def grid(html: str) -> str:
    """Only the grid, which the list says again."""
    return html.split("<table")[1].split("</table>")[0]


@pytest.fixture
def march(cast: Cast) -> Change:
    """An execution, a deployment, a release, a meeting, two freezes and a maintenance window."""
    with time_machine.travel(NOON, tick=False):  # so that all is put back to the minute
        return in_march(cast)


@remembered
def in_march(cast: Cast) -> Change:
    """All of it, made at noon of the tenth."""
    change = stories.plan(stories.in_execution(cast), cast)
    service = Service.objects.create(name="Space booking")
    change.services.add(service)
    stories.deployment_planned(stories.in_deployment(cast), cast)
    window(cast, effect="warns", starts_at=NOON + 30 * HOUR, ends_at=NOON + 90 * HOUR)
    for name, customer in (("Harbour only", cast.harbour), ("Meridian only", cast.meridian)):
        window(cast, name=name, organisation=customer, effect="warns", kind="maintenance")
    board = Board.objects.create(
        name="Change Request Board", first_date=date(2027, 3, 2), start=time(14), zone="UTC"
    )
    Meeting.objects.create(
        board=board, date=date(2027, 3, 16), start=time(14), zone="UTC", length_minutes=60
    )
    return change


def test_colleagues_see_every_kind(client: Client, cast: Cast, march: Change) -> None:
    with time_machine.travel(NOON):
        html = page(client, cast.auditor, CALENDAR)
        shown = grid(html)
        assert f'href="{CALENDAR}"' in html
        assert html.count('aria-current="date"') == 1
        for words in ("Audit week", "Harbour only", "Meridian only", "Release 4.12", "Board"):
            assert words in shown, words
        assert shown.count(f"{march.reference} ") == 1
        assert shown.count("Harbour only") == 2  # from 13:00 until noon
        assert shown.count("Audit week") == 4  # from the 11th to the 14th at 6:00
        html = page(client, cast.auditor, f"{CALENDAR}?day=2027-03-10")
        assert f"{march.reference} {march.title}" in html
        assert str(cast.support) in html
        assert "<table" not in html
        html = page(client, cast.auditor, f"{MARCH}&view=list")
        assert "Wednesday 10 March" in html
        assert "<table" not in html


def test_customers_see_their_own_and_nothing_between_colleagues(
    client: Client, cast: Cast, march: Change
) -> None:
    html = page(client, cast.requester, MARCH)
    assert march.reference in grid(html)
    assert "Change freeze" in grid(html)
    assert "Maintenance window" in grid(html)
    for words in ("Audit week", "Harbour only", "Meridian", "Release 4.12", "Board", "Sam Support"):
        assert words not in html, words
    assert "/windows/" not in html
    html = page(client, cast.stranger_customer, MARCH)
    for words in (march.reference, march.title, "Harbour"):
        assert words not in html, words
    day = f"{CALENDAR}?day=2027-03-10&organisation={cast.harbour.pk}"
    assert march.reference not in page(client, cast.stranger_customer, day)
    assert march.reference not in page(client, cast.nobody, day)


def test_what_narrows_it_stays_in_the_address(client: Client, cast: Cast, march: Change) -> None:
    service = march.services.get()
    narrow = f"{MARCH}&kind=execution&kind=freeze&service={service.pk}"
    html = page(client, cast.auditor, narrow)
    assert march.reference in grid(html)
    assert "Audit week" in grid(html)
    for words in ("Release 4.12", "Harbour only", "Board,"):
        assert words not in grid(html)
    for month in ("2027-02", "2027-04"):
        assert f"kind=execution&amp;kind=freeze&amp;service={service.pk}&amp;month={month}" in html
    assert "month=2027-03&amp;view=list" in html
    other = Service.objects.create(name="Lifts")
    assert march.reference not in page(client, cast.auditor, f"{MARCH}&service={other.pk}")
    assert march.reference not in page(
        client, cast.auditor, f"{MARCH}&organisation={cast.meridian.pk}"
    )
    assert "Meridian only" not in page(
        client, cast.auditor, f"{MARCH}&organisation={cast.harbour.pk}"
    )
    for bad in (
        "month=2027-13",
        "month=x",
        "month=1999-01",
        "month=9999-12",
        "month=0000-01",
        "month=" + "2" * 5000,
        "day=2027-W10-1",
        "day=2027-02-30",
        "day=20270301",
        "view=x",
        "kind=x",
        "service=x",
        "service=999999999999999999999",
        f"service={10**9}",
    ):
        html = page(client, cast.auditor, f"{CALENDAR}?{bad}", 400)
        assert "The calendar has no such day" in html
    for edge in ("month=2000-01", "month=2100-12", "day=2100-12-31", "day="):
        page(client, cast.auditor, f"{CALENDAR}?{edge}", 400 if edge == "day=" else 200)


def test_a_full_day_says_how_many_more_and_costs_the_same(
    client: Client, cast: Cast, march: Change
) -> None:
    """Whatever lies on it: the number of queries stays, and so does what a page shows."""
    client.force_login(cast.auditor)
    counts = set()
    for each in range(2):
        with CaptureQueriesContext(connection) as asked:
            client.get(MARCH)
        counts.add(len(asked))
        Execution.objects.bulk_create(
            Execution(
                change=march,
                executor=cast.support,
                recorded_by=cast.success,
                window_start=NOON + number * HOUR / 60,
                window_end=NOON + HOUR + number * HOUR / 60,
                steps="1.",
                rollback_plan="Back.",
                finished_at=NOON,
                outcome="succeeded",
            )
            for number in range(10)
        )
        Release.objects.create(name=f"9.{each}", planned_on=date(2027, 3, 10))
    assert len(counts) == 1
    html = page(client, cast.auditor, MARCH)
    cell = grid(html).split(">10 March 2027<")[1].split("</td>")[0]
    assert cell.count("cal-entry ") == 3
    assert "and 22 more" in cell
    assert "and 15 more" in html
    html = page(client, cast.auditor, f"{CALENDAR}?day=2027-03-10")
    assert html.count('class="work"') == 25
    assert len(html) < 60_000


def test_days_are_those_of_the_readers_zone(client: Client, cast: Cast, march: Change) -> None:
    """What begins at 14:00 UTC on the 10th begins on the 11th in Auckland."""
    cast.auditor.time_zone = "Pacific/Auckland"
    cast.auditor.save()
    assert march.reference not in page(client, cast.auditor, f"{CALENDAR}?day=2027-03-10")
    html = page(client, cast.auditor, f"{CALENDAR}?day=2027-03-11")
    assert march.reference in html
    assert "Pacific/Auckland" in html
    starts, _ends = planning.day_of(stories.release())
    assert "Release 4.12" in page(client, cast.auditor, f"{CALENDAR}?day={starts:%Y-%m-%d}")


def test_a_night_stands_on_the_day_of_its_beginning(
    client: Client, cast: Cast, march: Change
) -> None:
    with time_machine.travel(NOON):
        starts = NOON + 250 * HOUR
        window(cast, name="Night", effect="warns", starts_at=starts, ends_at=starts + 6 * HOUR)
    assert grid(page(client, cast.auditor, MARCH)).count("Night") == 1
    html = page(client, cast.auditor, f"{CALENDAR}?day=2027-03-21")
    assert "Night" in html
    assert "20 Mar 2027, 22:00</time> – <time" in html


def test_what_was_cancelled_shows_only_while_it_held(
    client: Client, cast: Cast, march: Change
) -> None:
    freeze = Window.objects.get(name="Audit week")
    with time_machine.travel(NOON + 50 * HOUR):
        lifecycle.cancel_window(freeze, actor=cast.administrator, reason="Done.")
    shown = grid(page(client, cast.auditor, MARCH))
    assert shown.count("Audit week") == 2
    lifecycle.cancel_release(stories.release(), actor=cast.release_manager, reason="Not now.")
    assert "Release 4.12" not in page(client, cast.auditor, MARCH)


def test_a_month_reads_a_bounded_number_of_windows(
    client: Client, cast: Cast, march: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendar, "MOST_SPANS", 5)
    made = Window.objects.get(name="Audit week")
    WindowSpan.objects.bulk_create(
        WindowSpan(window=made, span=(NOON + number * HOUR, NOON + (number + 1) * HOUR))
        for number in range(50)
    )
    day = NOON.date()
    wanted = calendar.Wanted(cast.auditor, day, day + timedelta(20), frozenset({"freeze"}))
    with timezone.override("UTC"):
        days = calendar.days_of(wanted, shown=10)
    assert sum(one.count for one in days) <= 8
    assert "than one page shows" in page(client, cast.auditor, MARCH)
    assert "than one page shows" not in page(client, cast.auditor, f"{MARCH}&kind=release")


def test_risk_and_person_narrow_what_changes_do(client: Client, cast: Cast, march: Change) -> None:
    """For colleagues alone; who executes a change, or owns it, is its person."""
    deployment = Change.objects.get(state="deployment")
    Change.objects.filter(pk=march.pk).update(risk=3, owner=cast.tester)

    def shown(**narrowed: object) -> set[str]:
        html = grid(page(client, cast.auditor, f"{MARCH}&{urlencode(narrowed)}"))
        assert "Release 4.12" in html and "Audit week" in html, "what is nobody's stays"
        return {one.reference for one in (march, deployment) if f"{one.reference} " in html}

    assert shown() == {march.reference, deployment.reference}
    assert shown(risk=3) == shown(risk=3, person=cast.tester.pk) == {march.reference}
    assert shown(risk=4) == shown(person=cast.developer.pk) == set()
    assert shown(person=cast.tester.pk) == shown(person=cast.support.pk) == {march.reference}
    for wrong in ("risk=9", "risk=x", "person=x", f"person={cast.requester.pk}"):
        page(client, cast.auditor, f"{MARCH}&{wrong}", 400)
    html = page(client, cast.requester, f"{MARCH}&risk=4&person={cast.developer.pk}")
    assert march.reference in html and str(cast.developer) not in html
    html = page(client, cast.auditor, f"{MARCH}&risk=3&person={cast.success.pk}")
    assert f"risk=3&amp;person={cast.success.pk}" in html, "every other day is narrowed the same"
