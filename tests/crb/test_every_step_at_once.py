"""All steps that the chair may take in a meeting, taken at the same moment on real connections.

Each is done or refused with its reason: none waits for another for ever, and none is cut off. 5 s.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from changes.lifecycle import define_requirements
from changes.models import Change
from crb import lifecycle
from crb.models import AgendaItem, BoardEvent, Meeting
from expansive_cm.workflow.errors import StepError
from tests.concurrently import at_once
from tests.crb import matrix
from tests.crb import test_permission_matrix as votes
from tests.crb import test_permission_matrix_agenda as agenda
from tests.crb import test_permission_matrix_calendar as calendar
from tests.crb import test_permission_matrix_live as live
from tests.crb import test_permission_matrix_minutes as minutes
from tests.crb.conftest import Table

PREPARED = ("withdraw_absence", "add_late", "take_back_outcome", "reconsider_decision")
"""Their tries make rows of their own first, which is no step."""
MATRICES = (votes, agenda, calendar, live, minutes)


@pytest.mark.django_db(transaction=True)
def test_of_all_who_take_an_outcome_back_one_does(table: Table, settings: Any) -> None:
    """Chair and deputy take it back, twice each, while the next step and the close come too."""
    settings.OUTCOME_UNDO_SECONDS = 300
    item = matrix.item_in(table, "running")
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")

    def back(who: User) -> Callable[[], object]:
        fresh = AgendaItem.objects.get(pk=item.pk)
        who = User.objects.get(pk=who.pk)
        return lambda: lifecycle.take_back_outcome(fresh, actor=who, reason="The wrong one.")

    change = Change.objects.get(pk=item.change_id)
    fields = dict.fromkeys(("purpose", "scope", "objectives", "acceptance_criteria"), "All.")
    developer = table.cast.developer
    answers = at_once(
        *(back(who) for who in (table.chair, table.deputy) for _twice in range(2)),
        lambda: define_requirements(change, actor=developer, **fields),
        lambda: lifecycle.close_meeting(
            Meeting.objects.get(pk=item.meeting_id), actor=User.objects.get(pk=table.chair.pk)
        ),
    )
    failed = [one for one in answers if isinstance(one, Exception)]
    assert [one for one in failed if not isinstance(one, StepError)] == []
    *taken, went_on, _closed = [not isinstance(one, Exception) for one in answers]
    now = Change.objects.get(pk=change.pk)
    assert sum(taken) + went_on <= 1 and now.state == (
        "board" if sum(taken) else "risk_assessment" if went_on else "requirements"
    )
    standing = now.board_decisions.filter(taken_back_at=None).count()
    assert standing == (0 if sum(taken) else 1)
    acts = now.events.filter(verb="take_back_board_outcome").count()
    assert acts == sum(taken) == BoardEvent.objects.filter(verb="take_back_outcome").count()


@pytest.mark.django_db(transaction=True)
def test_of_all_who_record_and_go_on_one_does(table: Table) -> None:
    """Chair and deputy, twice each, while the deputy goes on and records, and a member votes."""
    item, following = matrix.item_in(table, "running"), table.running_item("Alarms")

    def act(take: Callable[..., object], who: User, **more: Any) -> Callable[[], object]:
        fresh, actor = AgendaItem.objects.get(pk=item.pk), User.objects.get(pk=who.pk)
        return lambda: take(fresh, actor=actor, **more)

    answers = at_once(
        *(
            act(lifecycle.record_and_go_on, who, outcome="accepted")
            for who in (table.chair, table.deputy)
            for _twice in range(2)
        ),
        act(lifecycle.record_outcome, table.deputy, outcome="accepted"),
        lambda: lifecycle.go_to_item(
            Meeting.objects.get(pk=item.meeting_id),
            actor=User.objects.get(pk=table.deputy.pk),
            item=following,
        ),
        act(lifecycle.cast_vote, table.members[4], choice="accepted"),
    )
    failed = [one for one in answers if isinstance(one, Exception)]
    assert [one for one in failed if not isinstance(one, StepError)] == []
    *went_on, alone, _gone, _voted = [not isinstance(one, Exception) for one in answers]
    assert sum(went_on) + alone == 1
    assert BoardEvent.objects.filter(verb="record_outcome", item=item).count() == 1
    assert Meeting.objects.get(pk=item.meeting_id).current_item == following


@pytest.mark.django_db(transaction=True)
def test_of_all_who_let_the_board_decide_again_one_does(table: Table) -> None:
    """Chair and deputy do, while requirements are defined and agendas fill."""
    item = matrix.item_in(table, "running")
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    lifecycle.close_meeting(item.meeting, actor=table.chair)
    table.meeting(days=21)
    change = Change.objects.get(pk=item.change_id)
    fields = dict.fromkeys(("purpose", "scope", "objectives", "acceptance_criteria"), "All.")
    developer = table.cast.developer

    def again(who: User) -> Callable[[], object]:
        fresh = AgendaItem.objects.get(pk=item.pk)
        who = User.objects.get(pk=who.pk)
        return lambda: lifecycle.reconsider_decision(fresh, actor=who, reason="It pays.")

    answers = at_once(
        *(again(who) for who in (table.chair, table.deputy) for _twice in range(2)),
        lambda: define_requirements(change, actor=developer, **fields),
        lambda: lifecycle.fill_agenda(table.board) and None,
    )
    failed = [one for one in answers if isinstance(one, Exception)]
    assert [one for one in failed if not isinstance(one, StepError)] == []
    *asked, went_on, _filled = [not isinstance(one, Exception) for one in answers]
    now = Change.objects.get(pk=change.pk)
    assert sum(asked) + went_on == 1
    assert now.state == ("risk_assessment" if went_on else "board")
    lifecycle.fill_agenda(table.board)
    open_ones = AgendaItem.objects.filter(change=change, state="open")
    assert [one.kind for one in open_ones] == ["correction"] * sum(asked)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", ["scheduled", "running"])
def test_none_waits_for_ever(table: Table, state: str) -> None:
    """Two of each, the chair's and the deputy's, of all that the matrices know."""
    item = matrix.item_in(table, state)
    names = [verb for verb, _take in _steps(state) for _both in range(2)]
    acts = [
        lambda take=take, who=who: take(
            AgendaItem.objects.get(pk=item.pk),
            Meeting.objects.get(pk=item.meeting_id),
            User.objects.get(pk=who.pk),
        )
        for _verb, take in _steps(state)
        for who in (table.chair, table.deputy)
    ]
    answers = dict(zip(enumerate(names), at_once(*acts), strict=True))
    failed = {name: one for name, one in answers.items() if isinstance(one, Exception)}
    assert {name: one for name, one in failed.items() if not isinstance(one, StepError)} == {}
    assert len(failed) < len(answers)


def _steps(state: str) -> list[tuple[str, matrix.Step]]:
    """Steps that the chair takes in this state, but for those on what is not there yet."""
    found = []
    for module in MATRICES:
        expected = matrix.expected_in(module.ROWS, state)
        chair = {verb for verb, answers in expected.items() if answers["chair"] == "+"}
        found += [(verb, module.STEPS[verb]) for verb in chair if _needs_nothing(module, verb)]
    assert len(found) > 8, state
    return sorted(found)


def _needs_nothing(module: ModuleType, verb: str) -> bool:
    return verb not in {*getattr(module, "ON_ACTIONS", ()), *PREPARED}


KEYS = """
SELECT key.indexrelid::regclass::text FROM pg_index key
WHERE key.indisunique AND NOT key.indisprimary AND key.indpred IS NULL AND key.indexprs IS NULL
AND EXISTS (SELECT 1 FROM pg_constraint refers
            WHERE refers.confrelid = key.indrelid AND refers.contype = 'f')
AND EXISTS (SELECT 1 FROM pg_trigger before
            WHERE before.tgrelid = key.indrelid AND NOT before.tgisinternal
            AND before.tgtype & 19 = 19)
"""
"""Keys of tables to which others refer, and whose updates a trigger for each row comes before: who
saves such a row locks it against all who refer to it, whatever has changed."""
WRITTEN_ALONE = {"crb_minutes_meeting_id_key"}
"""Nobody adds to minutes while they are written: what follows them waits for their publication."""


@pytest.mark.django_db
def test_what_is_saved_can_be_referred_to() -> None:
    """A vote refers to its meeting: it waited for whoever saved that, who waited for the item."""
    with connection.cursor() as cursor:
        cursor.execute(KEYS)
        assert {name for [name] in cursor.fetchall()} == WRITTEN_ALONE
