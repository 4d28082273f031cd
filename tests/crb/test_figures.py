"""The board's figures over time, computed by hand; the story is told in ``history.py``."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from changes import lifecycle as change_lifecycle
from changes.models import Change
from crb import outlook, periods, presence, queries
from crb.models import Absence, AgendaItem, BoardOutcome
from crb.overtime import figures
from tests import stories
from tests.crb.conftest import Table, new_board, seat
from tests.crb.history import TODAY, half_a_year

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(table: Table) -> Iterator[dict[str, Change]]:
    """The story, on the day on which it is looked back upon."""
    changes = half_a_year(table)
    with time_machine.travel(TODAY, tick=False):
        yield changes


def period(table: Table, months: int = 12) -> periods.Period:
    return periods.period_of(table.board, months)


def test_a_period_ends_today_and_begins_the_day_after_the_same_day_back_then(table: Table) -> None:
    with time_machine.travel(TODAY, tick=False):
        assert period(table, 3) == periods.Period(3, date(2026, 3, 31), date(2026, 6, 30))
        assert period(table, 12) == periods.Period(12, date(2025, 7, 1), date(2026, 6, 30))


def test_today_is_where_the_board_meets(table: Table) -> None:
    with time_machine.travel(datetime(2026, 6, 30, 23, 30, tzinfo=UTC), tick=False):
        assert period(table, 3).until == date(2026, 7, 1)


def test_decisions_by_outcome_per_meeting(table: Table, told: dict[str, Change]) -> None:
    """Days are counted to the decision that settled the request."""
    found = figures.outcomes_by_meeting(table.board, table.chair, period(table))
    assert [(one.meeting.date, dict(one.counts)) for one in found] == [
        (date(2026, 3, 3), {"accepted": 1, "information_required": 1}),
        (date(2026, 3, 17), {"accepted_as_priority": 1, "rejected": 1}),
        (date(2026, 4, 14), {"accepted": 1, "information_required": 1}),
        (date(2026, 6, 2), {"accepted": 2}),
    ]
    settled = figures.settled(figures.decisions(table.board, table.chair))
    assert list(settled.order_by("pk").values_list("item__change__title", "days")) == [
        ("Rooms", 11),
        ("Alarms", 21),
        ("Labels", 16),
        ("Theme", 35),
        ("Theme", 84),
        ("Doors", 13),
    ]


def test_days_are_those_of_the_boards_zone(table: Table) -> None:
    """Half past eleven at night in UTC is the next day in London in summer."""
    with time_machine.travel(datetime(2026, 6, 1, 23, 30, tzinfo=UTC), tick=False):
        table.meeting(date=date(2026, 6, 10))
        table.item()
    with time_machine.travel(datetime(2026, 6, 10, 14, tzinfo=UTC), tick=False):
        table.running_item("Another")
        table.decide(AgendaItem.objects.get(change__title="Rooms at night"), "accepted")
    assert figures.decisions(table.board, table.chair).get().days == 8


def test_the_headline(table: Table, told: dict[str, Change]) -> None:
    found = figures.headline(table.board, table.chair, period(table))
    assert found.decided == 8
    # 11 13 16 21 35 84: between 16 and 21; half the way from 35 to 84.
    assert found.duration == figures.Duration(6, 18.5, 59.5)
    assert (found.overdue, found.promised) == (1, 3)
    assert found.questions == 1
    assert found.oldest_question == datetime(2026, 4, 14, 14, tzinfo=UTC)
    assert found.waiting == 0
    # Chair, Ben and Bea 4 each, Max 3 and an alternate; 6 members with 4 seats, Bob with 2.
    assert (found.taken, found.seats, found.attendance) == (16, 26, 62)
    # A shorter period has less.
    found = figures.headline(table.board, table.chair, period(table, 3))
    assert found.decided == 4
    assert found.duration == figures.Duration(3, 35, 74.2)
    assert (found.taken, found.seats) == (8, 14)
    assert (found.overdue, found.questions) == (1, 1), "what is open now has no period"
    promises = figures.promises(table.board, table.chair, period(table))
    assert promises == {"open": 2, "overdue": 1, "void": 1, "withdrawn": 1}
    # They end where a person sees nothing.
    found = figures.headline(table.board, table.cast.stranger_customer, period(table))
    assert (found.decided, found.duration.count, found.promised, found.questions) == (0, 0, 0, 0)


def test_durations_by_month(table: Table, told: dict[str, Change]) -> None:
    found = figures.durations_by_month(table.board, table.chair, period(table))
    assert found == {
        date(2026, 3, 1): figures.Duration(3, 16, 20),
        date(2026, 4, 1): figures.Duration(1, 35, 35),
        date(2026, 6, 1): figures.Duration(2, 48.5, pytest.approx(76.9)),
    }
    assert found[date(2026, 6, 1)].over == 76
    # A month at the edge of a period is cut.
    three = period(table, 3)
    assert three.month(date(2026, 3, 1)) == (date(2026, 3, 31), date(2026, 3, 31))
    assert three.month(date(2026, 4, 1)) == (date(2026, 4, 1), date(2026, 4, 30))
    assert three.month(date(2026, 6, 1)) == (date(2026, 6, 1), date(2026, 6, 30))


@pytest.mark.parametrize(("days", "state"), [(1, "kept"), (0, "kept"), (-1, "late")])
def test_a_promise_is_kept_by_closing_in_time(table: Table, days: int, state: str) -> None:
    change = stories.deployed(table.cast)
    change = change_lifecycle.answer_confirmation(
        change, actor=table.cast.requester, confirmed=True
    )
    Change.objects.filter(pk=change.pk).update(due_on=timezone.localdate() + timedelta(days=days))
    item = AgendaItem.objects.create(meeting=table.meeting(), change=change, position=1, kind="new")
    BoardOutcome.objects.create(
        item=item, decision=change.board_decisions.get(), recorded_by=table.chair, sentence="–"
    )
    assert figures.decisions(table.board, table.chair).get().promise == state


def test_attendance_of_each_member(table: Table, told: dict[str, Change]) -> None:
    found = presence.attendance(table.board, period(table))
    assert [(one.name, one.held, one.present, one.alternate, one.absent) for one in found] == [
        ("Bea Board", 4, 4, 0, 0),
        ("Ben Board", 4, 4, 0, 0),
        ("Bo Board", 4, 0, 0, 4),
        ("Bob Board", 2, 0, 0, 2),
        ("Cora Chair", 4, 4, 0, 0),
        ("Dora Deputy", 4, 0, 0, 4),
        ("Max Member", 4, 3, 1, 0),
    ]
    assert found[-1].alternates == (("Alf Alternate", 1),)
    assert found[-1].share == 75
    # A ballot is no meeting that one attends.
    table.meeting(
        date=date(2026, 6, 9), kind="ballot", purpose="Urgent.", deadline=TODAY, state="closed"
    )
    assert presence.attendance(table.board, period(table)) == found
    assert len(figures.outcomes_by_meeting(table.board, table.chair, period(table))) == 4


def test_two_terms_of_one_member_are_counted_together_and_another_board_has_its_own(
    table: Table, told: dict[str, Change]
) -> None:
    other = new_board(name="Another board")
    other.organisations.add(table.cast.meridian)
    theirs = figures.headline(other, table.chair, periods.period_of(other, 12))
    assert theirs == figures.Headline(0, figures.Duration(), 0, 0, 0, None, 0, 0, 0)
    assert presence.attendance(other, periods.period_of(other, 12)) == []
    ben = table.members[2]
    table.board.memberships.filter(user=ben).update(ends_on=date(2026, 3, 10))
    seat(table.board, ben, starts_on=date(2026, 6, 1))
    found = {one.name: one for one in presence.attendance(table.board, period(table))}
    assert (found["Ben Board"].held, found["Ben Board"].present) == (2, 2)


# The next agendas


def outlooks(table: Table) -> list[outlook.Outlook]:
    meetings = queries.open_meetings(table.board, table.chair)
    return outlook.outlooks(meetings, outlook.Roster(table.board, table.board.today))


def test_the_load_of_an_agenda(table: Table) -> None:
    first = table.item("One")
    for title in ("Two", "Three"):
        table.item(title)
    AgendaItem.objects.filter(change__title="One").update(time_box=50)
    AgendaItem.objects.filter(change__title="Two").update(time_box=45)
    later = table.meeting(days=21)
    found = outlooks(table)
    assert [(one.meeting, one.items, one.minutes, one.without_time_box) for one in found] == [
        (first.meeting, 3, 95, 1),
        (later, 0, 0, 0),
    ]
    assert [one.is_too_long for one in found] == [True, False], "meetings last 90 minutes"


def test_the_outlook_for_quorum(table: Table) -> None:
    meeting = table.meeting(days=7)
    assert [(one.table.expected, one.needed, one.has_quorum) for one in outlooks(table)] == [
        (7, 4, True)
    ]
    for number, user in enumerate(table.members[1:5]):
        Absence.objects.create(
            membership=table.board.memberships.get(user=user),
            starts_on=meeting.date,
            ends_on=meeting.date,
            alternate=table.cast.stranger_success if number == 0 else None,
        )
    found = outlooks(table)[0]
    assert (found.table.expected, len(found.table.seats), found.has_quorum) == (3, 7, False)


@pytest.mark.parametrize(
    "case", ["", "alternate", "unfit alternate", "nobody", "left", "withdrawn"]
)
def test_tables_are_those_of_members_on(table: Table, case: str) -> None:
    """What is read once for many days answers as a question for each day does."""
    day = table.board.today
    membership = table.board.memberships.get(user=table.members[1])
    alternates = {"alternate": table.cast.chair, "unfit alternate": table.cast.support}
    if case:
        Absence.objects.create(
            membership=membership,
            starts_on=day + timedelta(days=1),
            ends_on=day + timedelta(days=3),
            alternate=alternates.get(case),
            withdrawn_at=timezone.now() if case == "withdrawn" else None,
        )
    if case == "left":
        type(table.members[1]).objects.filter(pk=table.members[1].pk).update(is_active=False)
    days = [day + timedelta(days=number) for number in (0, 1, 3, 4)]
    roster = outlook.Roster(table.board, day)
    for one in days:
        assert roster.on(one).seats == table.board.members_on(one)


def test_which_board_decides_is_asked_of_customers(table: Table) -> None:
    change = table.change()
    own = new_board(name="Harbour's board")
    own.organisations.add(table.cast.harbour)
    assert list(queries.waiting_for(own)) == [change]
    assert list(queries.waiting_for(table.board)) == []
    own.is_active = False
    own.save()
    assert list(queries.waiting_for(table.board)) == [change]


def test_the_page_of_promises_counts_what_the_board_counts(
    table: Table, told: dict[str, Change], client: Client
) -> None:
    counts = figures.promises(table.board, table.chair, period(table))
    client.force_login(table.chair)
    page = client.get(reverse("changes:promises"), {"board": table.board.pk})
    assert len(page.context["rows"]) == 3
    assert "board" not in page.context["form"].fields, "where one promised all, nothing is chosen"
    assert not page.context["form"].active
    other = new_board(name="Another board")
    for board, opened, broken in ((table.board, 3, counts["overdue"]), (other, 0, 0)):
        page = client.get(reverse("changes:promises"), {"board": board.pk})
        assert len(page.context["rows"]) == opened
        found = {stat["label"]: stat["value"] for stat in page.context["stats"]}
        assert (found["Broken"], sum(found.values())) == (broken, opened)
    assert client.get(reverse("changes:promises"), {"board": "1x"}).status_code == 400
