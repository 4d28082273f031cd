"""Standard changes on several connections at the same moment. Costs about 2.5 s."""

import threading
from typing import Any

import pytest
from django.db import connection

from changes import lifecycle, standard, standard_mail
from changes.models import Change, StandardApproval
from changes.states import State
from expansive_cm.workflow.errors import ChangeStale, StepIllegal
from tests import stories
from tests.concurrently import at_once
from tests.people import Cast
from tests.standards import PLAN, approved, endorsed, in_review, proposed, used
from tests.worker import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cast(transactional_db: None, cast: Cast) -> Cast:
    """The cast, committed, so that other connections see it."""
    return cast


def test_it_is_withdrawn_while_a_change_is_being_reviewed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed between the review's lock and its question: the change goes the normal way."""
    one = approved(cast)
    change = in_review(cast, one)
    reviewing, withdrawn = threading.Event(), threading.Event()
    asked = standard.latest_approval

    def asked_late(*arguments: Any, **more: Any) -> StandardApproval | None:
        reviewing.set()
        assert withdrawn.wait(60)
        return asked(*arguments, **more)

    monkeypatch.setattr(standard, "latest_approval", asked_late)

    def withdraw() -> None:
        assert reviewing.wait(60)
        lifecycle.withdraw_standard(one, actor=cast.approver, reason="Stop.")
        withdrawn.set()

    answers = at_once(lambda: endorsed(change, cast), withdraw)
    assert not [one for one in answers if isinstance(one, Exception)], answers
    fresh = Change.objects.get(pk=change.pk)
    assert fresh.state == State.AUTHORISATION
    assert "Stop." in standard.why_the_normal_way(fresh)


def test_review_and_withdrawal_and_edit_at_once_never_contradict(cast: Cast) -> None:
    one = approved(cast)
    change = in_review(cast, one)
    at_once(
        lambda: endorsed(change, cast),
        lambda: lifecycle.withdraw_standard(one, actor=cast.approver, reason="Stop."),
        lambda: lifecycle.save_template(one.template, actor=cast.success, steps="Other."),
    )
    one.refresh_from_db()
    fresh = Change.objects.get(pk=change.pk)
    given = fresh.authorisations.first()
    assert one.ending in ("withdrawn", "edited")
    assert (fresh.state == State.EXECUTION) == (given is not None)
    assert given is None or given.recorded_at <= one.ended_at
    assert given is not None or standard.why_the_normal_way(fresh)


def test_it_is_decided_once(cast: Cast) -> None:
    one = proposed(cast)

    def decide(approved: bool) -> StandardApproval:
        return lifecycle.decide_standard(
            one, actor=cast.approver, approved=approved, reason="Now.", seen=one.version
        )

    answers = at_once(lambda: decide(True), lambda: decide(False))
    lost = [one for one in answers if isinstance(one, ChangeStale | StepIllegal)]
    assert len(lost) == 1, answers
    again = at_once(
        *[lambda: lifecycle.propose_standard(one.template, actor=cast.success, case="A.")] * 2
    )
    assert StandardApproval.objects.filter(ending="").count() <= 2, again


def somebody_waits() -> bool:
    """Whether another connection waits for a lock of this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def test_it_is_approved_anew_while_a_change_is_rolled_back(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored while the rollback waits: what took the place of the approval ends as well."""
    change = stories.started(stories.plan(used(cast), cast, **PLAN), cast)
    StandardApproval.objects.update(valid_until=standard.today())
    one = StandardApproval.objects.get()
    renewing = threading.Event()
    told = standard_mail.decided

    def told_late(*arguments: Any) -> None:
        renewing.set()
        wait_until(somebody_waits)
        told(*arguments)

    monkeypatch.setattr(standard_mail, "decided", told_late)

    def roll_back() -> None:
        assert renewing.wait(60)
        lifecycle.record_execution(change, actor=cast.support, outcome="rolled_back", notes="No.")

    answers = at_once(
        lambda: lifecycle.renew_standard(one, actor=cast.approver, reason="Went well."), roll_back
    )
    assert not [one for one in answers if isinstance(one, Exception)], answers
    endings = list(StandardApproval.objects.values_list("ending", flat=True))
    assert endings == ["rolled_back", "renewed"]
