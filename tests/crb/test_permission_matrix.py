"""Who may take which step of the board in each state of a meeting, written out by hand."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import override_settings

from accounts.models import User
from crb import lifecycle
from crb.models import AgendaItem, Meeting
from expansive_cm.workflow.errors import StepError
from tests.crb.conftest import Table
from tests.crb.matrix import (
    PEOPLE,
    STATES,
    Step,
    answers,
    answers_to,
    expected_in,
    item_in,
    rows_of,
)

pytestmark = pytest.mark.django_db

MATRIX = """
start_meeting  scheduled  + + - - - - - - - - -
start_meeting  running    ~ ~ - - - - - - - - -
start_meeting  closed     ~ ~ - - - - - - - - -
start_meeting  cancelled  ~ ~ - - - - - - - - -
join_meeting   scheduled  ~ ~ ~ ~ - - - - - - -
join_meeting   running    + + + + - - - - - - -
join_meeting   closed     ~ ~ ~ ~ - - - - - - -
join_meeting   cancelled  ~ ~ ~ ~ - - - - - - -
cast_vote      scheduled  + + + - - - - - - - -
cast_vote      running    + + + - - - - - - - -
cast_vote      closed     ~ ~ ~ - - - - - - - -
cast_vote      cancelled  ~ ~ ~ - - - - - - - -
recuse         scheduled  + + + - - - - - - - -
recuse         running    + + + - - - - - - - -
recuse         closed     ~ ~ ~ - - - - - - - -
recuse         cancelled  ~ ~ ~ - - - - - - - -
record_outcome scheduled  ~ ~ - - - - - - - - -
record_outcome running    + + - - - - - - - - -
record_outcome closed     ~ ~ - - - - - - - - -
record_outcome cancelled  ~ ~ - - - - - - - - -
take_back_outcome scheduled  ~ ~ - - - - - - - - -
take_back_outcome running    + + - - - - - - - - -
take_back_outcome closed     ~ ~ - - - - - - - - -
take_back_outcome cancelled  ~ ~ - - - - - - - - -
reconsider_decision scheduled ~ ~ - - - - - - - - -
reconsider_decision running   ~ ~ - - - - - - - - -
reconsider_decision closed    ~ ~ - - - - - - - - -
reconsider_decision cancelled ~ ~ - - - - - - - - -
replan_promise scheduled  ~ ~ - - - - - - - - -
replan_promise running    ~ ~ - - - - - - - - -
replan_promise closed     ~ ~ - - - - - - - - -
replan_promise cancelled  ~ ~ - - - - - - - - -
close_meeting  scheduled  ~ ~ - - - - - - - - -
close_meeting  running    + + - - - - - - - - -
close_meeting  closed     ~ ~ - - - - - - - - -
close_meeting  cancelled  ~ ~ - - - - - - - - -
cancel_meeting scheduled  + + - - - - - - - - -
cancel_meeting running    ~ ~ - - - - - - - - -
cancel_meeting closed     ~ ~ - - - - - - - - -
cancel_meeting cancelled  ~ ~ - - - - - - - - -
"""
ROWS = rows_of(MATRIX)


def take_back_outcome(item: AgendaItem, meeting: Meeting, who: User) -> None:
    """Take back what was recorded a moment ago, where an outcome can be recorded."""
    leader = next(iter(meeting.led_by.values()))
    with recorded(item, leader):
        take_back(AgendaItem.objects.get(pk=item.pk), meeting, who)


@contextmanager
def recorded(item: AgendaItem, leader: User) -> Iterator[None]:
    """An outcome is recorded, where one can be, and there is time to take it back."""
    with override_settings(OUTCOME_UNDO_SECONDS=300):
        with suppress(StepError):
            lifecycle.record_outcome(item, actor=leader, outcome="accepted")
        yield


def take_back(item: AgendaItem, _meeting: Meeting, who: User) -> None:
    lifecycle.take_back_outcome(item, actor=who, reason="The wrong one.")


STEPS: dict[str, Step] = {
    "start_meeting": lambda i, m, who: lifecycle.start_meeting(m, actor=who),
    "join_meeting": lambda i, m, who: lifecycle.join_meeting(m, actor=who),
    "cast_vote": lambda i, m, who: lifecycle.cast_vote(i, actor=who, choice="accepted"),
    "recuse": lambda i, m, who: lifecycle.recuse(i, actor=who, reason="My project."),
    "record_outcome": lambda i, m, who: lifecycle.record_outcome(i, actor=who, outcome="accepted"),
    "take_back_outcome": lambda i, m, who: take_back_outcome(i, m, who),
    "reconsider_decision": lambda i, m, who: lifecycle.reconsider_decision(
        i, actor=who, reason="It pays."
    ),
    "replan_promise": lambda i, m, who: lifecycle.replan_promise(
        i, actor=who, reason="It takes longer.", due_on=i.meeting.board.today + timedelta(days=9)
    ),
    "close_meeting": lambda i, m, who: lifecycle.close_meeting(m, actor=who),
    "cancel_meeting": lambda i, m, who: lifecycle.cancel_meeting(m, actor=who, reason="Snow."),
}


def test_every_step_and_state_has_its_row() -> None:
    assert [(row[0], row[1]) for row in ROWS] == [(step, s) for step in STEPS for s in STATES]
    assert {len(row) for row in ROWS} == {2 + len(PEOPLE)}


@pytest.mark.parametrize("state", STATES)
def test_matrix(table: Table, state: str) -> None:
    expected, item = expected_in(ROWS, state), item_in(table, state)
    found = answers(table, item, STEPS, [verb for verb in STEPS if verb != "take_back_outcome"])
    with transaction.atomic(), recorded(item, table.chair):  # once for all who try
        found["take_back_outcome"] = answers_to(take_back, table, item)
        transaction.set_rollback(True)
    assert found == expected
