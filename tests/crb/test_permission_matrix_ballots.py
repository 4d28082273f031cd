"""Who may do what with a ballot, open, past its deadline and closed, written out by hand."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from changes.models import Change
from crb import lifecycle
from crb.models import AgendaItem, Meeting
from tests.crb.conftest import Table
from tests.crb.matrix import PEOPLE, Step, answers, answers_to, expected_in, rows_of
from tests.remembered import remembered

pytestmark = pytest.mark.django_db

MATRIX = """
extend_ballot  open   + + - - - - - - - - -
extend_ballot  over   + + - - - - - - - - -
extend_ballot  closed ~ ~ - - - - - - - - -
end_ballot     open   + + - - - - - - - - -
end_ballot     over   + + - - - - - - - - -
end_ballot     closed ~ ~ - - - - - - - - -
cast_vote      open   + + + - - - - - - - -
cast_vote      over   ~ ~ ~ - - - - - - - -
cast_vote      closed ~ ~ ~ - - - - - - - -
recuse         open   + + + - - - - - - - -
recuse         over   ~ ~ ~ - - - - - - - -
recuse         closed ~ ~ ~ - - - - - - - -
record_outcome open   + + - - - - - - - - -
record_outcome over   + + - - - - - - - - -
record_outcome closed ~ ~ - - - - - - - - -
start_meeting  open   ~ ~ - - - - - - - - -
start_meeting  over   ~ ~ - - - - - - - - -
start_meeting  closed ~ ~ - - - - - - - - -
join_meeting   open   ~ ~ ~ ~ - - - - - - -
join_meeting   over   ~ ~ ~ ~ - - - - - - -
join_meeting   closed ~ ~ ~ ~ - - - - - - -
close_meeting  open   ~ ~ - - - - - - - - -
close_meeting  over   ~ ~ - - - - - - - - -
close_meeting  closed ~ ~ - - - - - - - - -
cancel_meeting open   ~ ~ - - - - - - - - -
cancel_meeting over   ~ ~ - - - - - - - - -
cancel_meeting closed ~ ~ - - - - - - - - -
"""
OPEN_BALLOT = "+ + - - - - - - - - -"
ROWS = rows_of(MATRIX)
STATES = ("open", "over", "closed")


def in_days(days: int) -> object:
    return timezone.now() + timedelta(days=days)


STEPS: dict[str, Step] = {
    "extend_ballot": lambda i, m, who: lifecycle.extend_ballot(
        m, actor=who, deadline=in_days(9), reason="Ill."
    ),
    "end_ballot": lambda i, m, who: lifecycle.end_ballot(m, actor=who, reason="We meet."),
    "cast_vote": lambda i, m, who: lifecycle.cast_vote(i, actor=who, choice="accepted"),
    "recuse": lambda i, m, who: lifecycle.recuse(i, actor=who, reason="My project."),
    "record_outcome": lambda i, m, who: lifecycle.record_outcome(i, actor=who, outcome="accepted"),
    "start_meeting": lambda i, m, who: lifecycle.start_meeting(m, actor=who),
    "join_meeting": lambda i, m, who: lifecycle.join_meeting(m, actor=who),
    "close_meeting": lambda i, m, who: lifecycle.close_meeting(m, actor=who),
    "cancel_meeting": lambda i, m, who: lifecycle.cancel_meeting(m, actor=who, reason="Snow."),
}


@remembered
def item_in(table: Table, state: str) -> AgendaItem:
    """An item whose change a member raised, with a tally that decides, in such a ballot."""
    change = table.change()
    Change.objects.filter(pk=change.pk).update(raised_by=table.members[4])
    ballot = lifecycle.open_ballot(
        table.board, actor=table.chair, changes=[change], deadline=in_days(3), reason="Urgent."
    )
    item = ballot.items.get()
    table.vote(item, "", "", *["accepted"] * 2, "", "accepted")
    if state == "over":
        Meeting.objects.update(deadline=in_days(-1))
    if state == "closed":
        lifecycle.end_ballot(ballot, actor=table.chair, reason="We meet.")
    return AgendaItem.objects.get(pk=item.pk)


def test_every_step_and_state_has_its_row() -> None:
    assert [(row[0], row[1]) for row in ROWS] == [(step, s) for step in STEPS for s in STATES]
    assert {len(row) for row in ROWS} == {2 + len(PEOPLE)}


@pytest.mark.parametrize("state", STATES)
def test_matrix(table: Table, state: str) -> None:
    expected = expected_in(ROWS, state)
    assert answers(table, item_in(table, state), STEPS, expected) == expected


def test_who_opens_a_ballot(table: Table) -> None:
    item, change = table.item(), table.change("Another")

    def step(_item: AgendaItem, _meeting: Meeting, who: User) -> object:
        return lifecycle.open_ballot(
            table.board, actor=who, changes=[change], deadline=in_days(3), reason="Urgent."
        )

    assert list(answers_to(step, table, item).values()) == OPEN_BALLOT.split()
