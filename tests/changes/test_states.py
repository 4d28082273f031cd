"""The state machine says the same in all its places."""

import pytest
from django.db import DatabaseError, connection, transaction

from changes.models import Change
from changes.states import FINAL, LEGAL_MOVES, State
from tests.people import Cast
from tests.stories import MAKERS, change_in
from tests.turns import everywhere


def transitions() -> set[tuple[str, str]]:
    return {
        (move.source, move.target)
        for move in Change._meta.get_field("state").get_all_transitions(Change)
    }


def test_the_named_moves_are_the_legal_moves() -> None:
    table = {(old, new) for old, exits in LEGAL_MOVES.items() for new in exits}
    assert transitions() == table


@pytest.mark.xdist_group("everywhere")
def test_every_state_is_reached_by_the_steps_of_the_process(cast: Cast) -> None:
    assert set(MAKERS) == set(State)
    assert {change.state for change in everywhere(cast).values()} == set(State)


def move(change: Change, target: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE changes_change SET state = %s WHERE id = %s", [target, change.pk])


@pytest.mark.parametrize("state", State)
def test_the_database_refuses_every_move_that_is_not_legal(cast: Cast, state: State) -> None:
    change = change_in(state, cast)
    for target in set(State) - set(LEGAL_MOVES[state]) - {state}:
        with pytest.raises(DatabaseError):
            move(change, target)
    assert Change.objects.get(pk=change.pk).state == state


@pytest.mark.parametrize("state", sorted(FINAL))
def test_closed_stays_closed(cast: Cast, state: State) -> None:
    """But for what the board rejected by mistake: only to the board, which takes it back."""
    change = change_in(state, cast)
    back = {State.REJECTED: {State.BOARD}}.get(state, set())
    assert set(LEGAL_MOVES[state]) == back
    for target in set(State) - {state} - back:
        with pytest.raises(DatabaseError):
            move(change, target)


def test_a_state_of_the_other_path_is_refused_by_the_database(cast: Cast) -> None:
    change = change_in(State.SUBMITTED, cast)
    with pytest.raises(DatabaseError):
        move(change, State.REVIEW)  # a legal move, but the change has no type yet


def test_a_change_cannot_be_deleted(cast: Cast) -> None:
    change = change_in(State.SUBMITTED, cast)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM changes_change WHERE id = %s", [change.pk])


def test_the_state_cannot_be_assigned(cast: Cast) -> None:
    change = change_in(State.SUBMITTED, cast)
    with pytest.raises(AttributeError):
        change.state = State.CLOSED
