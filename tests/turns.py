"""Whose turn it is: everybody is asked about one change in a single query."""

from collections.abc import Iterable

from django.db.models import Case, Q, Value, When

from accounts.models import User
from changes.models import Change
from changes.turns import TURNS, Turn


def turns_on(change: Change, people: Iterable[User]) -> list[tuple[User, Turn]]:
    """Return whose turn it is on the change and with what, whether they may see it or not.

    Only turns of its state are asked about: no other can have come.
    """
    asked: list[tuple[User, Turn, Q]] = []
    for user in people:
        for turn in TURNS:
            is_asked = turn.is_listed and change.state in turn.states
            wanted = turn.changes(user) if is_asked else None
            if wanted is not None:
                asked.append((user, turn, wanted))
    answers = (
        Change.objects.filter(pk=change.pk)
        .order_by()
        .values_list(
            *(Case(When(wanted, then=Value(True)), default=Value(False)) for _, _, wanted in asked)
        )
        .get()
        if asked
        else ()
    )
    return [(user, turn) for (user, turn, _), holds in zip(asked, answers, strict=True) if holds]
