"""Who may turn a meeting to an item, in each of its states, written out by hand."""

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
"""
ROWS = rows_of(MATRIX)

STEPS: dict[str, Step] = {
    "go_to_item": lambda i, m, who: lifecycle.go_to_item(m, actor=who, item=i),
}


def test_every_step_and_state_has_its_row() -> None:
    assert [(row[0], row[1]) for row in ROWS] == [(step, s) for step in STEPS for s in STATES]
    assert {len(row) for row in ROWS} == {2 + len(PEOPLE)}


@pytest.mark.parametrize("state", STATES)
def test_matrix(table: Table, state: str) -> None:
    expected = expected_in(ROWS, state)
    assert answers(table, item_in(table, state), STEPS, expected) == expected
