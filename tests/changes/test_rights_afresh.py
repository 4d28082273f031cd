"""Whoever lost a right while their request waited for the lock takes no step. About 2 s.

A person who was loaded, with roles and teams, before somebody took them away stands for a
request that waited: its wait ends at the lock, which is the first thing a step asks for.
"""

import ast
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from changes import lifecycle, permissions
from changes.lifecycle.core import take_step
from changes.models import Change
from changes.states import State
from expansive_cm.workflow.errors import StepForbidden, StepIncomplete
from tests.changes.test_permission_matrix import MATRIX, in_each_state
from tests.people import Cast
from tests.stories import change_in

pytestmark = pytest.mark.django_db
S = State


def known(person: User) -> User:
    """Return a person as a request knows them that came in while they had all their rights."""
    waiting = User.objects.get(pk=person.pk)
    assert waiting.roles is not None and waiting.team_ids is not None
    assert waiting.approves_for_ids is not None
    return waiting


def deactivate(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)


def strip(person: User) -> None:
    User.objects.get(pk=person.pk).groups.clear()


@pytest.mark.xdist_group("everywhere")
def test_no_step_for_what_somebody_no_longer_is(cast: Cast) -> None:
    changes = in_each_state(cast)
    for verb, (who, states) in MATRIX.items():
        staff = sorted(part for part in who if getattr(cast, part).roles)
        # A requester needs no role, nor does a draft of one's own.
        ways = [deactivate, strip] if staff and verb != "submit" else [deactivate]
        for lose in ways if who else ():
            part = (staff or sorted(who))[0]
            assert is_refused_who_lost(lose, verb, changes[min(states)], getattr(cast, part)), (
                verb,
                lose,
            )


def is_refused_who_lost(
    lose: Callable[[User], None], verb: str, change: Change, person: User
) -> bool:
    """Whether somebody who may take a step is refused it once they lost what they need for it."""
    with transaction.atomic():
        waiting = known(person)
        assert permissions.check(verb, waiting, change), verb
        lose(waiting)
        try:
            with take_step(verb, change, actor=waiting):
                refused = False
        except StepForbidden:
            refused = True
        transaction.set_rollback(True)
    return refused


def test_nobody_is_named_for_what_they_no_longer_are(cast: Cast) -> None:
    """Owner, executor and successor are read under the lock as well."""
    submitted, planned = change_in(S.SUBMITTED, cast), change_in(S.EXECUTION, cast)
    developer, executor, colleague = map(known, (cast.developer, cast.support, cast.colleague))
    for person in (developer, executor, colleague):
        deactivate(person)
    begin = timezone.now() + timedelta(days=1)
    with pytest.raises(StepIncomplete):
        lifecycle.assign(submitted, actor=cast.success, owner=developer)
    with pytest.raises(StepIncomplete):
        lifecycle.plan_execution(
            planned,
            actor=cast.success,
            executor=executor,
            window_start=begin,
            window_end=begin + timedelta(hours=1),
            steps="Switch it on.",
            rollback_plan="Switch it off.",
        )
    with pytest.raises(StepIncomplete):
        lifecycle.replace_requester(
            submitted, actor=cast.success, successor=colleague, reason="Has left."
        )


PASSED_ON = {
    "may_see",
    "can_note",
    "may_correct",
    "may_correct_record",
    "may_review",
    "may_change_post_action",
    "may_complete_post_action",
    "may_raise_for",
    "may_answer",
    "answers_for_others",
    "can_raise",
}
"""Asked beside what a step asks, of an actor whom that read afresh; or before there is a row."""


@pytest.mark.parametrize("folder", ["changes/lifecycle", "crb/lifecycle", "changes/mail_in"])
def test_rights_are_asked_of_people_read_afresh(folder: str) -> None:
    """No step asks ``permissions`` of an actor as the request brought them."""
    stale = []
    for path in sorted(Path(folder).glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            of = call.args[0] if call.args else None
            if name.startswith(("can_", "may_")) and getattr(of, "id", "") == "actor":
                stale += [] if name in PASSED_ON else [f"{path}:{call.lineno} {name}"]
    assert stale == []
