"""Who moves and calls meetings and records absences, in each state of a meeting, by hand."""

from datetime import time, timedelta

import pytest

from crb import lifecycle
from crb.models import Absence, AgendaItem, Meeting, Membership
from tests.crb.conftest import Table
from tests.crb.matrix import PEOPLE, STATES, Step, answers, expected_in, item_in, rows_of

pytestmark = pytest.mark.django_db

MATRIX = """
move_meeting     scheduled  + + - - - - - - - - -
move_meeting     running    ~ ~ - - - - - - - - -
move_meeting     closed     ~ ~ - - - - - - - - -
move_meeting     cancelled  ~ ~ - - - - - - - - -
call_meeting     scheduled  + + - - - - - - - - -
call_meeting     running    + + - - - - - - - - -
call_meeting     closed     + + - - - - - - - - -
call_meeting     cancelled  + + - - - - - - - - -
record_absence   scheduled  + + + - - - - - - - -
record_absence   running    + + + - - - - - - - -
record_absence   closed     + + + - - - - - - - -
record_absence   cancelled  + + + - - - - - - - -
withdraw_absence scheduled  + + + - - - - - - - -
withdraw_absence running    + + + - - - - - - - -
withdraw_absence closed     + + + - - - - - - - -
withdraw_absence cancelled  + + + - - - - - - - -
make_feed        scheduled  + + + + - - - - - - -
make_feed        running    + + + + - - - - - - -
make_feed        closed     + + + + - - - - - - -
make_feed        cancelled  + + + + - - - - - - -
will_attend      scheduled  + + + + - - - - - - -
will_attend      running    + + + + - - - - - - -
will_attend      closed     + + + + - - - - - - -
will_attend      cancelled  + + + + - - - - - - -
"""
ROWS = rows_of(MATRIX)
MEMBER = "max.member@expansive.example"
LATER = {"start": time(9), "length_minutes": 30}


def absence_of_a_member(item: AgendaItem) -> Absence:
    """The CRB member of the cast is away; nobody else in the matrix is that person."""
    today = item.meeting.board.today + timedelta(days=30)
    term = Membership.objects.get(user__email=MEMBER)
    return Absence.objects.create(membership=term, starts_on=today, ends_on=today)


def record(item: AgendaItem, meeting: Meeting, who: object) -> object:
    term = Membership.objects.get(user__email=MEMBER)
    day = meeting.board.today + timedelta(days=20)
    return lifecycle.record_absence(term, actor=who, starts_on=day, ends_on=day)


def later(meeting: Meeting) -> dict[str, object]:
    """Some day that may be at a weekend: this is about who may, not when."""
    return {"date": meeting.board.today + timedelta(days=40), "on_day_off": True, **LATER}


STEPS: dict[str, Step] = {
    "move_meeting": lambda i, m, who: lifecycle.move_meeting(
        m, actor=who, reason="Clash.", **later(m)
    ),
    "call_meeting": lambda i, m, who: lifecycle.call_meeting(
        m.board, actor=who, purpose="A fault.", **later(m)
    ),
    "record_absence": record,
    "withdraw_absence": lambda i, m, who: lifecycle.withdraw_absence(
        absence_of_a_member(i), actor=who
    ),
    "make_feed": lambda i, m, who: lifecycle.make_feed(actor=who),
    "will_attend": lambda i, m, who: lifecycle.will_attend(m, actor=who),
}


def test_every_step_and_state_has_its_row() -> None:
    assert [(row[0], row[1]) for row in ROWS] == [(step, s) for step in STEPS for s in STATES]
    assert {len(row) for row in ROWS} == {2 + len(PEOPLE)}


@pytest.mark.parametrize("state", STATES)
def test_matrix(table: Table, state: str) -> None:
    expected = expected_in(ROWS, state)
    assert answers(table, item_in(table, state), STEPS, expected) == expected
