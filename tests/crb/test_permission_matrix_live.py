"""Who may turn a meeting to an item and mark who is there, by its state, written out by hand."""

import pytest

from crb import lifecycle
from tests.crb.conftest import Table
from tests.crb.matrix import PEOPLE, STATES, Step, answers, expected_in, item_in, rows_of

pytestmark = pytest.mark.django_db

MATRIX = """
go_to_item scheduled  ~ ~ - - - - - - - - -
go_to_item running    + + - - - - - - - - -
go_to_item closed     ~ ~ - - - - - - - - -
go_to_item cancelled  ~ ~ - - - - - - - - -
mark_attendance scheduled ~ ~ - - - - - - - - -
mark_attendance running   + + - - - - - - - - -
mark_attendance closed    ~ ~ - - - - - - - - -
mark_attendance cancelled ~ ~ - - - - - - - - -
take_back_mark  scheduled ~ ~ - - - - - - - - -
take_back_mark  running   ~ ~ - - - - - - - - -
take_back_mark  closed    ~ ~ - - - - - - - - -
take_back_mark  cancelled ~ ~ - - - - - - - - -
"""
ROWS = rows_of(MATRIX)

STEPS: dict[str, Step] = {
    "go_to_item": lambda i, m, who: lifecycle.go_to_item(m, actor=who, item=i),
    "mark_attendance": lambda i, m, who: lifecycle.mark_attendance(
        m, actor=who, guest="Gail Guest", mark="present"
    ),
    # Nobody is marked: whoever may take marks back is told that there is none.
    "take_back_mark": lambda i, m, who: lifecycle.take_back_mark(m, actor=who, guest="Gail Guest"),
}


def test_every_step_and_state_has_its_row() -> None:
    assert [(row[0], row[1]) for row in ROWS] == [(step, s) for step in STEPS for s in STATES]
    assert {len(row) for row in ROWS} == {2 + len(PEOPLE)}


@pytest.mark.parametrize("state", STATES)
def test_matrix(table: Table, state: str) -> None:
    expected = expected_in(ROWS, state)
    assert answers(table, item_in(table, state), STEPS, expected) == expected
