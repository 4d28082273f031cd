"""What was recorded of an execution or a deployment a moment ago is taken back, told to nobody.

Costs 4 s.
"""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.models import User
from accounts.roles import Role
from changes import corrections, lifecycle, plain, settling
from changes.models import Change, Confirmation, ConfirmationLink, Notice, PostReview
from expansive_cm.workflow.errors import StepForbidden, StepIllegal, StepIncomplete
from tests import stories
from tests.mailing import last_row
from tests.people import Cast, person
from tests.standards import rolled_back

pytestmark = pytest.mark.django_db
WHY = "I pressed the wrong one."
BY = {"execution": "support", "deployment": "release_manager"}
OUTCOMES = [(kind, outcome) for kind in BY for outcome in ("succeeded", "rolled_back")]


@pytest.fixture(autouse=True)
def undo(settings: Any) -> None:
    settings.OUTCOME_UNDO_SECONDS, settings.MAIL_BURST_SECONDS = 300, 120


def running(kind: str, cast: Cast) -> Change:
    if kind == "execution":
        return stories.started(stories.plan(stories.in_execution(cast), cast), cast)
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    return lifecycle.start_deployment(change, actor=cast.release_manager)


def record(kind: str, change: Change, cast: Cast, outcome: str = "succeeded") -> Change:
    act = getattr(lifecycle, f"record_{kind}")
    found: Change = act(change, actor=cast.people[BY[kind]], outcome=outcome, notes="As written.")
    return found


def back(kind: str, change: Change, actor: User, **more: Any) -> Change:
    act = getattr(lifecycle, f"take_back_{kind}")
    found: Change = act(change, actor=actor, **{"reason": WHY, **more})
    return found


def address(kind: str, change: Change) -> str:
    return f"{change.get_absolute_url()}take_back_{kind}/"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def fields(change: Change) -> dict[str, Any]:
    moved = {"_state", "state_since", "version", "updated_at"}
    now = vars(Change.objects.get(pk=change.pk))
    return {name: value for name, value in now.items() if name not in moved}


def on_its_page(kind: str, change: Change, own: User) -> None:
    client, there = signed_in(own), address(kind, change)
    assert there in client.get(change.get_absolute_url()).content.decode()
    assert corrections.finished(change, kind)[0].get_outcome_display() in (
        client.get(there).content.decode()
    )
    sent = {"reason": WHY, "seen": str(change.version)}
    assert client.post(there, {**sent, "seen": "1"}).status_code == 409
    assert client.post(there, {**sent, "reason": " "}).status_code == 400
    assert client.post(there, sent).status_code == 302


@pytest.mark.parametrize(("kind", "outcome"), OUTCOMES)
def test_it_runs_as_before_and_nobody_is_told(cast: Cast, kind: str, outcome: str) -> None:
    change, own = running(kind, cast), cast.people[BY[kind]]
    before, told = fields(change), plain.happened(change)
    newest = Notice.objects.order_by("pk").last()
    since = last_row()
    change = record(kind, change, cast, outcome)
    one = corrections.finished(change, kind)[0]
    mails = Email.objects.filter(pk__gt=since)
    assert mails and not mails.filter(scheduled_time=None), "all of it waits"
    if outcome == "succeeded":
        on_its_page(kind, change, own)
    else:
        back(kind, change, own)
    assert fields(change) == before
    change = Change.objects.get(pk=change.pk)
    one.refresh_from_db()
    assert (one.outcome, one.finished_at, one.notes) == ("", None, "") and one.started_at
    history = one.history.order_by("-history_id")
    assert [row.outcome for row in history[:2]] == ["", outcome]
    assert history[0].history_change_reason == f"took back the outcome of the {kind}: {WHY}"
    assert not mails.filter(status=STATUS.queued, expires_at=None)
    assert not Notice.objects.filter(pk__gt=newest.pk if newest else 0, is_in_inbox=True)
    assert not Confirmation.objects.filter(change=change)
    assert not ConfirmationLink.objects.filter(confirmation__change=change)
    assert not PostReview.objects.filter(change=change), "nothing is to be looked back on"
    assert plain.happened(change) == told, "a customer who heard nothing reads of neither"
    if outcome == "succeeded":
        for reader, reads in ((own, True), (cast.requester, False)):
            page = signed_in(reader).get(change.get_absolute_url()).content.decode()
            assert (f"Took back the outcome of the {kind}" in page) is reads
    again = record(kind, change, cast)
    assert again.state in ("documentation", "confirmation")
    assert corrections.finished(again, kind) == [one]
    assert not corrections.retold(again), "what was taken back is nobody's words for it"


@pytest.mark.parametrize("kind", BY)
def test_it_stands_once_it_is_told_or_others_go_on(cast: Cast, kind: str) -> None:
    change, own = running(kind, cast), cast.people[BY[kind]]
    with pytest.raises(StepIllegal, match="no outcome"):
        back(kind, change, own)
    since, change = last_row(), record(kind, change, cast)
    manager = kind == "deployment"
    other = person("Rolf Releases", Role.RELEASE_MANAGER) if manager else cast.success
    with pytest.raises(StepForbidden, match=f"{own}, who recorded it"):
        back(kind, change, other)
    with pytest.raises(StepIncomplete):
        back(kind, change, own, reason=" ")
    with (
        time_machine.travel(timezone.now() + timedelta(seconds=301)),
        pytest.raises(StepIllegal, match="is over"),
    ):
        back(kind, change, own)
    mail = Email.objects.filter(pk__gt=since).filter(notices__event__verb=f"record_{kind}")[0]
    Email.objects.filter(pk=mail.pk).update(number_of_retries=1)
    with pytest.raises(StepIllegal, match="is out already"):
        back(kind, change, own)
    Email.objects.filter(pk=mail.pk).update(number_of_retries=None)
    page = signed_in(own).get(change.get_absolute_url()).content.decode()
    assert address(kind, change) in page
    if kind == "execution":
        words = {"system": "Desk", "reference": "SD-77", "summary": "Done."}
        lifecycle.document(change, actor=cast.success, **words)
    else:
        lifecycle.answer_confirmation(change, actor=cast.requester, confirmed=True)
    with pytest.raises(StepIllegal, match="In the meantime"):
        back(kind, change, own)
    page = signed_in(own).get(change.get_absolute_url()).content.decode()
    assert address(kind, change) not in page


def test_a_comment_does_not_join_the_question_that_waits(cast: Cast) -> None:
    """Its link is in its words alone: they stay, and the comment goes by itself."""
    change = record("deployment", running("deployment", cast), cast)
    question = Email.objects.get(pk=ConfirmationLink.objects.get().email_id)
    assert "/confirm/" in question.message and question.scheduled_time
    lifecycle.comment(change, actor=cast.success, body="Look at the second page.")
    question.refresh_from_db()
    assert "/confirm/" in question.message
    assert question.notices.count() == 1
    with transaction.atomic():
        called = {"means": "telephone", "reached": True, "note": "She knows."}
        lifecycle.record_contact(change, actor=cast.success, **called)
        with pytest.raises(StepIllegal, match="recorded an attempt to reach"):
            back("deployment", change, cast.release_manager)
        transaction.set_rollback(True)
    back("deployment", Change.objects.get(pk=change.pk), cast.release_manager)
    question.refresh_from_db()
    assert question.expires_at, "what was written beside it keeps nothing from being undone"


def test_a_customer_who_has_read_of_it_reads_that_it_was_a_slip(cast: Cast) -> None:
    change = record("execution", running("execution", cast), cast, "rolled_back")
    theirs = Notice.objects.filter(person=cast.requester, event__verb="record_execution")
    assert theirs.update(read_at=timezone.now()) == 1
    back("execution", change, cast.support)
    said = [str(one.text) for one in plain.happened(Change.objects.get(pk=change.pk))]
    assert said[0].startswith("What we had recorded of it was a mistake")


def test_a_standard_change_that_ended_with_it_keeps_the_outcome(cast: Cast) -> None:
    change = rolled_back(cast)
    with pytest.raises(StepIllegal, match="standard change ended"):
        back("execution", change, cast.support)


def test_a_review_that_waited_before_waits_as_before(cast: Cast) -> None:
    """What was asked for with the outcome goes with it, unless somebody has recorded it."""
    change = running("execution", cast)
    soon = timezone.now() + timedelta(hours=1)
    PostReview.objects.create(change=change, is_of_high_risk=True, due_at=soon)
    before = PostReview.objects.values().get()
    change = record("execution", change, cast, "rolled_back")
    review = PostReview.objects.get()
    assert review.is_of_rollback
    with transaction.atomic():
        found = {"happened": "It was the switch.", "met": "no"}
        lifecycle.record_post_review(review, actor=cast.success, **found)
        with pytest.raises(StepIllegal, match="recorded the post-impl"):
            back("execution", change, cast.support)
        transaction.set_rollback(True)
    back("execution", change, cast.support)
    assert PostReview.objects.values().get() == before


def test_what_was_corrected_before_is_no_correction_of_what_is_recorded_anew(cast: Cast) -> None:
    change = record("execution", running("execution", cast), cast)
    one: Any = corrections.finished(change, "execution")[0]
    times = {"started_at": one.started_at, "finished_at": one.finished_at}
    lifecycle.correct_execution(
        one, actor=cast.support, notes="Both switches.", reason="One was missing.", **times
    )
    change = back("execution", Change.objects.get(pk=change.pk), cast.support)
    change = record("execution", change, cast)
    one = corrections.finished(Change.objects.get(pk=change.pk), "execution")[0]
    assert not corrections.corrections_of(one)
    assert corrections.state_of(one) == ""


def test_mail_to_one_who_has_left_meanwhile_was_not_sent_to_them(cast: Cast) -> None:
    change = record("execution", running("execution", cast), cast)
    told = Notice.objects.filter(event__verb="record_execution", email__isnull=False)
    settling.drop(told[0].email)
    back("execution", change, cast.support)
