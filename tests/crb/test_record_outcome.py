"""The four outcomes, what each does to the change, and what the chair may not record."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from changes import lifecycle as change_lifecycle
from changes.lifecycle.promises import twelve_months_after
from changes.models import Change, Release
from crb import lifecycle
from crb.consequences import consequences
from crb.models import AgendaItem, BoardOutcome
from crb.people import OwnPeople
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests import stories
from tests.crb.conftest import Table
from tests.mailing import worded

pytestmark = pytest.mark.django_db


def record(table: Table, item: AgendaItem, outcome: str, **fields: object) -> BoardOutcome:
    return lifecycle.record_outcome(item, actor=table.chair, outcome=outcome, **fields)


# The four outcomes


def test_accepted_promises_delivery_within_twelve_months(table: Table) -> None:
    change = table.decide(table.running_item(), "accepted", reason="It pays for itself.")
    assert (change.state, change.promise) == ("requirements", "twelve_months")
    assert change.due_on == twelve_months_after(timezone.localdate())


@pytest.mark.parametrize("outcome", ["accepted", "accepted_as_priority"])
def test_a_promise_counts_from_the_boards_day(table: Table, outcome: str) -> None:
    """It is still Friday where the board meets; the chair records it from where it is Saturday."""
    for number, day in enumerate((19, 20, 21, 22), 1):
        Release.objects.create(name=f"6.{number}", planned_on=date(2027, 2, day))
    with time_machine.travel(datetime(2027, 2, 19, 14, 30, tzinfo=UTC), tick=False):
        item = table.running_item()
        with timezone.override("Pacific/Auckland"):
            change = table.decide(item, outcome)
    expected = {"accepted": date(2028, 2, 19), "accepted_as_priority": date(2027, 2, 22)}
    assert change.due_on == expected[outcome]
    assert change.promise_zone == table.board.zone


def test_a_release_that_is_out_already_is_none_of_the_next_three(table: Table) -> None:
    days = [timezone.localdate() + timedelta(days=number) for number in range(2, 6)]
    for number, day in enumerate(days):
        Release.objects.create(name=f"6.{number}", planned_on=day)
    Release.objects.filter(name="6.0").update(released_at=timezone.now())
    item = table.running_item()
    assert "6.1, 6.2, 6.3" in consequences(table.board.today)["accepted_as_priority"]
    assert table.decide(item, "accepted_as_priority").promised_release.name == "6.3"


def test_a_promise_that_is_settled_later_counts_from_the_boards_day(table: Table) -> None:
    with time_machine.travel(datetime(2027, 2, 19, 14, 30, tzinfo=UTC), tick=False):
        item = table.running_item()
        with timezone.override("Pacific/Auckland"):
            change = table.decide(item, "accepted_as_priority")
        for number, day in enumerate((20, 21, 22), 1):
            Release.objects.create(name=f"6.{number}", planned_on=date(2027, 2, day))
        with timezone.override("Pacific/Auckland"):
            change_lifecycle.settle_promise(change.pk)
    assert Change.objects.get(pk=change.pk).due_on == date(2027, 2, 22)


def test_accepted_as_a_priority_promises_one_of_three_releases(table: Table) -> None:
    for number in range(1, 5):
        planned = timezone.localdate() + timedelta(days=30 * number)
        Release.objects.create(name=f"5.{number}", planned_on=planned)
    change = table.decide(table.running_item(), "accepted_as_priority")
    assert (change.state, change.promise) == ("requirements", "three_releases")
    assert change.promised_release.name == "5.3"


def test_information_required_asks_named_people_and_returns_by_itself(table: Table) -> None:
    item = table.running_item()
    following = table.meeting(days=21)
    questions = [("How many?", table.cast.requester), ("Which risk?", table.cast.developer)]
    change = table.decide(item, "information_required", questions=questions)
    assert change.state == "information_required"
    assert [(q.text, q.answerer) for q in change.questions.all()] == questions
    for question in change.questions.all():
        change_lifecycle.answer_question(
            change, actor=question.answerer, question=question, answer="Here."
        )
    lifecycle.fill_agenda(table.board)
    returned = AgendaItem.objects.get(change=change, state="open")
    assert returned.kind == "returning"
    assert returned.meeting == following


def test_rejected_as_not_strategic_explains_why(table: Table) -> None:
    change = table.decide(
        table.running_item(), "rejected", category="not_strategic", reason="We leave this market."
    )
    assert change.state == "rejected"
    assert change.board_decision.category == "not_strategic"


def test_rejected_as_addressed_elsewhere_names_where(table: Table) -> None:
    other = table.change("All doors open day and night")
    words = f"{other.reference} and ticket T-7"
    change = table.decide(
        table.running_item(), "rejected", category="addressed_elsewhere", elsewhere=words
    )
    assert (change.state, change.board_decision.elsewhere) == ("rejected", words)


def test_what_was_typed_for_another_category_or_outcome_is_left_out(table: Table) -> None:
    asked = [("How many?", table.cast.requester)]
    change = table.decide(
        table.running_item("Rooms"),
        "rejected",
        category="not_strategic",
        elsewhere="CR-999999",
        reason="We leave this market.",
        questions=asked,
    )
    decision = change.board_decision
    assert (decision.category, decision.elsewhere) == ("not_strategic", "")
    assert not change.questions.exists()
    mail = worded(to=change.requester.email).last()
    assert "CR-999999" not in mail.message
    accepted = table.decide(
        table.running_item("Doors"), "accepted", category="addressed_elsewhere", elsewhere="T-7"
    )
    decision = accepted.board_decision
    assert (decision.category, decision.elsewhere) == ("", "")


def test_a_change_named_as_elsewhere_exists_and_is_another(table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["rejected"] * 4)
    own = item.change.reference
    for words, sentence in (
        ("See CR-999999.", "There is no change CR-999999."),
        (own, f"{own} is this change itself. Name another, or a reference."),
    ):
        with pytest.raises(StepIncomplete) as refusal:
            record(table, item, "rejected", category="addressed_elsewhere", elsewhere=words)
        assert (str(refusal.value), refusal.value.missing) == (sentence, ["elsewhere"])


def test_a_draft_is_no_change_that_addresses_anything(table: Table) -> None:
    hidden = stories.draft(table.cast)
    item = table.running_item()
    table.vote(item, *["rejected"] * 4)
    with pytest.raises(StepIncomplete, match="There is no change"):
        record(
            table,
            item,
            "rejected",
            category="addressed_elsewhere",
            elsewhere=hidden.reference,
        )


LACKING: list[tuple[str, dict[str, str], str]] = [
    ("postponed", {}, "outcome"),
    ("information_required", {}, "questions"),
    ("rejected", {}, "category"),
    ("rejected", {"category": "not_strategic"}, "reason"),
    ("rejected", {"category": "addressed_elsewhere"}, "elsewhere"),
]


def test_what_an_outcome_lacks_is_named(table: Table) -> None:
    item = table.running_item()
    for outcome, fields, missing in LACKING:
        if outcome != "postponed":
            table.vote(item, *[outcome] * 4)
        with pytest.raises(StepIncomplete) as refusal:
            record(table, item, outcome, **fields)
        assert refusal.value.missing == [missing], outcome
        assert Change.objects.get(pk=item.change_id).state == "board", missing
        assert AgendaItem.objects.get(pk=item.pk).state == "open", missing


def test_questions_go_to_the_requester_or_to_ones_own_people(table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["information_required"] * 4)
    for person in (table.cast.colleague, table.cast.stranger_customer, table.cast.nobody):
        with pytest.raises(StepIncomplete, match="to the requester or to one of"):
            record(table, item, "information_required", questions=[("Why?", person)])
    for person in (table.cast.requester, table.cast.developer):
        person.is_active = False
        person.save()
        with pytest.raises(StepIncomplete, match="has left and cannot answer"):
            record(table, item, "information_required", questions=[("Why?", person)])
        assert person not in OwnPeople().answerers(Change.objects.get(pk=item.change_id))


def test_an_outcome_is_kept_with_the_tally_as_it_stood(table: Table) -> None:
    item = table.running_item()
    table.vote(item, "accepted", "accepted", "accepted", "rejected", "abstain", "recuse")
    outcome = record(table, item, "accepted")
    assert outcome.decision.meeting == f"Change Request Board, {item.meeting.date:%-d %B %Y}"
    assert outcome.sentence == "Quorum met (5 of 6, 1 recused). Led: accepted, 3 of 4."
    assert outcome.casting_vote is False
    assert outcome.tally["counts"]["accepted"] == 3
    assert outcome.tally["missing"] == [table.deputy.pk]
    item = AgendaItem.objects.get(pk=item.pk)
    assert (item.state, item.settled_at is not None) == ("decided", True)
    event = item.change.events.get(verb="record_board_outcome")
    assert event.actor == table.chair


# What the chair may not


def test_no_outcome_without_quorum(table: Table) -> None:
    item = table.running_item()
    table.vote(item, "accepted", "accepted", "accepted")
    with pytest.raises(StepIllegal, match="No quorum yet: one more vote is needed"):
        record(table, item, "accepted")


def test_no_outcome_that_nobody_voted_for(table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["abstain"] * 5)
    with pytest.raises(StepIllegal, match="Nobody has voted for an outcome yet"):
        record(table, item, "accepted")


def test_no_outcome_against_the_tally(table: Table) -> None:
    item = table.running_item()
    table.vote(item, "rejected", "accepted", "accepted", "accepted")
    with pytest.raises(StepIllegal, match="only a tie can be decided by the chair"):
        record(table, item, "accepted_as_priority", casting_vote=True)


def test_a_tie_is_broken_by_a_casting_vote_said_to_be_one(table: Table) -> None:
    item = table.running_item()
    table.vote(item, "accepted", "accepted", "rejected", "rejected")
    with pytest.raises(StepIllegal, match="The votes are tied"):
        record(table, item, "accepted")
    with pytest.raises(StepIllegal, match="between the tied outcomes only"):
        record(table, item, "accepted_as_priority", casting_vote=True)
    assert record(table, item, "accepted", casting_vote=True).casting_vote is True


def test_a_casting_vote_is_refused_once_there_is_no_tie(table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["accepted"] * 4)
    with pytest.raises(StepIllegal, match="no longer tied"):
        record(table, item, "accepted", casting_vote=True)


def test_a_recused_chair_leaves_the_item_to_the_deputy(table: Table) -> None:
    item = table.running_item()
    table.vote(item, "recuse", *["accepted"] * 4)
    with pytest.raises(StepForbidden, match="You recused yourself"):
        record(table, item, "accepted")
    outcome = lifecycle.record_outcome(item, actor=table.deputy, outcome="accepted")
    assert outcome.recorded_by == table.deputy


def test_only_once(table: Table) -> None:
    item = table.running_item()
    table.decide(item, "accepted")
    with pytest.raises(StepIllegal, match="already decided"):
        record(table, item, "accepted")
    assert item.change.board_decisions.count() == 1


def test_a_page_on_which_the_request_was_different_is_stale(table: Table) -> None:
    item = table.running_item()
    seen = item.change.version
    change_lifecycle.assign(item.change, actor=table.cast.support, owner=table.cast.developer)
    table.vote(item, *["accepted"] * 4)
    with pytest.raises(ChangeStale):
        record(table, item, "accepted", seen=seen)
    assert AgendaItem.objects.get(pk=item.pk).state == "open"


def test_twelve_months_after_a_leap_day() -> None:
    assert twelve_months_after(date(2028, 2, 29)) == date(2029, 2, 28)
