"""Who was at a meeting, as minutes and figures tell it."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from crb import lifecycle, periods, presence, rolls
from crb.minutes import compose, reading
from crb.models import Meeting
from crb.models.attendance import AttendanceMark as Row
from crb.models.attendance import steps
from tests.crb.conftest import Table
from tests.crb.test_attendance import fresh, mark

pytestmark = pytest.mark.django_db


def words(meeting: Meeting) -> dict[str, dict[str, str]]:
    """What the minutes say of each group of people."""
    view = reading(compose(fresh(meeting)), votes=False)
    return {group["label"]: dict(group["people"]) for group in view["attendance"]}


def test_of_several_marks_the_last_of_each_kind_tells_what_happened(table: Table) -> None:
    def course(*marks: str) -> list[str]:
        return [one.mark for one in steps(Row(mark=word) for word in marks)]

    assert course("present", "late") == ["late"]
    assert course("late", "left", "left", "present") == ["late", "left", "present"]
    assert course("late", "left", "excused") == ["excused"]
    assert course("excused", "telephone") == ["telephone"]


def test_minutes_say_who_came_how_and_when(table: Table) -> None:
    with time_machine.travel(datetime(2026, 3, 3, 14, tzinfo=UTC), tick=False) as at:
        table.meeting(days=0)
        meeting = table.running_item().meeting
        _chair, late, phone, excused, _nobody, own, _deputy = table.members
        lifecycle.join_meeting(meeting, actor=own)
        mark(table, meeting, phone, "telephone")
        lifecycle.join_meeting(meeting, actor=excused)
        mark(table, meeting, excused, "excused")
        at.shift(timedelta(minutes=20))
        mark(table, meeting, late, "late")
        lifecycle.mark_attendance(
            meeting, actor=table.chair, guest="Gail Guest", mark="present", is_presenter=True
        )
        at.shift(timedelta(minutes=30))
        mark(table, meeting, late, "left")
        mark(table, meeting, own, "left", at=timezone.now() - timedelta(minutes=5))
        at.shift(timedelta(minutes=5))
        mark(table, meeting, late, "present")
    found = words(meeting)
    assert found["Present"] == {
        str(table.chair): "Chair, from 14:00",
        str(late): "late, from 14:20, left at 14:50, back from 14:55",
        str(phone): "by telephone",
        str(own): "left at 14:45, own mark: from 14:00",
    }
    assert found["Guests"] == {"Gail Guest": "presents"}
    assert found["Apologies"] == {str(excused): "own mark: from 14:00"}
    assert set(found["Not present"]) == {str(_nobody), str(_deputy)}


def test_minutes_published_before_read_as_they_did(table: Table) -> None:
    meeting = table.running_item().meeting
    content = compose(fresh(meeting))
    old = content["attendance"]
    del old["guests"]
    old["present"] = [
        {name: one[name] for name in ("name", "seat", "for", "arrived")} for one in old["present"]
    ]
    view = reading(content, votes=False)
    assert view["attendance"][0]["people"][0][1].startswith("Chair, from ")


def test_figures_count_as_the_minutes_do(table: Table) -> None:
    """Marked as there without a word of one's own, and excused in spite of one."""
    meeting = table.running_item().meeting
    there, gone, away = table.members[1:4]
    mark(table, meeting, there, "telephone")
    mark(table, meeting, gone, "left")
    lifecycle.join_meeting(meeting, actor=away)
    mark(table, meeting, away, "excused")
    closed = lifecycle.close_meeting(meeting, actor=table.chair)
    period = periods.period_of(table.board, 12)
    counted = {one.user_id: one.present for one in presence.attendance(table.board, period)}
    assert {pk for pk, present in counted.items() if present} == {table.chair.pk, there.pk, gone.pk}
    loaded = list(rolls.with_attendances(Meeting.objects.filter(pk=closed.pk)))
    (roll,) = rolls.call(table.board, loaded)
    assert {entry.member for entry in roll.present} == {table.chair, there, gone}
    for member, taken in ((there, "present"), (away, "absent")):
        assert presence.with_presence(Meeting.objects.all(), member, taken).exists()
