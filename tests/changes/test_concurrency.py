"""Two people acting at once: one wins, the other is told, nothing is recorded twice."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle
from changes.models import Change, ChangeLink, Release, UntoldMove
from changes.states import State
from expansive_cm.workflow.errors import ChangeStale, StepIllegal, StepIncomplete
from tests.changes.test_standard_at_once import somebody_waits
from tests.concurrently import at_once, signed_in
from tests.people import Cast
from tests.stories import change_in, information_required, plan
from tests.worker import wait_until

S = State
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast(transactional_db: None, cast: Cast) -> Cast:
    """The cast, committed, so that other connections see it."""
    return cast


def test_two_connections_press_the_same_button(cast: Cast) -> None:
    change = change_in(S.REVIEW, cast)

    def endorse() -> Change:
        return lifecycle.review(
            change, actor=cast.success, outcome="endorsed", findings="Fine.", seen=change.version
        )

    answers = at_once(endorse, endorse)
    losers = [answer for answer in answers if isinstance(answer, ChangeStale)]
    assert len(losers) == 1, answers
    assert "Cleo Success reviewed the change" in str(losers[0])
    fresh = Change.objects.get(pk=change.pk)
    assert fresh.state == S.AUTHORISATION
    assert fresh.version == change.version + 1
    assert fresh.reviews.count() == 1
    assert fresh.events.filter(verb="review").count() == 1
    assert fresh.history.count() == change.history.model.objects.filter(id=change.pk).count()


def test_two_browsers_press_the_same_button(cast: Cast) -> None:
    change = change_in(S.REVIEW, cast)
    form = {"outcome": "endorsed", "findings": "Fine.", "seen": change.version}

    def press() -> int:
        client = signed_in(cast.success)
        return client.post(reverse("changes:review", args=[change.pk]), form).status_code

    assert sorted(at_once(press, press)) == [302, 409]
    assert change.reviews.count() == 1


def test_withdrawing_while_execution_starts(cast: Cast) -> None:
    change = plan(change_in(S.EXECUTION, cast), cast)
    answers = at_once(
        lambda: lifecycle.withdraw(change, actor=cast.requester, reason="Stop."),
        lambda: lifecycle.start_execution(change, actor=cast.support, reason="Early."),
    )
    assert len([answer for answer in answers if isinstance(answer, StepIllegal)]) == 1
    fresh = Change.objects.get(pk=change.pk)
    begun = fresh.execution.started_at is not None
    assert begun == (fresh.state == S.EXECUTION)


def test_the_last_two_answers_at_once_return_the_change_once(cast: Cast) -> None:
    change = information_required(cast)
    decision = change.board_decisions.get()
    question = change.questions.get()
    other = decision.questions.create(change=change, text="And?", answerer=cast.support)
    answers = at_once(
        lambda: lifecycle.answer_question(
            change, actor=cast.requester, question=question, answer="Seven."
        ),
        lambda: lifecycle.answer_question(
            change, actor=cast.support, question=other, answer="Nothing."
        ),
    )
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    fresh = Change.objects.get(pk=change.pk)
    assert fresh.state == S.BOARD
    returns = fresh.events.filter(from_state=S.INFORMATION_REQUIRED, to_state=S.BOARD)
    assert returns.count() == 1


def test_the_same_test_failed_by_two_testers_starts_one_round(cast: Cast) -> None:
    change = change_in(S.TESTING, cast)

    def fail() -> Change:
        return lifecycle.record_test(
            change, actor=cast.tester, kind="security", result="failed", evidence="Red."
        )

    answers = at_once(fail, fail)
    assert len([answer for answer in answers if isinstance(answer, StepIllegal)]) == 1
    assert Change.objects.get(pk=change.pk).round == 2


@pytest.mark.parametrize("kind", ["enabled_by", "conflicts_with"])
def test_two_changes_are_linked_from_both_sides_at_once(cast: Cast, kind: str) -> None:
    """Neither waits for the other for ever; a conflict, the same from both sides, stands once."""
    one, other = change_in(S.REVIEW, cast), change_in(S.REVIEW, cast)

    def link(source: Change, target: Change) -> ChangeLink:
        return lifecycle.link(source, actor=cast.support, other=target, kind=kind)

    answers = at_once(*[lambda: link(one, other), lambda: link(other, one)])
    refused = [answer for answer in answers if isinstance(answer, StepIncomplete)]
    assert len(refused) == (kind == "conflicts_with"), answers
    assert ChangeLink.objects.filter(kind=kind).count() == 2 - len(refused), answers


@pytest.mark.parametrize("action", ["submit", "draft"])
def test_a_request_sent_three_times_at_once_is_one_request(cast: Cast, action: str) -> None:
    """A form knows its key from when it was drawn, so it makes one request in every browser."""
    form = {
        "title": "Let night porters book rooms",
        "description": "They cannot at present.",
        "organisation": cast.harbour.pk,
        "requester": f"{cast.requester.display_name} <{cast.requester.email}>",
        "channel": "phone",
        "key": "the-key-of-one-form",
        "action": action,
    }

    def send() -> int:
        client = signed_in(cast.support)
        return client.post(reverse("changes:new"), form).status_code

    answers = at_once(send, send, send)
    assert Change.objects.count() == 1, answers
    assert all(answer in (302, 409) for answer in answers), answers
    assert Change.objects.get().events.filter(verb="submit").count() == (action == "submit")


def test_two_releases_of_the_same_changes_move_at_once(cast: Cast) -> None:
    """Each moved one of these changes before, so that their rows differ in who did so."""
    changes = [change_in(S.REQUIREMENTS, cast) for _number in range(2)]
    day, movers = timezone.localdate() + timedelta(days=30), (cast.release_manager, cast.chair)
    cast.chair.groups.add(Group.objects.get(name=Role.RELEASE_MANAGER))
    brings, promised = (Release.objects.create(name=name, planned_on=day) for name in "AB")
    fields = {"promise": "three_releases", "due_on": day}
    Change.objects.update(release=brings, promised_release=promised, **fields)
    for change, mover in zip(changes, movers, strict=True):
        UntoldMove.objects.create(change=change, release=brings, due_on=day, by=mover)
    begun = threading.Event()

    def slip(release: Release, mover: User) -> Release:
        wanted = {"planned_on": day + timedelta(days=9), "reason": "Rain."}
        return lifecycle.change_release(release, actor=mover, name=release.name, **wanted)

    def first() -> Release:
        def halfway(execute: Any, sql: str, *rest: Any) -> Any:
            found = execute(sql, *rest)
            if UntoldMove._meta.db_table in sql and not begun.is_set():
                begun.set()
                wait_until(somebody_waits)
            return found

        with connection.execute_wrapper(halfway):
            return slip(brings, movers[0])

    def second() -> Release:
        assert begun.wait(60)
        return slip(promised, movers[1])

    answers = at_once(first, second)
    assert not [one for one in answers if isinstance(one, Exception)], answers
    assert not UntoldMove.objects.exclude(by=None).exists(), "nobody knows of both"
