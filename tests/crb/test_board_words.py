"""How the board's pages and files say what they say."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from accounts.roles import Role
from crb import lifecycle
from crb.minutes import compose, reading
from crb.models import Absence, Meeting
from crb.templatetags.board_ui import in_days
from tests.crb.conftest import Table
from tests.crb.test_minutes_file import file_of, read
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("days", "words"),
    [(-2, "2 days ago"), (-1, "yesterday"), (0, "today"), (1, "tomorrow"), (2, "in 2 days")],
)
def test_a_day_is_named_as_people_do(table: Table, days: int, words: str) -> None:
    meeting = table.meeting(days=0)
    meeting.date += timedelta(days=days)
    assert in_days(meeting) == words


def test_minutes_of_a_running_meeting_say_that_it_runs(table: Table) -> None:
    meeting = table.running_item().meeting
    said = str(reading(compose(meeting), votes=True))
    assert re.search(r"\d\d:\d\d (GMT|BST) \(Europe/London\), still running", said)


def test_lists_in_prose_are_lists_in_the_pdf(table: Table) -> None:
    text = "We agreed:\n- night porters\n- day porters\nThen we left.\n\n- alone"
    item = table.running_item()
    table.vote(item, *["accepted"] * 5)
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted", reason=text)
    lifecycle.write_minutes(item.meeting, actor=table.chair, text=text)
    lifecycle.write_minutes(item.meeting, actor=table.chair, text=text, item=item)
    _reader, said = read(file_of(Meeting.objects.get(pk=item.meeting_id)))
    assert said.count("• night porters") == 3
    assert "night porters" in said and "Then we left." in said and "alone" in said
    assert "- night" not in said and "- day" not in said and "- alone" not in said


def test_an_alternate_stands_once_for_whom(client: Client, table: Table) -> None:
    item = table.item()
    day = item.meeting.date
    Absence.objects.create(
        membership=table.board.memberships.get(user=table.members[1]),
        starts_on=day,
        ends_on=day + timedelta(days=1),
        alternate=person("Alice Alternate", Role.CRB_MEMBER),
    )
    client.force_login(table.chair)
    page = client.get(f"/board/meetings/{item.meeting_id}/?item={item.pk}").content.decode()
    row = next(one for one in page.split('class="ballot-who"')[1:] if "Alice Alternate" in one)
    assert row.partition("</li>")[0].count("for Max Member") == 1
