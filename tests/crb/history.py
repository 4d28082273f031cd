"""Half a year of a board, told day by day: what the figures over time are counted from.

Seen on 30 June 2026. Days are from submission to the decision that settled the request.

    change   submitted   board's decisions
    Rooms    20 Feb      3 Mar accepted (11 days)
    Alarms   24 Feb      3 Mar information required; 17 Mar accepted as a priority (21 days)
    Labels    1 Mar      3 Mar deferred; 17 Mar rejected (16 days)
    Theme    10 Mar      14 Apr accepted (35 days); reclassified; 2 Jun accepted (84 days)
    Badges    1 Apr      14 Apr information required; nobody has answered
    Doors    20 May      2 Jun accepted (13 days); withdrawn on 10 June

The meeting of 5 May was cancelled. Chair, Ben and Bea were at all four others; Max sent an
alternate on 17 March; Bob's term began on 1 April, and he never came, nor did Bo and Dora.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import time_machine

from accounts.roles import Role
from changes import lifecycle as change_lifecycle
from changes.models import Change
from crb import lifecycle
from crb.models import Absence, AgendaItem, Meeting
from tests.crb.conftest import Table
from tests.people import person
from tests.remembered import remembered
from tests.stories import ASSESSMENT

TODAY = datetime(2026, 6, 30, 9, tzinfo=UTC)
EXTRAS = {
    "information_required": {"question": "How many rooms?"},
    "rejected": {"category": "not_strategic", "reason": "We leave this market."},
}


@contextmanager
def on(month: int, day: int, hour: int = 10) -> Iterator[None]:
    """Be there at that hour of 2026."""
    with time_machine.travel(datetime(2026, month, day, hour, tzinfo=UTC), tick=False):
        yield


def submit(table: Table, title: str, month: int, day: int) -> Change:
    with on(month, day):
        return table.change(title)


@contextmanager
def meeting(table: Table, month: int, day: int) -> Iterator[Meeting]:
    """Hold the meeting of that day, from half past two."""
    with on(month, day, 14):
        lifecycle.fill_agenda(table.board)
        held = Meeting.objects.get(board=table.board, date=date(2026, month, day))
        lifecycle.start_meeting(held, actor=table.chair)
        yield held
        lifecycle.close_meeting(held, actor=table.chair)


def decide(table: Table, change: Change, outcome: str, voters: list) -> None:
    """Let people vote for an outcome on the open item of a change, and the chair record it."""
    item = AgendaItem.objects.get(change=change, state="open")
    for voter in voters:
        extra = {k: v for k, v in EXTRAS.get(outcome, {}).items() if k != "reason"}
        lifecycle.cast_vote(item, actor=voter, choice=outcome, **extra)
    more = dict(EXTRAS.get(outcome, {}))
    if more.pop("question", None):
        more["questions"] = [("How many rooms are there?", table.cast.requester)]
    lifecycle.record_outcome(item, actor=table.chair, outcome=outcome, **more)


def half_a_year(table: Table) -> dict[str, Change]:
    """Live through it; return the changes by title."""
    with time_machine.travel(TODAY, tick=False):  # seen from one moment, no day of it moves
        return {change.title: change for change in lived_through(table)}


@remembered
def lived_through(table: Table) -> list[Change]:
    """The changes of half a year, with all that happened to them."""
    chair, max_member, ben, bea, bob, *_rest = table.members
    four = [chair, max_member, ben, bea]
    table.board.memberships.filter(user=bob).update(starts_on=date(2026, 4, 1))
    with on(2, 1):
        for month, day in ((3, 3), (3, 17), (4, 14), (5, 5), (6, 2), (7, 14)):
            table.meeting(date=date(2026, month, day))
    found = {
        "Rooms": submit(table, "Rooms", 2, 20),
        "Alarms": submit(table, "Alarms", 2, 24),
        "Labels": submit(table, "Labels", 3, 1),
    }
    with meeting(table, 3, 3):
        decide(table, found["Rooms"], "accepted", four)
        decide(table, found["Alarms"], "information_required", four)
    found["Theme"] = submit(table, "Theme", 3, 10)
    with on(3, 11):
        question = found["Alarms"].questions.get()
        change_lifecycle.answer_question(
            found["Alarms"], actor=table.cast.requester, question=question, answer="Twelve."
        )
    alternate = stand_in(table)
    with meeting(table, 3, 17):
        decide(table, found["Alarms"], "accepted_as_priority", [chair, alternate, ben, bea])
        decide(table, found["Labels"], "rejected", [chair, alternate, ben, bea])
    found["Badges"] = submit(table, "Badges", 4, 1)
    with meeting(table, 4, 14):
        decide(table, found["Theme"], "accepted", four)
        decide(table, found["Badges"], "information_required", four)
    reclassify_twice(table, found["Theme"])
    with on(5, 1):
        cancelled = Meeting.objects.get(date=date(2026, 5, 5))
        lifecycle.cancel_meeting(cancelled, actor=chair, reason="Half the board is ill.")
    found["Doors"] = submit(table, "Doors", 5, 20)
    with meeting(table, 6, 2):
        decide(table, found["Theme"], "accepted", four)
        decide(table, found["Doors"], "accepted", four)
    with on(6, 10):
        change_lifecycle.withdraw(found["Doors"], actor=table.cast.support, reason="Closed site.")
    # As if three releases had been planned after the decision, and the third had passed.
    Change.objects.filter(pk=found["Alarms"].pk).update(due_on=date(2026, 6, 1))
    return list(found.values())


def stand_in(table: Table) -> object:
    """An alternate who sits in Max's place on 17 March."""
    alternate = person("Alf Alternate", Role.CRB_MEMBER)
    seat = table.board.memberships.get(user=table.members[1])
    day = date(2026, 3, 17)
    Absence.objects.create(membership=seat, starts_on=day, ends_on=day, alternate=alternate)
    return alternate


def reclassify_twice(table: Table, change: Change) -> None:
    with on(4, 20):
        change_lifecycle.reclassify(
            change, actor=table.cast.success, reason="A setting does it.", **ASSESSMENT
        )
    with on(4, 22):
        change_lifecycle.reclassify(
            change, actor=table.cast.success, reason="It does not.", **ASSESSMENT
        )
