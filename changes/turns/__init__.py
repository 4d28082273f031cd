"""Whose turn it is, asked from either side: of a change, or of a person."""

from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.statements import Given, ObjectStatement
from expansive_cm.texts import Text

from .. import plain
from ..models import Change, Event
from ..process import STEP
from .groups import UNCLAIMED_TEAM
from .table import TURNS, Turn
from .who import Who


@dataclass(frozen=True)
class NextStep:
    """What is to be done, by whom, by which step, and what else is worth knowing about it."""

    sentence: Text
    who: Who | None = None
    verb: str = ""
    note: Text = ""

    def told(self, reader: User) -> str:
        """Return the sentence, with the persons who are to act unless the reader is one of them."""
        people = [person for person in self.who.people if person is not None] if self.who else []
        if not people or reader in people:
            return str(self.sentence)
        names = ", ".join(str(person) for person in people)
        words = {"sentence": str(self.sentence).removesuffix("."), "names": names}
        return _("%(sentence)s (%(names)s).") % words


def turn_of(change: Change) -> Turn | None:
    """Return whose turn it is, and with which step; None when the change has ended."""
    turns = (turn for turn in TURNS if turn.says is not None)
    return next((turn for turn in turns if turn.has_come(change)), None)


def next_step(change: Change, reader: User | None = None) -> NextStep:
    """Return the next step of a change, from its state and the records of this round.

    Of one that has ended it says how, as everybody reads it: ``reader`` is said "you" to.
    """
    turn = turn_of(change)
    if turn is None or turn.says is None:
        return NextStep(plain.how_it_ended(change, reader))
    sentence, note = turn.says(change)
    return NextStep(sentence, turn.group.who(change), turn.verb, note)


def brought(change: Change, event: Event) -> Turn | None:
    """Return the turn that has come with an event; None if it was there before, or none is."""
    turn = turn_of(change)
    return turn if turn and _brings(event, turn) else None


def is_still_brought(change: Change, event: Event) -> bool:
    """Whether it is the turn of those to whom an event brought it, and none later did."""
    turn = turn_of(change)
    if not turn:
        return False
    later = EVENTS_SINCE.objects(change=change.pk, event=event.pk)
    return not any(_brings(one, turn) for one in later)


EVENTS_SINCE = ObjectStatement(
    lambda: Event.objects.filter(change=Given("change"), pk__gt=Given("event"))
)


def _brings(event: Event, turn: Turn) -> bool:
    """An event brings a turn when it moves the change, or is another step on the way to it.

    Or it leaves the change where it is and gives it to others: to another customer's team, to
    all of a team of whom one, who alone was told, had seen it through, or to the next approver.
    """
    step = STEP.get(event.verb)
    return (
        event.moved
        or event.verb == "correct_customer"
        or "next_in_order" in event.data
        or ("back_to_team" in event.data and turn.group is UNCLAIMED_TEAM)
        or bool(step and step.main and event.verb != turn.verb)
    )


def turns_of(user: User) -> list[tuple[Turn, Q]]:
    """Return every turn that this person can have, with the condition on the changes."""
    found = ((turn, turn.changes(user)) for turn in TURNS if turn.is_listed)
    return [(turn, condition) for turn, condition in found if condition is not None]


def any_turn_of(user: User) -> Q | None:
    """Return the condition for a change on which it is this person's turn, None if none is."""
    conditions = [condition for _turn, condition in turns_of(user)]
    return reduce(or_, conditions) if conditions else None


__all__ = [
    "TURNS",
    "NextStep",
    "Turn",
    "any_turn_of",
    "brought",
    "is_still_brought",
    "next_step",
    "turn_of",
    "turns_of",
]
