"""An outcome that was recorded by mistake is taken back: as if nobody had, and all of it kept.

6 s of processor time.
"""

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.models import User
from changes import digest, plain, tasks
from changes import lifecycle as change_lifecycle
from changes.models import Change, Event, Notice, Release
from changes.views.happenings import happenings
from changes.views.sections import sections
from crb import lifecycle, periods, queries
from crb.live.parts import Picture, Viewer
from crb.live.rooms import read
from crb.minutes import compose, reading
from crb.models import AgendaItem, BoardEvent, BoardOutcome, Meeting
from crb.overtime import figures
from expansive_cm.post import sending
from expansive_cm.workflow.errors import ChangeStale, StepError, StepIllegal, StepIncomplete
from tests.crb.conftest import Table
from tests.crb.test_ballots import opened
from tests.crb.test_consent import agreed
from tests.crb.test_correct_decision import again as decided_again
from tests.crb.test_correct_decision import decided
from tests.mailing import deliver, mail_to, told

pytestmark = pytest.mark.django_db
UNDO = 300
WHY = "I pressed the wrong one."
REJECTED: dict[str, Any] = {"category": "not_strategic", "reason": "We leave this market."}


@pytest.fixture(autouse=True)
def undo(settings: Any) -> None:
    settings.OUTCOME_UNDO_SECONDS = UNDO


def fresh(item: AgendaItem) -> AgendaItem:
    return AgendaItem.objects.get(pk=item.pk)


def back(table: Table, item: AgendaItem, **fields: Any) -> BoardOutcome:
    wanted = {"actor": table.chair, "reason": WHY, **fields}
    return lifecycle.take_back_outcome(fresh(item), **wanted)


def later(seconds: float = UNDO + 1) -> Any:
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds), tick=False)


def waiting() -> Any:
    return Email.objects.filter(expires_at=None, status=STATUS.queued)


# The item is open as it was


OUTCOMES: dict[str, dict[str, Any]] = {
    "accepted": {},
    "accepted_as_priority": {},
    "rejected": REJECTED,
    "information_required": {},
}


def test_each_outcome_is_undone_and_another_can_be_recorded(table: Table) -> None:
    for number in range(1, 5):
        planned = timezone.localdate() + timedelta(days=30 * number)
        Release.objects.create(name=f"5.{number}", planned_on=planned)
    for outcome, fields in OUTCOMES.items():
        if outcome == "information_required":
            fields = {"questions": [("How many?", table.cast.requester)]}
        item = table.running_item(f"Change: {outcome}")
        before = vars(Change.objects.get(pk=item.change_id))
        change = table.decide(item, outcome, **fields)
        counted = queries.tally_of(fresh(item)).positions
        taken = back(table, item)
        now = Change.objects.get(pk=change.pk)
        moved = {"_state", "state_since", "version", "created_at", "submitted_at", "updated_at"}
        assert {k: v for k, v in vars(now).items() if k not in moved} == {
            k: v for k, v in before.items() if k not in moved
        }
        again = fresh(item)
        assert (again.state, again.settled_at) == ("open", None)
        assert queries.tally_of(again).positions == counted
        assert now.board_decision is None and now.open_questions == []
        assert (taken.item, taken.taken_from) == (None, again)
        decision = taken.decision
        decision.refresh_from_db()
        assert (decision.taken_back_by, decision.taken_back_reason) == (table.chair, WHY)
        assert decision.history.first().history_user == table.chair
        acts = [event.verb for event in now.events.order_by("pk")][-2:]
        assert acts == ["record_board_outcome", "take_back_board_outcome"]
        steps = BoardEvent.objects.filter(item=item).order_by("pk")
        last = [(one.verb, one.from_state, one.to_state, one.reason) for one in steps][-1]
        assert last == ("take_back_outcome", "decided", "open", WHY)
        lifecycle.record_outcome(again, actor=table.chair, outcome=outcome, **fields)
        assert fresh(item).outcome.decision == Change.objects.get(pk=change.pk).board_decision


def test_a_consent_item_is_one_again(table: Table) -> None:
    item = agreed(table, "Rooms at night")
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    lifecycle.record_consent(item.meeting, actor=table.chair)
    back(table, item)
    assert (fresh(item).state, fresh(item).is_consent) == ("open", True)
    assert lifecycle.record_consent(fresh(item).meeting, actor=table.chair).recorded


def test_a_ballot_that_closed_with_it_runs_again(table: Table) -> None:
    ballot = opened(table)
    item = AgendaItem.objects.get(meeting=ballot)
    table.decide(item, "accepted")
    assert Meeting.objects.get(pk=ballot.pk).state == "closed"
    back(table, item)
    again = Meeting.objects.get(pk=ballot.pk)
    assert (again.state, again.closed_at) == ("running", None)
    lifecycle.record_outcome(fresh(item), actor=table.chair, outcome="accepted")
    assert Meeting.objects.get(pk=ballot.pk).state == "closed"
    assert lifecycle.settle_ballot(again) is False


def test_the_database_lets_nothing_else_be_rewritten(table: Table) -> None:
    item = table.running_item()
    table.decide(item, "accepted")
    outcome = fresh(item).outcome
    meeting = fresh(item).meeting
    lifecycle.close_meeting(meeting, actor=table.chair)
    for rows, values in (
        (BoardOutcome.objects.filter(pk=outcome.pk), {"sentence": "Unanimous."}),
        (BoardOutcome.objects.filter(pk=outcome.pk), {"item": None, "taken_from": None}),
        (type(outcome.decision).objects.all(), {"reason": "Better."}),
        (type(outcome.decision).objects.all(), {"taken_back_at": timezone.now()}),
        (Meeting.objects.filter(pk=meeting.pk), {"state": "running"}),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**values)
    assert BoardOutcome.objects.get().item == item


# Not any more


def _time_over(table: Table, item: AgendaItem) -> Iterator[str]:
    with later(UNDO):
        yield "The time in which an outcome can be taken back is over: its mails are out."


def _answered(table: Table, item: AgendaItem) -> Iterator[str]:
    question = item.change.questions.get()
    change_lifecycle.answer_question(
        item.change, actor=question.answerer, question=question, answer="Forty."
    )
    yield "In the meantime Grace Requester answered a question of the board, so the outcome stands."


def _next_step(table: Table, item: AgendaItem) -> Iterator[str]:
    fields = dict.fromkeys(("purpose", "scope", "objectives", "acceptance_criteria"), "All.")
    change_lifecycle.define_requirements(item.change, actor=table.cast.developer, **fields)
    yield "In the meantime Dan Developer defined the requirements, so the outcome stands."


def _followed(table: Table, item: AgendaItem) -> Iterator[str]:
    draft = change_lifecycle.follow_up(item.change, actor=table.cast.requester)
    change_lifecycle.submit(draft, actor=table.cast.requester)
    yield f"It goes on as {draft.reference} already, so the outcome stands."


def _closed(table: Table, item: AgendaItem) -> Iterator[str]:
    lifecycle.close_meeting(item.meeting, actor=table.chair)
    yield "The meeting is closed."


def _taken_back(table: Table, item: AgendaItem) -> Iterator[str]:
    back(table, item, actor=table.deputy)
    yield "There is no outcome to take back."


def test_it_stands_once_it_is_acted_on_or_its_time_is_over(table: Table) -> None:
    asked = {"questions": [("How many?", table.cast.requester)]}
    cases = (
        (_time_over, "accepted", {}),
        (_answered, "information_required", asked),
        (_next_step, "accepted", {}),
        (_followed, "rejected", REJECTED),
        (_taken_back, "accepted", {}),
        (_closed, "accepted", {}),
    )
    for prepare, outcome, fields in cases:
        item = table.running_item(f"Change:{prepare.__name__}")
        table.decide(item, outcome, **fields)
        item = fresh(item)
        prepared = prepare(table, item)
        sentence = next(prepared)
        before = (Event.objects.count(), BoardEvent.objects.count())
        with pytest.raises(StepIllegal) as refusal:
            back(table, item)
        assert str(refusal.value) == sentence
        assert (Event.objects.count(), BoardEvent.objects.count()) == before
        list(prepared)


def test_what_goes_on_beside_it_is_no_hindrance_and_a_stale_page_is_told(table: Table) -> None:
    item = table.running_item()
    change = table.decide(item, "accepted")
    change_lifecycle.comment(change, actor=table.cast.requester, body="Thank you!")
    change_lifecycle.follow_up(table_rejected(table), actor=table.cast.requester)
    change_lifecycle.assign(change, actor=table.cast.support, owner=table.cast.success)
    with pytest.raises(ChangeStale, match="assigned an owner"):
        back(table, item, seen=change.version)
    with pytest.raises(StepIncomplete):
        back(table, item, reason=" ")
    back(table, item, seen=change.version + 1)
    assert fresh(item).is_open


def table_rejected(table: Table) -> Change:
    """A rejected change, of which somebody has begun a follow-up that is not sent."""
    item = table.running_item("Doors")
    change = table.decide(item, "rejected", **REJECTED)
    change_lifecycle.follow_up(change, actor=table.cast.requester)
    back(table, item)
    return table.decide(item, "rejected", **REJECTED)


def test_a_ballot_that_a_person_ended_or_whose_minutes_are_out_stays(table: Table) -> None:
    for end in ("ended", "published"):
        others = [table.change(f"{end} {number}") for number in range(2)]
        ballot = opened(table, *others)
        first, second = AgendaItem.objects.filter(meeting=ballot).order_by("pk")
        table.decide(first, "accepted")
        if end == "ended":
            lifecycle.end_ballot(ballot, actor=table.chair, reason="Enough.")
        else:
            table.decide(second, "accepted")
            lifecycle.publish_minutes(Meeting.objects.get(pk=ballot.pk), actor=table.chair)
        with pytest.raises(StepIllegal):
            back(table, first)


def test_whoever_may_not_record_it_may_not_take_it_back(table: Table) -> None:
    item = table.running_item()
    table.vote(item, "", *["accepted"] * 4)
    lifecycle.recuse(item, actor=table.deputy, reason="My own project.")
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    for person in (table.deputy, table.members[1], table.cast.administrator, table.cast.requester):
        with pytest.raises(StepError) as refusal:
            back(table, item, actor=person)
        assert refusal.value.status == 403, person


# Nobody is told, or they are told that it does not stand


def test_its_mails_wait_and_are_not_sent(table: Table) -> None:
    item = table.running_item()
    asked = [("How many?", table.cast.requester)]
    before = set(Email.objects.values_list("pk", flat=True))
    table.vote(item, *["information_required"] * 4)
    lifecycle.record_outcome(
        item, actor=table.chair, outcome="information_required", questions=asked
    )
    held = waiting().exclude(pk__in=before)
    moment = Event.objects.filter(verb="record_board_outcome").get().at
    until = {moment + timedelta(seconds=UNDO)}
    assert held.count() > 2 and set(held.values_list("scheduled_time", flat=True)) == until
    with later(UNDO - 5):
        deliver()
    assert not held.filter(status=STATUS.sent).exists()
    keys = set(held.values_list("pk", flat=True))
    back(table, item)
    with later():
        deliver()
    assert set(Email.objects.filter(pk__in=keys).values_list("status", flat=True)) == {
        STATUS.queued
    }
    assert not Email.objects.filter(pk__in=keys, expires_at=None).exists()
    client = Client()
    client.force_login(table.chair)
    page = client.get(f"{reverse('crb:meeting', args=[item.meeting_id])}?item={item.pk}")
    assert "Asked by the board" not in page.content.decode()
    assert set(Email.objects.exclude(pk__in={*before, *keys})) == set()


def test_they_go_when_the_time_is_over(table: Table) -> None:
    change = table.decide(table.running_item(), "accepted")
    with later():
        deliver()
        assert "The board accepted the request" in mail_to(change.requester.email).subject


def test_whom_a_mail_has_reached_is_told_that_it_does_not_stand(table: Table) -> None:
    """One that was on its way at that moment, or was sent while the time was shorter."""
    item = table.running_item()
    change = table.decide(item, "rejected", **REJECTED)
    requester = table.cast.requester
    gone = Notice.objects.filter(event__verb="record_board_outcome", person=requester).get().email
    Email.objects.filter(pk=gone.pk).update(status=STATUS.sent)
    since = gone.pk
    back(table, item)
    assert change.events.get(verb="take_back_board_outcome").data["told"] == [requester.pk]
    mails = [one for one in told(since) if one[1] == "The board decides again"]
    assert mails == [("grace", "The board decides again")]
    said = mail_to(requester.email)
    assert "The board decided against the request" in said.message and WHY not in said.message
    with later(1):
        assert sending.due(timezone.now()).filter(pk=said.pk).exists()
    assert plain.happened(change)[0].text.startswith("What the board had decided was recorded by")
    assert "recorded by mistake" in str(plain.happened(change)[0].text)


def test_the_next_step_brings_the_outcome_along_and_a_comment_does_not(
    table: Table, settings: Any
) -> None:
    settings.MAIL_BURST_SECONDS = 30
    item = table.running_item()
    change = table.decide(item, "accepted")
    owner = table.cast.requester
    change_lifecycle.watch(change, actor=table.cast.tester)
    change_lifecycle.comment(change, actor=table.cast.support, body="Well done.")
    own = Notice.objects.filter(change=change, person=owner).order_by("pk")
    outcome, comment = [one.email for one in own][-2:]
    assert outcome != comment and comment.scheduled_time < outcome.scheduled_time
    fields = dict.fromkeys(("purpose", "scope", "objectives", "acceptance_criteria"), "All.")
    change.owner = None
    held = Notice.objects.filter(event__verb="record_board_outcome", email__isnull=False)
    people = set(held.values_list("person", flat=True))
    change_lifecycle.define_requirements(change, actor=table.cast.developer, **fields)
    joined = Notice.objects.filter(event__verb="define_requirements", person__in=people)
    for notice in joined:
        mails = held.filter(person=notice.person).values_list("email", flat=True)
        assert notice.email_id in mails
        assert notice.email.scheduled_time <= timezone.now() + timedelta(seconds=30)


def test_a_summary_does_not_tell_what_may_be_taken_back(table: Table) -> None:
    requester = table.cast.requester
    requester.mail_pace = "daily"
    requester.save()
    item = table.running_item()
    table.decide(item, "accepted")
    Notice.objects.filter(person=requester).exclude(event__verb="record_board_outcome").update(
        is_for_digest=False
    )
    Notice.objects.filter(person=requester).update(created_at=timezone.now() - timedelta(days=2))
    assert requester.pk not in digest.due(timezone.now())
    with later():
        assert requester.pk in digest.due(timezone.now())
    back(table, item)
    with later():
        assert digest.send(requester.pk) is False


def test_who_read_it_in_the_app_alone_is_told_that_it_was_taken_back(table: Table) -> None:
    requester = table.cast.requester
    requester.news = "outcome:app"
    requester.save()
    for has_read in (False, True):
        item = table.running_item()
        table.decide(item, "accepted")
        theirs = Notice.objects.filter(person=requester, change=item.change_id)
        outcome = theirs.get(event__verb="record_board_outcome")
        assert outcome.email is None and outcome.is_in_inbox and not outcome.is_for_digest
        if has_read:
            theirs.update(read_at=timezone.now())
        back(table, item)
        assert theirs.filter(message="taken_back").exists() == has_read


# What is kept, and what counts


def test_figures_count_what_stands_and_minutes_keep_both(table: Table) -> None:
    item = table.running_item()
    table.decide(item, "rejected", **REJECTED)
    back(table, item)
    open_entry = reading(compose(fresh(item).meeting), votes=True)["items"][0]
    said = dict(open_entry["notes"])["Taken back"]
    assert said.startswith("An outcome, recorded by Cora Chair at") and said.endswith(WHY)
    assert "Rejected" not in str(open_entry)
    table.vote(item, *["accepted"] * 4)
    lifecycle.record_outcome(fresh(item), actor=table.chair, outcome="accepted")
    entry = reading(compose(fresh(item).meeting), votes=False)["items"][0]
    assert entry["outcome"] == "accepted"
    assert dict(entry["notes"])["Taken back"].startswith("Rejected, recorded by Cora Chair at")
    period = periods.period_of(table.board, 3)
    chair = table.chair
    counted = figures.outcomes_by_meeting(table.board, chair, period)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.outcome, count(*) FROM changes_boarddecision d"
            " WHERE d.taken_back_at IS NULL GROUP BY 1"
        )
        assert [one.counts for one in counted if one.counts] == [dict(cursor.fetchall())]
    assert figures.decisions(table.board, chair).count() == 1
    assert not queries.unanswered_questions(table.board, chair).exists()


def test_who_was_never_told_reads_nothing_of_it_and_colleagues_all(table: Table) -> None:
    item = table.running_item()
    change = table.decide(item, "rejected", **{**REJECTED, "reason": "An otter in the reason."})
    back(table, item, reason="A heron in the reason.")
    change = Change.objects.get(pk=change.pk)
    for person, reads in ((table.cast.requester, False), (table.cast.developer, True)):
        pages = str([one.reason for one in happenings(change, person)])
        pages += str(sections(change, person))
        assert ("otter" in pages, "heron" in pages) == (reads, reads), person
    client = Client()
    client.force_login(table.cast.requester)
    page = client.get(reverse("changes:detail", args=[change.pk])).content.decode()
    assert "otter" not in page and "heron" not in page and "Rejected" not in page
    assert not any("decided not to go ahead" in str(one.text) for one in plain.happened(change))


# The page


def test_the_page_of_chair_and_member(table: Table) -> None:
    item = table.running_item()
    table.decide(item, "accepted")
    page = reverse("crb:meeting", args=[item.meeting_id]) + f"?item={item.pk}"
    address = reverse("crb:take_back_outcome", args=[item.pk])
    client = Client()
    for person, offered in ((table.members[1], False), (table.chair, True)):
        client.force_login(person)
        assert (address in client.get(page).content.decode()) is offered
    version = Change.objects.get(pk=item.change_id).version
    empty = client.post(address, {"seen": version, "reason": ""})
    assert empty.status_code == 400 and "Fill this in." in empty.content.decode()
    stale = client.post(address, {"seen": version - 1, "reason": "Wrong one."})
    assert stale.status_code == 409 and "Wrong one." in stale.content.decode()
    done = client.post(address, {"seen": version, "reason": "Wrong one."}, follow=True)
    text = done.content.decode()
    assert "The outcome is taken back." in text and "Wrong one." in text
    again = client.post(address, {"seen": version, "reason": "Wrong one."})
    assert again.status_code == 409
    with later():
        lifecycle.record_outcome(fresh(item), actor=table.chair, outcome="accepted")
    with later(3 * UNDO):
        assert address not in client.get(page).content.decode()
    client.force_login(table.members[1])
    version = Change.objects.get(pk=item.change_id).version
    assert client.post(address, {"seen": version, "reason": "No."}).status_code == 403
    client.force_login(table.cast.requester)
    assert client.post(address, {"seen": version, "reason": "No."}).status_code in (403, 404)


def test_open_pages_follow_and_only_who_may_is_offered_it(table: Table) -> None:
    item = table.running_item()
    table.decide(item, "accepted")

    def settled() -> dict[str, str]:
        snapshot = read(queries.meetings().get(pk=item.meeting_id))
        with snapshot.lock:
            return {
                str(one): Picture(
                    Viewer(User.objects.get(pk=one.pk), UTC, "token"), snapshot, item.pk
                ).html("settled")
                for one in (table.members[1], table.chair, table.deputy, table.cast.auditor)
            }

    decided = settled()
    may = {str(table.chair), str(table.deputy)}
    assert {name for name, html in decided.items() if "Take the outcome back" in html} == may
    back(table, item)
    assert all(WHY in html and "Accepted" not in html for html in settled().values())


def test_no_day_is_told_that_was_promised_by_mistake(table: Table) -> None:
    """Where the release of the former promise has moved, and nobody is told yet."""
    today = timezone.localdate()
    days = [today + timedelta(days=30 * number) for number in range(1, 4)]
    releases = [Release.objects.create(name=f"5.{day}", planned_on=day) for day in days]
    item = decided(table, "accepted_as_priority")
    moved, manager = today + timedelta(days=120), table.cast.release_manager
    with later():
        change_lifecycle.change_release(
            releases[-1], actor=manager, name="5.3", planned_on=moved, reason="Rain."
        )
        item = decided_again(table, item)
        table.decide(item, "accepted")
        back(table, item)
        change = table.decide(fresh(item), "accepted_as_priority")
        tasks.tell_of_forecasts()
    (event,) = change.events.filter(verb="forecast_moved")
    known = [event.data[name] for name in ("before", "after")]
    assert {one["due_on"] for one in known} == {days[-1].isoformat()}
    assert [one["forecast_on"] for one in known] == [days[-1].isoformat(), moved.isoformat()]
