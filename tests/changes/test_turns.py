"""The table of turns: card, worklist, permission and mail say the same of everybody.

Costs about 8 s: one change in every situation, and for each person a query. That it is so with
each of them gone as well is tried in test_nobody_stuck.py.
"""

from functools import cache

import pytest
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Value

from accounts.models import User
from accounts.standing import Anybody, Standing, given_of
from changes import queries
from changes.models import Change
from changes.process import STEP
from changes.states import FINAL
from changes.turns import TURNS, next_step, past, turn_of
from expansive_cm.statements import Statement
from tests.people import Cast
from tests.turns import agree, everywhere

pytestmark = pytest.mark.xdist_group("everywhere")
PASTS = {name: one for name, one in vars(past).items() if isinstance(one, past.Past)}


def test_card_worklist_and_permission_name_the_same_people(cast: Cast) -> None:
    agree(everywhere(cast).values())


def test_one_turn_at_a_time_is_what_happens_next(cast: Cast) -> None:
    for situation, change in everywhere(cast).items():
        come = [turn.verb for turn in TURNS if turn.says and turn.has_come(change)]
        assert len(come) == (change.state not in FINAL), (situation, come)
        assert next_step(change).sentence
        assert (turn_of(change) is None) == (change.state in FINAL)


def test_what_people_did_is_said_alike_in_each_direction(cast: Cast) -> None:
    changes = [one.pk for one in everywhere(cast).values()]
    loaded = list(queries.with_story(Change.objects.filter(pk__in=changes)))
    everybody = User.objects.all()
    for name, one in PASTS.items():
        did = ArraySubquery(everybody.filter(one.people()).values("pk"))
        rows = Change.objects.filter(pk__in=changes).values_list("pk", did)
        found = {pk: set(people) for pk, people in rows}
        for change in loaded:
            assert found[change.pk] == {key for key in one.keys(change) if key}, (name, change)
    for user in everybody:
        acts = set(_acts_of(Standing.of(user)).rows(**given_of(user)))
        for name, one in PASTS.items():
            for change in loaded:
                said = [(name, change.pk) in acts, user.pk in one.keys(change)]
                assert len({*said, bool(one.act(user, change))}) == 1, (name, user, change)


@cache
def _acts_of(standing: Standing) -> Statement:
    """What anybody of a standing did, as worklists ask: a row of act and change. One query."""
    acts = [
        Change.objects.filter(one.changes(Anybody(standing)))
        .order_by()
        .values_list(Value(name), "pk")
        for name, one in PASTS.items()
    ]
    return Statement(lambda: acts[0].union(*acts[1:], all=True))


def test_turns_are_steps_of_their_states() -> None:
    for turn in TURNS:
        if turn.verb in STEP:
            assert set(turn.states) <= STEP[turn.verb].states, turn.verb
