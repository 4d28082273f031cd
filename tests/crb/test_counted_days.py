"""When a decision counts: a ballot's from the day it was opened, an early meeting's at once."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crb import lifecycle, periods, presence
from crb.models import AgendaItem, BoardOutcome, Meeting
from crb.overtime import figures
from tests.crb.conftest import Table

pytestmark = pytest.mark.django_db
MARCH = datetime(2026, 3, 30, 10, tzinfo=UTC)
APRIL = datetime(2026, 4, 20, 10, tzinfo=UTC)


def decided_by_ballot(table: Table, days: int) -> BoardOutcome:
    """A decision of today in a ballot whose deadline is some days from now."""
    ballot = lifecycle.open_ballot(
        table.board,
        actor=table.chair,
        changes=[table.change()],
        deadline=timezone.now() + timedelta(days=days),
        reason="Urgent.",
    )
    item = ballot.items.get()
    table.vote(item, *["accepted"] * 5)
    return lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")


def decided_early(table: Table, days: int) -> BoardOutcome:
    """A decision of today in a meeting that was planned for some days from now."""
    table.meeting(days=days)
    item = table.running_item()
    table.vote(item, *["accepted"] * 5)
    found = lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    lifecycle.close_meeting(Meeting.objects.get(pk=item.meeting_id), actor=table.chair)
    return found


DECIDED = (decided_by_ballot, decided_early)


@pytest.mark.parametrize("decide", DECIDED)
def test_every_figure_counts_it_on_the_day_it_was_opened(
    table: Table, decide: object, client: Client
) -> None:
    with time_machine.travel(MARCH, tick=False):
        outcome = decide(table, 40)
        meeting = AgendaItem.objects.get(outcome=outcome).meeting
        assert figures.headline(table.board, table.chair, period(table, 3)).decided == 1
    with time_machine.travel(APRIL, tick=False):
        found = period(table, 3)
        assert list(figures.durations_by_month(table.board, table.chair, found)) == [
            date(2026, 3, 1)
        ]
        rows = figures.outcomes_by_meeting(table.board, table.chair, found)
        assert [(one.meeting, one.counts) for one in rows] == [(meeting, {"accepted": 1})]
        assert figures.promises(table.board, table.chair, found) == {"open": 1}
        client.force_login(table.cast.auditor)
        days = {"board": table.board.pk, "since": "2026-03-30", "until": "2026-03-30"}
        page = client.get(reverse("crb:decisions"), days).content.decode()
        assert outcome.item.change.title in page
        assert "30 Mar 2026" in page
        assert f"{meeting.date:%-d %b %Y}" not in page
        answer = client.get(reverse("crb:export_decisions"), days)
        file = b"".join(answer.streaming_content).decode()
        assert "2026-03-30" in file
        assert f"{meeting.date}" not in file


def test_who_came_to_a_meeting_opened_early_counts_at_once(table: Table) -> None:
    decided_early(table, 5)
    found = {one.name: one for one in presence.attendance(table.board, period(table, 3))}
    assert found["Cora Chair"].held == found["Cora Chair"].present == 1


def period(table: Table, months: int) -> periods.Period:
    return periods.period_of(table.board, months)
