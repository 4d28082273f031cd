"""Who may write, publish and amend minutes, and look after actions, in each state."""

import pytest

from crb import lifecycle
from crb.models import Action, AgendaItem, Meeting
from tests.crb.conftest import Table
from tests.crb.matrix import PEOPLE, Step, answers, expected_in, item_in, rows_of
from tests.remembered import remembered

pytestmark = pytest.mark.django_db

STATES = ("scheduled", "running", "closed", "published", "cancelled")

# Dan Developer owns the action, which is there from the opening on.
MATRIX = """
write_minutes   scheduled  ~ ~ - - - - - - - - -
write_minutes   running    + + - - - - - - - - -
write_minutes   closed     + + - - - - - - - - -
write_minutes   published  ~ ~ - - - - - - - - -
write_minutes   cancelled  ~ ~ - - - - - - - - -
record_action   scheduled  ~ ~ - - - - - - - - -
record_action   running    + + - - - - - - - - -
record_action   closed     + + - - - - - - - - -
record_action   published  ~ ~ - - - - - - - - -
record_action   cancelled  ~ ~ - - - - - - - - -
publish_minutes scheduled  ~ ~ - - - - - - - - -
publish_minutes running    ~ ~ - - - - - - - - -
publish_minutes closed     + + - - - - - - - - -
publish_minutes published  ~ ~ - - - - - - - - -
publish_minutes cancelled  ~ ~ - - - - - - - - -
add_addendum    scheduled  ~ ~ - - - - - - - - -
add_addendum    running    ~ ~ - - - - - - - - -
add_addendum    closed     ~ ~ - - - - - - - - -
add_addendum    published  + + - - - - - - - - -
add_addendum    cancelled  ~ ~ - - - - - - - - -
edit_action     running    + + - - - - - - - - -
edit_action     closed     + + - - - - - - - - -
edit_action     published  + + - - - - - - - - -
drop_action     running    + + - - - - - - - - -
drop_action     closed     + + - - - - - - - - -
drop_action     published  + + - - - - - - - - -
complete_action running    + + - - - + - - - - -
complete_action closed     + + - - - + - - - - -
complete_action published  + + - - - + - - - - -
hand_over       running    - - - - - - - + - - -
hand_over       closed     - - - - - - - + - - -
hand_over       published  - - - - - - - + - - -
"""
ROWS = rows_of(MATRIX)


def action(item: AgendaItem) -> Action:
    return Action.objects.get(meeting=item.meeting_id)


def owner(item: AgendaItem) -> dict[str, object]:
    """What an action needs besides its text, the same as it has."""
    from accounts.models import User

    developer = User.objects.get(display_name="Dan Developer")
    return {"owner": developer, "due_on": item.meeting.date}


STEPS: dict[str, Step] = {
    "write_minutes": lambda i, m, who: lifecycle.write_minutes(m, actor=who, text="Welcome."),
    "record_action": lambda i, m, who: lifecycle.record_action(
        m, actor=who, text="Ask.", **owner(i)
    ),
    "publish_minutes": lambda i, m, who: lifecycle.publish_minutes(m, actor=who),
    "add_addendum": lambda i, m, who: lifecycle.add_addendum(m, actor=who, text="More."),
    "edit_action": lambda i, m, who: lifecycle.edit_action(
        action(i), actor=who, text="Ask twice.", **owner(i)
    ),
    "drop_action": lambda i, m, who: lifecycle.drop_action(action(i), actor=who),
    "complete_action": lambda i, m, who: lifecycle.complete_action(action(i), actor=who),
    "hand_over": lambda i, m, who: lifecycle.hand_over_actions(
        action(i).owner, action(i).recorded_by, who, "Dan leaves."
    ),
}
ON_ACTIONS = ("edit_action", "drop_action", "complete_action", "hand_over")


@remembered
def placed(table: Table, state: str) -> AgendaItem:
    """An item of a meeting in this state, with an action from the time it ran."""
    item = item_in(table, "scheduled" if state not in ("cancelled",) else state)
    if state in ("scheduled", "cancelled"):
        return item
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    lifecycle.record_action(item.meeting, actor=table.chair, text="Ask.", **owner(item))
    if state != "running":
        lifecycle.close_meeting(Meeting.objects.get(pk=item.meeting_id), actor=table.chair)
    if state == "published":
        lifecycle.publish_minutes(Meeting.objects.get(pk=item.meeting_id), actor=table.chair)
    return AgendaItem.objects.get(pk=item.pk)


def test_every_step_and_state_has_its_row() -> None:
    held = ("running", "closed", "published")
    expected = [
        (step, state) for step in STEPS for state in (held if step in ON_ACTIONS else STATES)
    ]
    assert [(row[0], row[1]) for row in ROWS] == expected
    assert {len(row) for row in ROWS} == {2 + len(PEOPLE)}


@pytest.mark.parametrize("state", STATES)
def test_matrix(table: Table, state: str) -> None:
    expected = expected_in(ROWS, state)
    assert answers(table, placed(table, state), STEPS, expected) == expected
