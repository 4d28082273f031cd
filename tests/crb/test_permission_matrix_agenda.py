"""Who may do what to an agenda, in which state of its meeting.

The people are those of ``matrix.PEOPLE``: the three with a seat are chair, deputy and members,
the raiser among them. An agenda that still fills itself is ``scheduled`` here; ``published`` is
the same meeting after its cut-off. ``+`` taken, ``-`` not for this person, ``~`` not the moment.
"""

import pytest
from django.db import transaction

from accounts.models import User
from changes.models import Change
from crb import lifecycle
from crb.models import AgendaItem, Meeting
from expansive_cm.workflow.errors import StepError
from tests.crb.conftest import Table
from tests.crb.matrix import PEOPLE, Step, answers, expected_in, item_in, rows_of
from tests.remembered import remembered

pytestmark = pytest.mark.django_db
STATES = ("scheduled", "published", "running", "closed", "cancelled")

MATRIX = """
publish_agenda    scheduled  + + - - - - - - - - -
publish_agenda    published  ~ ~ - - - - - - - - -
publish_agenda    running    ~ ~ - - - - - - - - -
publish_agenda    closed     ~ ~ - - - - - - - - -
publish_agenda    cancelled  ~ ~ - - - - - - - - -
add_late          scheduled  ~ ~ - - - - - - - - -
add_late          published  + + - - - - - - - - -
add_late          running    + + - - - - - - - - -
add_late          closed     ~ ~ - - - - - - - - -
add_late          cancelled  ~ ~ - - - - - - - - -
reorder_agenda    scheduled  + + - - - - - - - - -
reorder_agenda    published  + + - - - - - - - - -
reorder_agenda    running    + + - - - - - - - - -
reorder_agenda    closed     ~ ~ - - - - - - - - -
reorder_agenda    cancelled  ~ ~ - - - - - - - - -
plan_item         scheduled  + + - - - - - - - - -
plan_item         published  + + - - - - - - - - -
plan_item         running    + + - - - - - - - - -
plan_item         closed     ~ ~ - - - - - - - - -
plan_item         cancelled  ~ ~ - - - - - - - - -
defer_item        scheduled  + + - - - - - - - - -
defer_item        published  + + - - - - - - - - -
defer_item        running    + + - - - - - - - - -
defer_item        closed     ~ ~ - - - - - - - - -
defer_item        cancelled  ~ ~ - - - - - - - - -
pull_from_consent scheduled  + + + + - - - - - - -
pull_from_consent published  + + + + - - - - - - -
pull_from_consent running    + + + + - - - - - - -
pull_from_consent closed     ~ ~ ~ ~ - - - - - - -
pull_from_consent cancelled  ~ ~ ~ ~ - - - - - - -
record_consent    scheduled  ~ ~ - - - - - - - - -
record_consent    published  ~ ~ - - - - - - - - -
record_consent    running    + + - - - - - - - - -
record_consent    closed     ~ ~ - - - - - - - - -
record_consent    cancelled  ~ ~ - - - - - - - - -
"""
ROWS = rows_of(MATRIX)


def add_late(item: AgendaItem, meeting: Meeting, who: User) -> object:
    change = Change.objects.get(title="Late")
    return lifecycle.add_late(change, meeting, actor=who, reason="It burns.")


STEPS: dict[str, Step] = {
    "publish_agenda": lambda i, m, who: lifecycle.publish_agenda(m, actor=who),
    "add_late": add_late,
    "reorder_agenda": lambda i, m, who: lifecycle.reorder_agenda(m, actor=who, order=[]),
    "plan_item": lambda i, m, who: lifecycle.plan_item(i, actor=who, time_box=10),
    "defer_item": lambda i, m, who: lifecycle.defer_item(i, actor=who, reason="Later."),
    "pull_from_consent": lambda i, m, who: lifecycle.pull_from_consent(
        i, actor=who, reason="Costs?"
    ),
    "record_consent": lambda i, m, who: lifecycle.record_consent(m, actor=who),
}


def test_every_step_and_state_has_its_row() -> None:
    assert [(row[0], row[1]) for row in ROWS] == [(step, s) for step in STEPS for s in STATES]
    assert {len(row) for row in ROWS} == {2 + len(PEOPLE)}


@pytest.mark.parametrize("state", STATES)
def test_matrix(table: Table, state: str) -> None:
    expected = expected_in(ROWS, state)
    assert answers(table, agreed_item(table, state), STEPS, expected) == expected


@remembered
def agreed_item(table: Table, state: str) -> AgendaItem:
    """A consent item in a meeting of this state, while another change waits off its agenda."""
    table.board.consent_count = 2
    table.board.save()
    item = item_in(table, "scheduled")
    lifecycle.cast_vote(item, actor=table.members[1], choice="accepted")
    meeting = item.meeting
    if state in ("published", "running", "closed"):
        lifecycle.publish_agenda(meeting, actor=table.chair)
    if state in ("running", "closed"):
        meeting = lifecycle.start_meeting(meeting, actor=table.chair)
    if state == "closed":
        lifecycle.close_meeting(meeting, actor=table.chair)
    if state == "cancelled":
        lifecycle.cancel_meeting(meeting, actor=table.chair, reason="Snow.")
    table.change("Late")
    return AgendaItem.objects.get(pk=item.pk)


def test_what_is_refused_changes_nothing(table: Table) -> None:
    item = agreed_item(table, "published")
    before = AgendaItem.history.count()
    for verb, step in STEPS.items():
        with pytest.raises(StepError), transaction.atomic():
            step(item, Meeting.objects.get(pk=item.meeting_id), table.cast.support)
        assert AgendaItem.history.count() == before, verb
