"""Every row of history says who and why, whoever acted: a person, or the product by itself."""

import inspect
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import User
from audit.sources import of_changes
from changes import access_links, lifecycle
from changes.models import (
    AccessLink,
    Change,
    Confirmation,
    ConfirmationLink,
    Promise,
    Release,
)
from changes.process import OTHER_VERBS, STEP
from changes.states import State
from tests.people import Cast
from tests.stories import (
    MAKERS,
    change_in,
    deployed,
    draft,
    further_wished,
    in_confirmation,
    in_requirements,
    information_required,
    submitted,
)

MOMENT = timedelta(seconds=5)


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


def test_a_promise_that_gets_its_day_is_explained(cast: Cast) -> None:
    change = in_requirements(cast)
    release = Release.objects.create(
        name="9.9", planned_on=timezone.localdate() + timedelta(days=100)
    )
    Change.objects.filter(pk=change.pk).update(
        promise=Promise.THREE_RELEASES, promised_release=release, due_on=None
    )
    assert lifecycle.settle_promise(change.pk)
    row = change.history.first()
    assert row.history_user is None
    assert row.history_change_reason.startswith("updated the date of the promise")


# Acts that come through a mailed link ----------------------------------------------------------


def access(change: Change) -> AccessLink:
    access_links.issue(change, change.requester, actor=None)
    return AccessLink.objects.filter(change=change, person=change.requester).latest("pk")


def asking(change: Change) -> ConfirmationLink:
    return ConfirmationLink.objects.filter(confirmation__change=change).latest("pk")


def withdrawn(cast: Cast) -> Change:
    change = submitted(cast)
    return lifecycle.withdraw(
        change, actor=cast.requester, reason="No longer needed.", link=access(change)
    )


def answered(cast: Cast) -> Change:
    change = information_required(cast)
    (question,) = change.open_questions
    link = access(change)
    return lifecycle.answer_question(
        change, actor=cast.requester, question=question, answer="Two.", link=link
    )


def commented(cast: Cast) -> Change:
    change = submitted(cast)
    lifecycle.comment(change, actor=cast.requester, body="And on Sundays.", link=access(change))
    return change


def attached(cast: Cast) -> Change:
    change, file = submitted(cast), SimpleUploadedFile("plan.txt", b"Plan")
    link = access(change)
    lifecycle.attach(change, actor=cast.requester, file=file, content_type="text/plain", link=link)
    return change


def confirmed(cast: Cast) -> Change:
    change = in_confirmation(cast)
    return lifecycle.answer_confirmation(
        change, actor=cast.requester, confirmed=True, link=asking(change)
    )


def rated(cast: Cast) -> Change:
    change = confirmed(cast)
    return lifecycle.rate(change, actor=cast.requester, rating=4, link=asking(change))


def succeeded(cast: Cast) -> Change:
    change = further_wished(cast)
    link = asking(change)
    lifecycle.request_successor(
        change, actor=cast.requester, title="On", description="Sundays too.", link=link
    )
    return change


BY_LINK: dict[str, Callable[[Cast], Change]] = {
    "withdraw": withdrawn,
    "answer_question": answered,
    "comment": commented,
    "attach": attached,
    "answer_confirmation": confirmed,
    "rate": rated,
    "request_successor": succeeded,
}


def test_every_step_that_takes_a_link_is_among_those_tried() -> None:
    taking = set()
    for name in STEP.keys() | OTHER_VERBS.keys():
        step = getattr(lifecycle, name, None)
        link = inspect.signature(step).parameters.get("link") if step else None
        if link is not None and "Link" in str(link.annotation):
            taking.add(name)
    assert taking == set(BY_LINK)


@pytest.mark.parametrize("verb", BY_LINK)
def test_history_says_that_an_act_came_through_a_mailed_link(cast: Cast, verb: str) -> None:
    change = BY_LINK[verb](cast)
    event = change.events.get(verb=verb)
    assert event.data["via"] == "link"
    reasons = [
        row.history_change_reason
        for source in of_changes()
        for row in source.history._default_manager.filter(source.of_change(change.pk))
        if row.history_user_id == cast.requester.pk and row.history_date >= event.at - MOMENT
    ]
    assert any("through a mailed link" in (reason or "") for reason in reasons), reasons
