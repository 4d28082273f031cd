"""What the board decided is decided again later: as the correction of that decision.

3 s of processor time.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from changes import lifecycle as change_lifecycle
from changes import plain
from changes.models import BoardDecision, Change, Release
from crb import lifecycle, periods, queries
from crb.minutes import compose, reading
from crb.models import AgendaItem, Meeting
from crb.overtime import figures
from expansive_cm.workflow.errors import StepError, StepIllegal
from tests.crb.conftest import Table
from tests.crb.test_ballots import opened
from tests.mailing import last_row, mail_to
from tests.remembered import remembered

pytestmark = pytest.mark.django_db
WHY = "The customer has signed for another year."
REJECTED: dict[str, Any] = {"category": "not_strategic", "reason": "We leave this market."}


def fresh(item: AgendaItem) -> AgendaItem:
    return AgendaItem.objects.get(pk=item.pk)


@remembered
def decided(table: Table, outcome: str, title: str = "Rooms at night", **fields: Any) -> AgendaItem:
    """Let the board decide at a meeting that is over by now."""
    item = table.running_item(title)
    table.decide(item, outcome, **fields)
    lifecycle.close_meeting(fresh(item).meeting, actor=table.chair)
    return fresh(item)


def again(table: Table, item: AgendaItem, **fields: Any) -> AgendaItem:
    """Put what was decided on the next agenda again, and open that meeting."""
    wanted = {"actor": table.chair, "reason": WHY, **fields}
    lifecycle.reconsider_decision(item, **wanted)
    table.meeting(days=21)
    lifecycle.fill_agenda(table.board)
    item = AgendaItem.objects.get(change=item.change_id, state="open")
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    return fresh(item)


def test_a_rejection_is_corrected_and_the_former_decision_stays(table: Table) -> None:
    former = decided(table, "rejected", **REJECTED)
    since = last_row()
    item = again(table, former)
    change = Change.objects.get(pk=item.change_id)
    assert (change.state, change.closed_at, item.kind) == ("board", None, "correction")
    assert item.remark.startswith("Correction of the decision of") and item.remark.endswith(WHY)
    asked = mail_to(change.requester.email)
    assert asked.pk > since and "The board decides again" in asked.subject
    assert "The board decided against the request" in asked.message and WHY in asked.message
    assert "looking at its decision again" in str(plain.status_of(change).now)
    assert str(plain.happened(change)[0].text) == "The board looks at its decision again."
    change = table.decide(item, "accepted", reason="Signed.")
    assert (change.state, change.promise) == ("requirements", "twelve_months")
    told = mail_to(change.requester.email)
    assert "This corrects the decision of" in told.message and "“Rejected”" in told.message
    older, newer = BoardDecision.objects.filter(change=change).order_by("pk")
    assert (newer.corrects, older.corrects, older.outcome) == (older, None, "rejected")
    client = Client()
    client.force_login(table.chair)
    page = client.get(reverse("crb:meeting", args=[former.meeting_id]) + f"?item={former.pk}")
    text = page.content.decode()
    assert "Corrected on" in text and f"?item={item.pk}" in text and "Correct this" not in text
    for person in (table.cast.requester, table.cast.developer):
        client.force_login(person)
        shown = client.get(reverse("changes:detail", args=[change.pk])).content.decode()
        assert "Corrected" in shown, person
    before = reading(compose(former.meeting), votes=False)["items"][0]
    assert dict(before["notes"])["Corrected"].startswith("Accepted, on ")
    lifecycle.close_meeting(fresh(item).meeting, actor=table.chair)
    entry = reading(compose(fresh(item).meeting), votes=False)["items"][0]
    assert WHY in dict(entry["notes"])["Remark"] and "Correction" in entry["meta"]


def test_figures_count_the_decision_that_stands_once(table: Table) -> None:
    item = again(table, decided(table, "rejected", **REJECTED))
    assert figures.decisions(table.board, table.chair).count() == 1
    table.decide(item, "accepted")
    found = figures.decisions(table.board, table.chair)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.id FROM changes_boarddecision d WHERE d.taken_back_at IS NULL AND NOT EXISTS"
            " (SELECT FROM changes_boarddecision c WHERE c.corrects_id = d.id"
            "  AND c.taken_back_at IS NULL)"
        )
        assert [(one,) for one in found.values_list("decision", flat=True)] == cursor.fetchall()
    period = periods.period_of(table.board, 3)
    assert figures.promises(table.board, table.chair, period).get("open", 0) <= 1


def test_a_promise_moves_with_another_outcome_and_stays_with_the_same(table: Table) -> None:
    for number in range(1, 5):
        planned = timezone.localdate() + timedelta(days=30 * number)
        Release.objects.create(name=f"5.{number}", planned_on=planned)
    item = decided(table, "accepted")
    first = Change.objects.get(pk=item.change_id)
    item = again(table, item)
    waits = Change.objects.get(pk=item.change_id)
    assert (waits.promise, waits.due_on) == ("twelve_months", first.due_on)
    change = table.decide(item, "accepted_as_priority")
    assert (change.promise, change.promised_release.name) == ("three_releases", "5.3")
    lifecycle.close_meeting(fresh(item).meeting, actor=table.chair)
    last = again(table, fresh(item))
    table.vote(last, *["accepted_as_priority"] * 4)
    before = Change.objects.get(pk=change.pk)
    lifecycle.record_outcome(fresh(last), actor=table.chair, outcome="accepted_as_priority")
    same = Change.objects.get(pk=change.pk)
    assert (same.due_on, same.promised_at) == (before.due_on, before.promised_at)


def test_a_correction_that_is_taken_back_leaves_the_former_decision(
    table: Table, settings: Any
) -> None:
    settings.OUTCOME_UNDO_SECONDS = 300
    item = decided(table, "accepted")
    first = Change.objects.get(pk=item.change_id)
    accepted = first.board_decision
    correction = again(table, item)
    first = Change.objects.get(pk=first.pk)
    table.vote(correction, *["rejected"] * 4)
    lifecycle.record_outcome(fresh(correction), actor=table.chair, outcome="rejected", **REJECTED)
    assert Change.objects.get(pk=first.pk).promise == ""
    lifecycle.take_back_outcome(fresh(correction), actor=table.chair, reason="The wrong one.")
    now = Change.objects.get(pk=first.pk)
    assert (now.state, now.promise, now.due_on) == ("board", first.promise, first.due_on)
    assert (now.promised_at, now.board_decision) == (first.promised_at, accepted)
    assert WHY in fresh(correction).remark and "The wrong one." in fresh(correction).remark
    change = table.decide(fresh(correction), "rejected", **REJECTED)
    assert change.board_decision.corrects == accepted
    assert figures.decisions(table.board, table.chair).count() == 1


def test_a_ballot_corrects_too_and_a_question_on_the_way_corrects_nothing(table: Table) -> None:
    item = decided(table, "rejected", **REJECTED)
    lifecycle.reconsider_decision(item, actor=table.deputy, reason=WHY)
    ballot = opened(table, Change.objects.get(pk=item.change_id))
    own = AgendaItem.objects.get(meeting=ballot)
    assert own.kind == "correction"
    asked = [("Until when?", table.cast.developer)]
    change = table.decide(own, "information_required", questions=asked)
    assert change.board_decision.corrects is None
    question = change.questions.get()
    change_lifecycle.answer_question(
        change, actor=table.cast.developer, question=question, answer="June."
    )
    change = Change.objects.get(pk=change.pk)
    last = AgendaItem.objects.get(meeting=opened(table, change))
    assert last.kind == "returning" and last.remark.endswith(WHY)
    change = table.decide(last, "accepted")
    assert fresh(last).remark.endswith(WHY)
    assert change.board_decision.corrects.outcome == "rejected"


def test_who_may_and_when(table: Table) -> None:
    closed, works = [table.running_item(title) for title in ("Closed", "Works")]
    table.decide(closed, "rejected", **REJECTED)
    change = table.decide(works, "accepted")
    with pytest.raises(StepIllegal, match="not over yet"):
        lifecycle.reconsider_decision(fresh(closed), actor=table.chair, reason=WHY)
    lifecycle.close_meeting(fresh(closed).meeting, actor=table.chair)
    cast = table.cast
    for person in (table.members[1], cast.administrator, cast.support, cast.requester):
        with pytest.raises(StepError) as refusal:
            lifecycle.reconsider_decision(fresh(closed), actor=person, reason=WHY)
        assert refusal.value.status == 403, person
    fields = dict.fromkeys(("purpose", "scope", "objectives", "acceptance_criteria"), "All.")
    change_lifecycle.define_requirements(change, actor=cast.developer, **fields)
    with pytest.raises(StepIllegal, match="until the requirements are defined"):
        lifecycle.reconsider_decision(fresh(works), actor=table.chair, reason=WHY)
    address = reverse("crb:reconsider_decision", args=[closed.pk])
    page = reverse("crb:meeting", args=[closed.meeting_id])
    client = Client()
    client.force_login(table.members[1])
    assert address not in client.get(f"{page}?item={closed.pk}").content.decode()
    client.force_login(table.deputy)
    assert address in client.get(f"{page}?item={closed.pk}").content.decode()
    assert "cannot be corrected" in client.get(f"{page}?item={works.pk}").content.decode()
    version = Change.objects.get(pk=closed.change_id).version
    assert client.post(address, {"seen": version, "reason": " "}).status_code == 400
    assert client.post(address, {"seen": version - 1, "reason": WHY}).status_code == 409
    done = client.post(address, {"seen": version, "reason": WHY}, follow=True)
    assert "The board decides again" in done.content.decode()
    assert client.post(address, {"seen": version, "reason": WHY}).status_code == 409
    table.meeting(days=21)
    follower = decided(table, "rejected", title="Follows", **REJECTED)
    draft = change_lifecycle.follow_up(follower.change, actor=cast.requester)
    change_lifecycle.submit(draft, actor=cast.requester)
    with pytest.raises(StepIllegal, match=draft.reference):
        lifecycle.reconsider_decision(fresh(follower), actor=table.chair, reason=WHY)
    assert Meeting.objects.filter(state="running").count() == 0
    assert not queries.unanswered_questions(table.board, table.chair).exists()
