"""What of a change's mail still reaches somebody who has muted it: what nobody else can do.

That is what is asked of them by name, a comment that names them, and a step that waits for them
while nobody whose turn it is as well hears of it; who has muted it too, or whose mail comes back,
does not. It holds for as long as they may mute the change (``permissions.can_mute``), and is asked
as a mail is written and again as it goes out.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial

from accounts.models import User
from accounts.standing import know_standing

from . import permissions
from .audiences import MENTIONED
from .models import Change, Event
from .states import State
from .turns import TURNS, turn_of
from .turns.groups import OWNER_OUTSIDE_THE_TEAM
from .wording import Letter

Asked = Callable[[str], list[User]]
"""Those whose turn a message tells of, read once for all its letters."""
BY_NAME = frozenset({"question", "confirmation", "reminder", "new_link", "ownership", "succeeded"})
"""Messages that ask exactly this person, give or take what was theirs, or that they asked for."""
STEPS = {
    "not_confirmed": "rework",
    "undelivered": "settle_delivery",
    "escalation": "close_unanswered",
}
"""Messages that tell somebody of a step, by the step; "your turn" tells of the next one."""


def is_muted(person: User, change: Change) -> bool:
    """Whether this person has muted the change, and it counts."""
    return _counts(person, change, _muted_by(change))


def heard(change: Change, letters: Sequence[Letter]) -> list[Letter]:
    """Return the letters without those that their readers have muted; one query, if nobody has."""
    muted_by = _muted_by(change) if letters else frozenset()
    asked = cache(partial(_asked, change))
    return [one for one in letters if _is_heard(change, one, muted_by, asked)]


def _muted_by(change: Change) -> frozenset[int]:
    return frozenset(one.person_id for one in change.mutes.all())


def _counts(person: User, change: Change, muted_by: frozenset[int]) -> bool:
    return person.pk in muted_by and bool(permissions.can_mute(person, change))


def _is_heard(change: Change, letter: Letter, muted_by: frozenset[int], asked: Asked) -> bool:
    return (
        letter.message in BY_NAME
        or not _counts(letter.person, change, muted_by)
        or _is_named(change, letter)
        or _waits_for_nobody_else(change, letter, muted_by, asked)
    )


def _is_named(change: Change, letter: Letter) -> bool:
    """Whether a comment names the reader, in the words that it has or had."""
    if letter.why == str(MENTIONED):
        return True
    key = letter.event.data.get("comment") if letter.event else None
    if letter.message != "comment" or key is None:
        return False
    about = Event.objects.filter(change=change, data__comment=key)
    return about.filter(data__mentioned__contains=letter.person.pk).exists()


def _waits_for_nobody_else(
    change: Change, letter: Letter, muted_by: frozenset[int], asked: Asked
) -> bool:
    """Whether a step waits for the reader, and for nobody besides who hears of it.

    Whose mail comes back does not hear of it.
    """
    people = asked(letter.message)
    unreached = letter.event.data.get("unreached") if letter.event else None
    return letter.person in people and all(
        one == letter.person
        or one.pk == unreached
        or one.mail_failed_at
        or _counts(one, change, muted_by)
        for one in people
    )


def _asked(change: Change, message: str) -> list[User]:
    """Return those whose turn a message tells of, whoever has written it."""
    if message in STEPS:
        people = list(next(one for one in TURNS if one.verb == STEPS[message]).told(change))
        know_standing(people)
        return people
    # An owner outside the team learns from this message that they can give the change up.
    outside = message == "rolled_back" and change.state == State.ROLLED_BACK
    turn = turn_of(change) if message == "your_turn" or outside else None
    people = list(turn.told(change)) if turn else []
    know_standing(people)
    people = [one for one in people if turn and permissions.check(turn.verb, one, change)]
    return people + (OWNER_OUTSIDE_THE_TEAM.members(change) if outside else [])
