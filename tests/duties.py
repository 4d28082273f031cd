"""What waits for whom: everybody is asked about one change in a single query."""

from collections.abc import Iterable

from django.db.models import Case, Q, Value, When

from accounts.models import User
from changes.duties import DUTIES, Duty
from changes.models import Change


def duties_on(change: Change, people: Iterable[User]) -> list[tuple[User, Duty]]:
    """Return who has which duty on the change, whether they may see it or not.

    Only duties of its state are asked about: no other can hold.
    """
    asked: list[tuple[User, Duty, Q]] = []
    for user in people:
        for duty in DUTIES:
            wanted = duty.condition(user) if change.state in duty.states else None
            if wanted is not None:
                asked.append((user, duty, Q(state__in=duty.states) & wanted))
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
    return [(user, duty) for (user, duty, _), holds in zip(asked, answers, strict=True) if holds]
