"""Who may take which step of the board in each state of a meeting, written out by hand.

``+`` the step is taken, ``-`` it is not for this person (403), ``~`` it is not the moment (409).
"""

from collections.abc import Callable

import pytest
from django.db import transaction

from accounts.models import User
from changes.errors import StepError
from crb import lifecycle
from crb.models import AgendaItem, Meeting
from tests.crb.conftest import Table

pytestmark = pytest.mark.django_db

PEOPLE = (
    "chair",
    "deputy",
    "crb_member",
    "raiser",
    "support",
    "developer",
    "auditor",
    "administrator",
    "requester",
    "stranger_customer",
    "nobody",
)
STATES = ("scheduled", "running", "closed", "cancelled")

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
close_meeting  scheduled  ~ ~ - - - - - - - - -
close_meeting  running    + + - - - - - - - - -
close_meeting  closed     ~ ~ - - - - - - - - -
close_meeting  cancelled  ~ ~ - - - - - - - - -
cancel_meeting scheduled  + + - - - - - - - - -
cancel_meeting running    ~ ~ - - - - - - - - -
cancel_meeting closed     ~ ~ - - - - - - - - -
cancel_meeting cancelled  ~ ~ - - - - - - - - -
"""
ROWS = [line.split() for line in MATRIX.strip().splitlines()]


def person_of(table: Table, part: str) -> User:
    if part == "raiser":
        return table.members[4]
    if part in ("chair", "deputy"):
        return getattr(table, part)
    return getattr(table.cast, part)


def item_in(table: Table, state: str) -> AgendaItem:
    """An item whose change a member raised, with a tally that decides, in such a meeting."""
    item = table.item()
    raiser = table.members[4]
    type(item.change).objects.filter(pk=item.change_id).update(raised_by=raiser)
    table.vote(item, "", "", *["accepted"] * 2)
    lifecycle.cast_vote(item, actor=table.members[5], choice="accepted")
    meeting = item.meeting
    if state in ("running", "closed"):
        meeting = lifecycle.start_meeting(meeting, actor=table.chair)
    if state == "closed":
        lifecycle.close_meeting(meeting, actor=table.chair)
    if state == "cancelled":
        lifecycle.cancel_meeting(meeting, actor=table.chair, reason="Snow.")
    return AgendaItem.objects.get(pk=item.pk)


STEPS: dict[str, Callable[[AgendaItem, Meeting, User], object]] = {
    "start_meeting": lambda i, m, who: lifecycle.start_meeting(m, actor=who),
    "join_meeting": lambda i, m, who: lifecycle.join_meeting(m, actor=who),
    "cast_vote": lambda i, m, who: lifecycle.cast_vote(i, actor=who, choice="accepted"),
    "recuse": lambda i, m, who: lifecycle.recuse(i, actor=who, reason="My project."),
    "record_outcome": lambda i, m, who: lifecycle.record_outcome(i, actor=who, outcome="accepted"),
    "close_meeting": lambda i, m, who: lifecycle.close_meeting(m, actor=who),
    "cancel_meeting": lambda i, m, who: lifecycle.cancel_meeting(m, actor=who, reason="Snow."),
}


def test_every_step_and_state_has_its_row() -> None:
    assert [(row[0], row[1]) for row in ROWS] == [(step, s) for step in STEPS for s in STATES]
    assert {len(row) for row in ROWS} == {2 + len(PEOPLE)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_matrix(table: Table, row: list[str]) -> None:
    verb, state, *expected = row
    item = item_in(table, state)
    found = {part: answer(verb, item, person_of(table, part)) for part in PEOPLE}
    assert found == dict(zip(PEOPLE, expected, strict=True))


def answer(verb: str, item: AgendaItem, user: User) -> str:
    """Try a step for real and undo it."""
    fresh = User.objects.get(pk=user.pk)
    try:
        with transaction.atomic():
            STEPS[verb](item, Meeting.objects.get(pk=item.meeting_id), fresh)
            transaction.set_rollback(True)
    except StepError as refusal:
        return {403: "-", 409: "~"}[refusal.status]
    return "+"
