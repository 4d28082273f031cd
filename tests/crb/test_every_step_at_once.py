"""All steps that the chair may take in a meeting, taken at the same moment on real connections.

Each is done or refused with its reason: none waits for another for ever, and none is cut off. 3 s.
"""

from types import ModuleType

import pytest

from accounts.models import User
from crb.models import AgendaItem, Meeting
from expansive_cm.workflow.errors import StepError
from tests.concurrently import at_once
from tests.crb import matrix
from tests.crb import test_permission_matrix as votes
from tests.crb import test_permission_matrix_agenda as agenda
from tests.crb import test_permission_matrix_calendar as calendar
from tests.crb import test_permission_matrix_live as live
from tests.crb import test_permission_matrix_minutes as minutes
from tests.crb.conftest import Table

PREPARED = ("withdraw_absence", "add_late")
"""Their tries make rows of their own first, which is no step."""
MATRICES = (votes, agenda, calendar, live, minutes)


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
