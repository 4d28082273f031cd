"""Every row of history says who and why, whoever acted: a person, or the product by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from audit.sources import of_changes
from changes import lifecycle
from changes.models import Change, Confirmation, ConfirmationLink, Promise, Release
from changes.states import State
from tests.people import Cast
from tests.stories import MAKERS, change_in, deployed, draft, in_confirmation, in_requirements


def unexplained(change: Change) -> list[str]:
    """Rows of a change's history that lack a person or a reason."""
    found = []
    for source in of_changes():
        rows = source.history._default_manager.filter(source.of_change(change.pk))
        for row in rows:
            if not row.history_user_id or not row.history_change_reason:
                found.append(f"{source.key} {row.history_type} {row.history_change_reason!r}")
    return found


@pytest.mark.parametrize("state", MAKERS)
def test_every_step_says_who_and_why(cast: Cast, state: State) -> None:
    assert unexplained(change_in(state, cast)) == []


def test_a_deployment_says_who_and_why(cast: Cast) -> None:
    assert unexplained(deployed(cast)) == []


def test_discussion_says_who_and_why(cast: Cast) -> None:
    change, other = in_requirements(cast), in_requirements(cast)
    lifecycle.comment(change, actor=cast.requester, body="Thank you.")
    lifecycle.comment(change, actor=cast.support, body="Noted.", internal=True)
    lifecycle.watch(change, actor=cast.tester)
    link = lifecycle.link(change, actor=cast.support, other=other, kind="enabled_by")
    lifecycle.unlink(change, actor=cast.support, record=link)
    lifecycle.assign(change, actor=cast.success, owner=cast.developer)
    lifecycle.unwatch(change, actor=cast.tester)
    assert unexplained(change) == []
    assert link.history.model.objects.filter(history_type="-").get().history_user == cast.support


def test_a_person_added_at_intake_is_attributed(cast: Cast) -> None:
    person = lifecycle.find_or_create_requester(
        "new@harbour.example", "New Person", cast.harbour, actor=cast.support
    )
    row = User.history.get(id=person.pk)  # type: ignore[attr-defined]
    assert (row.history_user, bool(row.history_change_reason)) == (cast.support, True)


def test_edits_are_attributed(cast: Cast) -> None:
    change = draft(cast)
    lifecycle.edit(change, actor=cast.support, title="Another title", reason="Clearer.")
    row = change.history.first()
    assert (row.history_user, row.title) == (cast.support, "Another title")
    assert row.history_change_reason.endswith("Clearer.")


def test_the_product_acts_without_a_person_but_with_a_reason(cast: Cast) -> None:
    change = in_confirmation(cast)
    question = change.confirmation
    assert lifecycle.send_reminder(question.pk, 3)
    assert lifecycle.escalate(question.pk)
    link = ConfirmationLink.history.first()  # type: ignore[attr-defined]
    escalated = Confirmation.history.filter(id=question.pk).first()  # type: ignore[attr-defined]
    assert (link.history_user, link.history_change_reason) == (None, "reminded the requester")
    assert (escalated.history_user, escalated.escalated_at is None) == (None, False)
    assert escalated.history_change_reason == "told the owner that there is no answer"


def test_a_promise_that_moves_is_explained(cast: Cast) -> None:
    change = in_requirements(cast)
    release = Release.objects.create(
        name="9.9", planned_on=timezone.localdate() + timedelta(days=100)
    )
    Change.objects.filter(pk=change.pk).update(
        promise=Promise.THREE_RELEASES, promised_release=release
    )
    assert lifecycle.settle_promise(change.pk)
    row = change.history.first()
    assert row.history_user is None
    assert row.history_change_reason.startswith("updated the date of the promise")
