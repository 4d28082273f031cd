"""Promises of the board: the rule that says how each stands, and the page that lists them.

Costs about 6 s.
"""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle, product
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.db.models import QuerySet
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Organisation, User
from changes import promises, queries
from changes.export import export_rows
from changes.forms.promise import OwnPromiseFilterForm, PromiseFilterForm
from changes.models import Change, Deployment, Promise, Release, Service
from changes.promises import COUNTED, Known, Risk, Standing, promised_of
from changes.states import FINAL, OPEN, State
from changes.views.promises import LATEST, SOONEST
from expansive_cm.ui import paging
from tests import stories
from tests.people import Cast

PAGE = reverse("changes:promises")
NOW = datetime(2026, 6, 30, 9, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)

near = st.integers(-400, 400).map(lambda days: TODAY + days * DAY)
states = st.sampled_from(sorted(State))
releases = st.builds(
    Release,
    name=st.just("4.12"),
    planned_on=near,
    released_at=st.none() | st.just(NOW),
    cancelled_at=st.none() | st.just(NOW),
)
RANK = {None: 0, Standing.ON_COURSE: 0, Standing.AT_RISK: 1, Standing.BROKEN: 2}


# The rule ------------------------------------------------------------------------------------


@given(states, st.none() | near, st.none() | near, st.sets(st.sampled_from(Risk)))
def test_each_promise_has_one_standing(
    state: str, due: date | None, closed: date | None, risks: set[Risk]
) -> None:
    closed = closed if state == State.CLOSED else None
    found = promises.standing_of(state, due, closed, risks, TODAY)
    assert (found is None) == (state not in COUNTED)
    if found is None:
        return
    assert (found == Standing.KEPT) <= (state == State.CLOSED), "only what is closed is kept"
    day = closed if state == State.CLOSED else TODAY
    assert (found == Standing.BROKEN) == (None not in (due, day) and due < day)
    if state != State.CLOSED and found != Standing.BROKEN:
        assert (found == Standing.AT_RISK) == bool(risks)


@given(states, near, st.none() | near, near, st.integers(0, 400), st.booleans())
def test_time_never_makes_an_open_promise_better(
    state: str, due: date, forecast: date | None, today: date, warn: int, missed: bool
) -> None:
    if state not in OPEN:
        return

    def rank(day: date, days: int = warn) -> int:
        risks = promises.risks_of(state, due, forecast, day, days, is_missed=missed)
        return RANK[promises.standing_of(state, due, None, risks, day)]

    assert rank(today) <= rank(today + DAY)
    assert rank(today) <= rank(today, warn + 1), "a longer warning warns of no less"
    far = promises.risks_of(state, due + 900 * DAY, forecast, today, 0)
    assert not far, "what lies years ahead and is forecast before is at no risk"


@given(states, st.none() | releases, st.none() | releases, st.booleans())
def test_a_forecast_names_a_day_that_is_still_possible(
    state: str, release: Release | None, promised: Release | None, planned: bool
) -> None:
    found = promises.forecast_of(state, release, TODAY, is_planned=planned, promised=promised)
    if found.on is not None:
        own = release is not None and not release.cancelled_at
        brings = release if own else promised
        assert found.on >= TODAY and found.release is brings and brings
        assert (found.known == Known.PROMISED) == (not own)
        assert not brings.cancelled_at
        assert found.is_late == (brings.released_at is None and brings.planned_on < TODAY)
    assert (found.on is None) == (found.known in (Known.NOTHING, Known.IN_PLACE, Known.CLOSED))
    assert (found.known == Known.CLOSED) == (state == State.CLOSED)
    if state in FINAL - {State.CLOSED} or (
        release is promised is None and state not in ("closed", "confirmation")
    ):
        assert found.known == Known.NOTHING


# The rule as conditions ------------------------------------------------------------------------


@pytest.fixture
def many(cast: Cast) -> Iterator[list[Change]]:
    """A promise in every situation that the rule tells apart, seen on the evening of one day."""
    stories.deployed(cast)
    deployment = Deployment.objects.get()
    with time_machine.travel(NOW, tick=False):
        out = Release.objects.create(name="out", planned_on=TODAY + 9 * DAY, released_at=NOW)
        gone = Release.objects.create(name="gone", planned_on=TODAY + 400 * DAY, cancelled_at=NOW)
        soon = Release.objects.create(name="soon", planned_on=TODAY + 9 * DAY)
        late = Release.objects.create(name="late", planned_on=TODAY - 9 * DAY)
        slipped = Release.objects.create(name="slipped", planned_on=TODAY + 70 * DAY)
        rows = []
        chosen = product(
            ("board", "requirements", "development", "deployment", "confirmation", "not_confirmed")
            + ("closed", "withdrawn"),
            (None, -1, 0, 5, 60, 61),
            (None, out, gone, soon, late),
            (None, out, soon, slipped),
        )
        zones = cycle(["", "Pacific/Auckland", "Pacific/Honolulu", "Europe/London"])
        for (state, days, release, promised), zone in zip(chosen, zones, strict=False):
            due = None if days is None else TODAY + days * DAY
            rows.append(
                Change(
                    title=f"{state} {days} {release} {promised}",
                    organisation=cast.harbour,
                    requester=cast.requester,
                    raised_by=cast.requester,
                    type="code",
                    state=state,
                    promise=Promise.THREE_RELEASES if promised else Promise.TWELVE_MONTHS,
                    promised_at=NOW - 100 * DAY,
                    promised_release=promised,
                    release=release,
                    due_on=due,
                    promise_zone=zone,
                    submitted_at=NOW,
                    closed_at=NOW if state in ("closed", "withdrawn") else None,
                )
            )
        undated = [one for one in rows if one.state == "closed" and one.due_on == TODAY - DAY]
        undated[0].closed_at = None  # as an import may leave it
        made = Change.objects.bulk_create(rows)
        plans = [
            Deployment(
                change=one,
                development=deployment.development,
                release=one.release,
                rollback_plan="Undo.",
                path=1,
                round=1,
                recorded_by=cast.release_manager,
            )
            for one in made
            if one.state in ("deployment", "confirmation") and one.release and one.pk % 2
        ]
        Deployment.objects.bulk_create(plans)
        yield made


def test_conditions_and_function_say_the_same(many: list[Change], cast: Cast) -> None:
    found = promises.with_standings(promises.promised(queries.visible_to(cast.auditor)), NOW)
    said = dict(found.values_list("pk", "standing"))
    rows = Change.objects.select_related("release", "promised_release")
    seen = set()
    for change in rows.exclude(promise="").prefetch_related("deployments"):
        mine = promised_of(change, NOW)
        assert said.get(change.pk) == (mine.standing if mine else None), change.title
        seen |= {(mine.standing, *mine.risks)} if mine else set()
    assert {one[0] for one in seen} == set(Standing)
    assert {risk for one in seen for risk in one[1:]} == set(Risk)
    every = promises.promised(Change.objects.all())
    for one in Standing:
        so = promises.standing_so(every, one, NOW).values_list("pk", flat=True)
        assert set(so) == {pk for pk, standing in said.items() if standing == one}
    late = queries.overdue(Change.objects.exclude(promise=""))
    broken = found.filter(standing=Standing.BROKEN, state__in=OPEN)
    assert set(late.values_list("pk")) == set(broken.values_list("pk"))
    assert said_late_in_export(rows.exclude(promise=""), cast.auditor) == late.count()


def said_late_in_export(rows: QuerySet[Change], reader: User) -> int:
    """How many an export calls overdue."""
    file = "".join(export_rows(rows, reader, UTC)).splitlines()
    return sum(1 for line in csv.DictReader(file) if line["Overdue"])


def test_what_is_closed_is_never_said_to_wait(client: Client, cast: Cast) -> None:
    """Also where nobody knows on which day that was."""
    change = stories.deployed(cast)
    Change.objects.filter(pk=change.pk).update(state=State.CLOSED, due_on=date(2026, 1, 1))
    story = page(client, cast.success, change.get_absolute_url())
    for html in (page(client, cast.success, f"{PAGE}?standing=kept"), story):
        assert "Kept" in html and "not confirmed yet" not in html and "Overdue" not in html


# The page ------------------------------------------------------------------------------------


def page(client: Client, who: User, address: str = PAGE, status: int = 200) -> str:
    client.force_login(who)
    answer = client.get(address)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def shown(html: str) -> int:
    return html.count('class="work-name"')


def test_colleagues_read_it_and_customers_do_not(client: Client, cast: Cast) -> None:
    stories.in_requirements(cast)
    for name, somebody in cast.people.items():
        reads = somebody.is_internal and bool(somebody.roles)
        html = page(client, somebody, status=200 if reads else 403)
        assert shown(html) == (1 if reads else 0), name
    client.logout()
    assert client.get(PAGE).status_code == 302


def test_it_says_what_is_promised_forecast_and_left(client: Client, cast: Cast) -> None:
    html = page(client, cast.auditor)
    assert "The board has not promised anything yet" in html
    change = stories.in_requirements(cast)
    today = timezone.localdate()
    Change.objects.filter(pk=change.pk).update(due_on=today + 60 * DAY)
    html = page(client, cast.success)
    assert "At risk" in html and "It is not in development yet." in html
    assert "Nothing known" in html and "60 days" in html
    Change.objects.filter(pk=change.pk).update(due_on=today + 61 * DAY)
    assert "It is not in development yet." not in page(client, cast.success)
    later = Release.objects.create(name="9.1", planned_on=today + 62 * DAY)
    Change.objects.filter(pk=change.pk).update(release=later)
    html = page(client, cast.success)
    assert "meant for release 9.1" in html
    assert "Its release comes after the day that was promised." in html
    # The change itself says the same to colleagues, and its customer reads nothing of it.
    story = page(client, cast.success, change.get_absolute_url())
    assert "meant for release 9.1" in story and "At risk" in story and "61 days" in story
    story = page(client, cast.requester, change.get_absolute_url())
    assert "9.1" not in story and "At risk" not in story
    Change.objects.filter(pk=change.pk).update(due_on=today - DAY)
    html = page(client, cast.success)
    assert "1 day late" in html and "Its release" not in html
    assert "Overdue" in page(client, cast.requester, change.get_absolute_url())


def test_each_number_leads_to_as_many(client: Client, cast: Cast, many: list[Change]) -> None:
    """Cards and the chart's table, alone and with every other filter on."""
    other = Organisation.objects.exclude(pk=cast.harbour.pk)[0]
    service = Service.objects.create(name="Portal")
    for one in many[::29]:
        one.services.add(service)
    Change.objects.filter(pk__in=[one.pk for one in many[::2]]).update(promised_at=NOW - 9 * DAY)
    client.force_login(cast.auditor)
    total = len([one for one in many if one.state in COUNTED])
    of_service = f"service={service.pk}"
    for query in (of_service, f"{of_service}&age=90&due=2026-07", f"organisation={other.pk}"):
        answer = client.get(f"{PAGE}?{query}")
        found = 0
        for stat in answer.context["stats"]:
            listed, address = 0, stat["url"]
            while address:
                there = client.get(address)
                listed += len(there.context["rows"])
                assert {one[1].standing.label for one in there.context["rows"]} <= {stat["label"]}
                address = there.context["next_url"] and PAGE + there.context["next_url"]
            assert listed == stat["value"], (query, stat)
            found += listed
        assert found < total
        assert bool(found) == (not query.startswith("org"))
        chart = answer.context["chart"]
        for series in chart["series"][:-1] if chart and query == of_service else ():
            for number, link in zip(series.values, series.links, strict=True):
                assert not number or asked_for_at(link) == number, link
    assert "No promise matches" in page(client, cast.auditor, f"{PAGE}?organisation={other.pk}")


def asked_for_at(address: str) -> int:
    """How many promises the page at an address lists, over all its pages."""
    form = PromiseFilterForm(QueryDict(address.partition("?")[2]), TODAY)
    assert form.is_valid(), form.errors
    return form.select(form.narrowed(), NOW).count()


def test_a_month_long_ago_is_found_without_all_that_came_due_since(cast: Cast) -> None:
    """Where the chart leads, and where a customer looks; 5,000 were kept or broken since."""
    first = stories.in_requirements(cast)
    fields = (one for one in Change._meta.concrete_fields if not one.primary_key)
    columns = {one.column: one.column for one in fields if not one.generated}
    columns |= {
        "state": "'closed'",
        "due_on": "DATE '2021-01-01' + n / 3",
        "closed_at": "TIMESTAMPTZ '2021-01-01' + (n / 3 + mod(n, 5) - 3) * INTERVAL '1 day'",
    }
    names, values = ", ".join(columns), ", ".join(columns.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO changes_change ({names}) SELECT {values}"
            " FROM changes_change, generate_series(1, 5000) n WHERE id = %s",
            [first.pk],
        )
        cursor.execute("ANALYZE changes_change")
    cast.meridian.approvers.add(cast.approver)
    forms = [
        *(
            PromiseFilterForm(QueryDict(f"due=2021-03&standing={query}"), TODAY)
            for query in ("every", "broken", "kept", f"every&organisation={cast.harbour.pk}")
        ),
        *(
            OwnPromiseFilterForm(QueryDict(query), TODAY, reader)
            for query in ("", "due=2021-03&standing=every", "due=2021-03&standing=broken")
            for reader in (cast.requester, cast.approver)
        ),
    ]
    for form in forms:
        assert form.is_valid(), form.errors
        found = form.select(form.narrowed(), NOW)
        order = LATEST if form.data.get("standing") else SOONEST
        plan = paging.first_in_order(found, order, order.descending, 51).explain(analyze=True)
        passed_over = sum(int(number) for number in re.findall(r"Removed by Filter: (\d+)", plan))
        assert passed_over <= 31 * 3, plan


def test_a_bad_address_is_answered_beside_its_field(client: Client, cast: Cast) -> None:
    stories.in_requirements(cast)
    for name, value in (
        *(("standing", "x"), ("organisation", "9" * 30), ("service", "x")),
        *(("age", "-1"), ("due", "2026-13"), ("due", "0000-01"), ("due", "２０２６-01")),
    ):
        html = page(client, cast.auditor, f"{PAGE}?{name}={value}", 400)
        assert f'id="id_{name}_error"' in html, (name, value)
        assert shown(html) == 0
    page(client, cast.auditor, f"{PAGE}?page=nonsense", 400)
    page(client, cast.auditor, f"{PAGE}?due=2199-12")  # a month of an old link stays one


def test_the_number_of_queries_does_not_grow(client: Client, cast: Cast) -> None:
    client.force_login(cast.success)
    counted = []
    for make in (stories.in_requirements, stories.deployed, stories.in_deployment):
        make(cast)
        with CaptureQueriesContext(connection) as found:
            assert client.get(f"{PAGE}?standing=every").status_code == 200
        counted.append(len(found))
    assert counted[0] == counted[-1] <= 12, counted


def test_the_day_promised_ends_for_everybody_where_the_board_meets(
    client: Client, cast: Cast
) -> None:
    """Whoever reads it, wherever they are: on a page, in the list, in the export."""
    change = stories.in_requirements(cast)
    Change.objects.filter(pk=change.pk).update(promise_zone="America/Los_Angeles")
    change = Change.objects.get(pk=change.pk)
    assert change.due_on
    cast.success.time_zone = "Pacific/Auckland"
    cast.success.save()
    midnight = datetime.combine(change.due_on + DAY, time(), ZoneInfo("America/Los_Angeles"))
    minute = timedelta(minutes=1)
    for at, left, late in ((midnight - minute, "0 days", 0), (midnight + minute, "1 day late", 1)):
        with time_machine.travel(at, tick=False):
            for reader in (cast.success, cast.auditor):
                assert left in page(client, reader)
            assert len(queries.overdue(Change.objects.all())) == late
            assert len(client.get("/changes/?overdue=1").context["page"].rows) == late
            assert said_late_in_export(Change.objects.all(), cast.auditor) == late
