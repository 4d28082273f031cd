"""Consent items: offered, taken out, recorded together, each with a record of its own."""

import pytest

from changes import lifecycle as change_lifecycle
from changes.models import Change
from crb import lifecycle
from crb.models import AgendaItem, AgendaVersion, Board, BoardOutcome, Meeting
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests.crb.conftest import Table
from tests.crb.test_publish_agenda import titles
from tests.remembered import remembered

pytestmark = pytest.mark.django_db


def fresh(item: AgendaItem) -> AgendaItem:
    return AgendaItem.objects.get(pk=item.pk)


def agreed(table: Table, title: str, side: str = "accepted") -> AgendaItem:
    """An item on which four of seven agree before the meeting."""
    item = table.item(title)
    table.vote(item, *[side] * 4)
    return fresh(item)


def opened(item: AgendaItem, table: Table) -> Meeting:
    return lifecycle.start_meeting(item.meeting, actor=table.chair)


@remembered
def two_agreed(table: Table) -> list[AgendaItem]:
    """Two items that are offered for consent, in a meeting that runs."""
    one, two = agreed(table, "One"), agreed(table, "Two")
    opened(one, table)
    return [fresh(one), fresh(two)]


# Offered


def test_votes_offer_an_item_and_take_the_offer_back(table: Table) -> None:
    item = table.item()
    table.vote(item, *["accepted"] * 3)
    assert not fresh(item).is_consent
    table.vote(item, "", "", "", "accepted")
    assert fresh(item).is_consent
    table.vote(item, "", "", "", "", "rejected")
    assert not fresh(item).is_consent


def test_an_edit_of_the_request_takes_the_offer_back(table: Table) -> None:
    item = agreed(table, "Rooms")
    change_lifecycle.edit(item.change, actor=table.cast.success, title="Halls", reason="Name.")
    lifecycle.fill_agenda(table.board)
    assert not fresh(item).is_consent


def test_a_board_can_do_without_consent(table: Table) -> None:
    Board.objects.update(consent_count=0)
    assert not agreed(table, "Rooms").is_consent


def test_consent_items_come_last(table: Table) -> None:
    item = agreed(table, "Agreed")
    table.item("To discuss")
    version = lifecycle.publish_agenda(item.meeting, actor=table.chair)
    assert titles(item.meeting) == ["To discuss", "Agreed"]
    assert [entry["is_consent"] for entry in version.entries] == [False, True]


def test_what_is_offered_is_fixed_when_the_meeting_begins(table: Table) -> None:
    item, other = agreed(table, "Agreed"), table.item("Other")
    lifecycle.publish_agenda(item.meeting, actor=table.chair)
    table.vote(other, *["accepted"] * 4)
    opened(item, table)
    version = AgendaVersion.objects.get(number=2)
    assert version.reason == "As the meeting was opened."
    assert [entry["is_consent"] for entry in version.entries] == [True, True]
    third = table.item("Third")
    table.vote(third, *["accepted"] * 7)
    assert not fresh(third).is_consent


# Taken out


def test_any_member_takes_an_item_out(table: Table) -> None:
    item, other = agreed(table, "Agreed"), agreed(table, "Also agreed")
    table.item("To discuss")
    opened(item, table)
    member = table.members[5]
    lifecycle.pull_from_consent(item, actor=member, reason=" What does it cost? ")
    item = fresh(item)
    assert (item.is_consent, item.pulled_by, item.pull_reason) == (
        False,
        member,
        "What does it cost?",
    )
    assert titles(item.meeting) == ["To discuss", "Agreed", "Also agreed"]
    with pytest.raises(StepIllegal, match="not among the consent items"):
        lifecycle.pull_from_consent(item, actor=member, reason="Again.")
    assert fresh(other).is_consent


def test_what_was_taken_out_before_the_meeting_stays_out(table: Table) -> None:
    item = agreed(table, "Agreed")
    lifecycle.pull_from_consent(item, actor=table.cast.crb_member, reason="Costs?")
    table.vote(item, *["accepted"] * 7)
    opened(item, table)
    assert not fresh(item).is_consent


def test_taking_out_needs_a_reason_and_a_seat(table: Table) -> None:
    item = agreed(table, "Agreed")
    with pytest.raises(StepIncomplete) as refusal:
        lifecycle.pull_from_consent(item, actor=table.chair, reason="")
    assert refusal.value.missing == ["reason"]
    with pytest.raises(StepForbidden):
        lifecycle.pull_from_consent(item, actor=table.cast.support, reason="Me too.")


# Recorded


def test_the_batch_is_recorded_each_with_its_own_record(table: Table) -> None:
    one, two = agreed(table, "One"), agreed(table, "Two", "accepted_as_priority")
    table.item("To discuss")
    meeting = opened(one, table)
    answer = lifecycle.record_consent(meeting, actor=table.deputy)
    assert (len(answer.recorded), answer.left_out) == (2, [])
    for item, outcome in ((one, "accepted"), (two, "accepted_as_priority")):
        record = BoardOutcome.objects.get(item=item)
        assert (record.by_consent, record.casting_vote, record.recorded_by) == (
            True,
            False,
            table.deputy,
        )
        assert record.decision.outcome == outcome
        assert record.tally["counts"][outcome] == 4
        change = Change.objects.get(pk=item.change_id)
        assert change.state == "requirements"
        assert change.events.filter(verb="record_board_outcome").count() == 1
    assert titles(meeting) == ["To discuss"]
    with pytest.raises(StepIllegal, match="There are no consent items"):
        lifecycle.record_consent(meeting, actor=table.chair)


def test_outcomes_of_single_items_are_not_by_consent(table: Table) -> None:
    table.decide(table.running_item(), "accepted")
    assert not BoardOutcome.objects.get().by_consent


def test_what_lost_its_consent_is_left_out_and_named(table: Table) -> None:
    one, two = two_agreed(table)
    meeting = one.meeting
    table.vote(two, "", "", "", "", "information_required")
    answer = lifecycle.record_consent(
        meeting, actor=table.chair, shown={one.pk: "accepted", two.pk: ""}
    )
    assert [outcome.item_id for outcome in answer.recorded] == [one.pk]
    assert [(item.pk, why) for item, why in answer.left_out] == [
        (two.pk, "The members no longer agree on it.")
    ]
    assert (fresh(two).state, fresh(two).is_consent) == ("open", False)
    assert titles(meeting) == ["Two"]


def test_another_batch_than_the_page_showed_is_not_recorded(table: Table) -> None:
    one, two, three = (agreed(table, name) for name in ("One", "Two", "Three"))
    meeting = opened(one, table)
    lifecycle.pull_from_consent(two, actor=table.cast.crb_member, reason="Costs?")
    with pytest.raises(ChangeStale) as refusal:
        lifecycle.record_consent(
            meeting, actor=table.chair, shown={one.pk: "accepted", two.pk: "accepted"}
        )
    assert f"Max Member has taken {two.change.reference} out." in str(refusal.value)
    assert f"{three.change.reference} has joined them." in str(refusal.value)
    assert not BoardOutcome.objects.exists()
    shown = {three.pk: "", one.pk: "accepted"}
    answer = lifecycle.record_consent(meeting, actor=table.chair, shown=shown)
    assert len(answer.recorded) == 2


def test_another_outcome_than_the_page_showed_is_not_recorded(table: Table) -> None:
    one, two = two_agreed(table)
    meeting = one.meeting
    shown = {one.pk: "accepted", two.pk: "accepted"}
    table.vote(two, *["accepted_as_priority"] * 4)
    with pytest.raises(ChangeStale) as refusal:
        lifecycle.record_consent(meeting, actor=table.chair, shown=shown)
    words = f"On {two.change.reference} the votes now lead to: accepted as a priority."
    assert words in str(refusal.value)
    assert not BoardOutcome.objects.exists(), "not the other one either"
    shown[two.pk] = "accepted_as_priority"
    answer = lifecycle.record_consent(meeting, actor=table.chair, shown=shown)
    assert len(answer.recorded) == 2


def test_the_chair_leaves_their_own_item_to_the_deputy(table: Table) -> None:
    one, own = table.item("One"), table.item("Own")
    Change.objects.filter(pk=own.change_id).update(raised_by=table.chair)
    for item in (one, own):
        table.vote(fresh(item), "", *["accepted"] * 4)
    meeting = opened(one, table)
    answer = lifecycle.record_consent(meeting, actor=table.chair)
    assert [outcome.item_id for outcome in answer.recorded] == [one.pk]
    assert "You raised this change." in answer.left_out[0][1]
    again = lifecycle.record_consent(meeting, actor=table.deputy)
    assert [outcome.item_id for outcome in again.recorded] == [own.pk]


def test_the_batch_is_recorded_whole_or_not_at_all(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = two_agreed(table)
    meeting = one.meeting
    record = change_lifecycle.record_board_outcome

    def fail_on_the_second(change: Change, **fields: object) -> object:
        if change.pk == two.change_id:
            raise StepIllegal("Somebody was quicker.")
        return record(change, **fields)

    monkeypatch.setattr(change_lifecycle, "record_board_outcome", fail_on_the_second)
    with pytest.raises(StepIllegal, match="Somebody was quicker"):
        lifecycle.record_consent(meeting, actor=table.chair)
    assert not BoardOutcome.objects.exists()
    assert {fresh(item).state for item in (one, two)} == {"open"}
    assert Change.objects.get(pk=one.change_id).state == "board"
