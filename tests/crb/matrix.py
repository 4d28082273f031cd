"""What the permission matrices of the board share: people, states, and a try that is undone.

Each matrix is written out by hand: ``+`` the step is taken, ``-`` it is not for this person
(403), ``~`` it is not the moment (409).
"""

from collections.abc import Callable, Iterable
from copy import copy

from django.db import transaction

from accounts.models import User
from crb import lifecycle
from crb.models import AgendaItem, Meeting
from expansive_cm.workflow.errors import StepError
from tests.crb.conftest import Table
from tests.remembered import remembered

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

Step = Callable[[AgendaItem, Meeting, User], object]


def rows_of(matrix: str) -> list[list[str]]:
    """Return the words of each line of a matrix."""
    return [line.split() for line in matrix.strip().splitlines()]


def person_of(table: Table, part: str) -> User:
    if part == "raiser":
        return table.members[4]
    if part in ("chair", "deputy"):
        return getattr(table, part)
    return getattr(table.cast, part)


@remembered
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


def expected_in(rows: list[list[str]], state: str) -> dict[str, dict[str, str]]:
    """Return what a matrix says about everybody, by step, for one state."""
    return {verb: dict(zip(PEOPLE, signs, strict=True)) for verb, of, *signs in rows if of == state}


def answers(
    table: Table, item: AgendaItem, steps: dict[str, Step], verbs: Iterable[str]
) -> dict[str, dict[str, str]]:
    """Let everybody try these steps on an item; each try is undone.

    Everything is read once: each try is given copies of it, as good as new.
    """
    item = AgendaItem.objects.get(pk=item.pk)
    meeting = Meeting.objects.get(pk=item.meeting_id)
    users = User.objects.in_bulk([person_of(table, part).pk for part in PEOPLE])
    people = {part: users[person_of(table, part).pk] for part in PEOPLE}
    return {
        verb: {part: tried(steps[verb], item, meeting, user) for part, user in people.items()}
        for verb in verbs
    }


def answers_to(step: Step, table: Table, item: AgendaItem) -> dict[str, str]:
    """Let everybody try a step on an item as it is now; each try is undone."""
    return answers(table, item, {"": step}, [""])[""]


def tried(step: Step, item: AgendaItem, meeting: Meeting, user: User) -> str:
    """Try a step for real, with rows of its own, and undo it."""
    try:
        with transaction.atomic():
            step(copy(item), copy(meeting), copy(user))
            transaction.set_rollback(True)
    except StepError as refusal:
        return {403: "-", 409: "~"}[refusal.status]
    return "+"
