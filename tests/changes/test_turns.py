"""The table of turns: card, worklist, permission and mail say the same of everybody.

Costs about 10 s: one change in every situation, and for each person a query.
"""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q, Value

from accounts.models import User
from changes import permissions, queries
from changes.models import Change
from changes.process import STEP
from changes.states import FINAL
from changes.turns import TURNS, next_step, past, turn_of
from tests.changes.test_nobody_stuck import deactivate, seconds, take_roles
from tests.changes.test_waiting import EVERY_SITUATION
from tests.people import Cast
from tests.remembered import remembered

PASTS = {name: one for name, one in vars(past).items() if isinstance(one, past.Past)}


@remembered
def everywhere(cast: Cast) -> dict[str, Change]:
    """One change in every situation, and somebody else for every role."""
    seconds(cast)
    return {situation: make(cast) for situation, make in EVERY_SITUATION.items()}


def by_worklist(user: User) -> set[tuple[int, int]]:
    """Return the changes on which the database says it is a person's turn, with the turn."""
    wanted = {number: turn.changes(user) for number, turn in enumerate(TURNS)}
    none, *queues = [
        Change.objects.order_by().filter(Q(pk=0) if one is None else one).values_list("pk", number)
        for number, one in ((Value(number), one) for number, one in wanted.items())
    ]
    return set(none.union(*queues, all=True))


def agree(changes: Iterable[Change]) -> None:
    """Fail where card, worklist, permission and mail do not name the same people."""
    loaded = queries.with_story(Change.objects.filter(pk__in=[one.pk for one in changes]))
    people = list(User.objects.filter(is_active=True))
    told = {user: by_worklist(user) for user in people}
    for change in loaded:
        for number, turn in enumerate(TURNS):
            listed = {user for user in people if (change.pk, number) in told[user]}
            if not turn.has_come(change):
                assert not listed, (change, turn.verb)
                continue
            may = {one for one in people if turn.group.objects(one, change) is None}
            assert listed == set(turn.group.members(change)) == may, (change, turn.verb)
            for user in may:
                assert permissions.check(turn.verb, user, change), (change, turn.verb, user)


def test_card_worklist_and_permission_name_the_same_people(cast: Cast) -> None:
    agree(everywhere(cast).values())


def test_they_do_when_somebody_has_left_as_well(cast: Cast) -> None:
    changes = everywhere(cast).values()
    for number, who in enumerate(cast.people.values()):
        with transaction.atomic():
            (deactivate, take_roles)[number % 2](who)
            agree(changes)
            transaction.set_rollback(True)


def test_one_turn_at_a_time_is_what_happens_next(cast: Cast) -> None:
    for situation, change in everywhere(cast).items():
        come = [turn.verb for turn in TURNS if turn.says and turn.has_come(change)]
        assert len(come) == (change.state not in FINAL), (situation, come)
        assert next_step(change).sentence
        assert (turn_of(change) is None) == (change.state in FINAL)


def test_what_people_did_is_said_alike_in_each_direction(cast: Cast) -> None:
    changes = [one.pk for one in everywhere(cast).values()]
    loaded = list(queries.with_story(Change.objects.filter(pk__in=changes)))
    for user in User.objects.all():
        for name, one in PASTS.items():
            in_sql = set(Change.objects.filter(one.changes(user)).values_list("pk", flat=True))
            for change in loaded:
                said = [change.pk in in_sql, user.pk in one.keys(change)]
                assert len({*said, bool(one.act(user, change))}) == 1, (name, user, change)


def test_turns_are_steps_of_their_states() -> None:
    for turn in TURNS:
        if turn.verb in STEP:
            assert set(turn.states) <= STEP[turn.verb].states, turn.verb
