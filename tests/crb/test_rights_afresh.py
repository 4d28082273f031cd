"""Whoever left while their request waited for the board's lock takes no step. About 3 s."""

from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from crb.models import AgendaItem, Meeting
from expansive_cm.workflow.errors import StepForbidden
from tests.changes.test_rights_afresh import known
from tests.crb import test_permission_matrix as of_meetings
from tests.crb import test_permission_matrix_agenda as of_agendas
from tests.crb import test_permission_matrix_ballots as of_ballots
from tests.crb import test_permission_matrix_calendar as of_the_calendar
from tests.crb import test_permission_matrix_live as of_going_on
from tests.crb import test_permission_matrix_minutes as of_minutes
from tests.crb.conftest import Table
from tests.crb.matrix import PEOPLE, item_in, person_of

pytestmark = pytest.mark.django_db
MATRICES: list[tuple[Any, Any]] = [
    (of_meetings, item_in),
    (of_agendas, of_agendas.agreed_item),
    (of_ballots, of_ballots.item_in),
    (of_the_calendar, item_in),
    (of_going_on, item_in),
    (of_minutes, of_minutes.placed),
]
"""Each table of who may, and what makes the item that its steps are about."""


@pytest.mark.parametrize(("matrix", "make"), MATRICES)
def test_no_step_for_who_has_left(table: Table, matrix: Any, make: Any) -> None:
    tried = set()
    for verb, state, *signs in matrix.ROWS:
        if verb in tried or "+" not in signs:
            continue
        tried.add(verb)
        with transaction.atomic():
            item = AgendaItem.objects.get(pk=make(table, state).pk)
            waiting = known(person_of(table, PEOPLE[signs.index("+")]))
            User.objects.filter(pk=waiting.pk).update(is_active=False)
            with pytest.raises(StepForbidden):
                matrix.STEPS[verb](item, Meeting.objects.get(pk=item.meeting_id), waiting)
            transaction.set_rollback(True)
    assert tried
