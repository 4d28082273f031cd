"""Ballots without a meeting: opened, voted in, decided, extended, ended and run out."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from accounts.roles import Role
from changes import lifecycle as change_lifecycle
from changes.models import Change
from crb import lifecycle, queries, tasks
from crb.models import AgendaItem, Meeting
from expansive_cm.workflow.errors import StepForbidden, StepIllegal, StepIncomplete
from tests.crb.conftest import Table
from tests.mailing import last_row, mail_to, told
from tests.people import person

pytestmark = pytest.mark.django_db
WHY = "The fix cannot wait for the next meeting."


def in_days(days: float) -> datetime:
    return (timezone.now() + timedelta(days=days)).replace(second=0, microsecond=0)


def opened(table: Table, *changes: Change, days: float = 3) -> Meeting:
    """Open a ballot on changes; on a new one if none is given."""
    return lifecycle.open_ballot(
        table.board,
        actor=table.chair,
        changes=changes or [table.change()],
        deadline=in_days(days),
        reason=WHY,
    )


def item_of(ballot: Meeting) -> AgendaItem:
    return AgendaItem.objects.get(meeting=ballot, state="open")


def fresh(ballot: Meeting) -> Meeting:
    return Meeting.objects.get(pk=ballot.pk)


def after_deadline(days: float = 4) -> object:
    return time_machine.travel(timezone.now() + timedelta(days=days), tick=False)


# Opening


def test_a_ballot_runs_from_the_moment_it_is_opened(table: Table) -> None:
    deadline = in_days(3)
    ballot = lifecycle.open_ballot(
        table.board, actor=table.chair, changes=[table.change()], deadline=deadline, reason=WHY
    )
    assert (ballot.kind, ballot.state, ballot.purpose) == ("ballot", "running", WHY)
    assert ballot.deadline == deadline
    assert ballot.date == deadline.astimezone(ZoneInfo("Europe/London")).date()
    assert list(queries.ballots(table.board)) == [ballot]
    assert queries.running(table.board) is None
    assert item_of(ballot).kind == "new"


def test_items_move_into_it_with_the_votes_cast_so_far(table: Table) -> None:
    first, other = table.item("Rooms at night"), table.item("Alarms")
    table.vote(first, "accepted", "accepted")
    ballot = opened(table, first.change)
    item = item_of(ballot)
    assert item.pk == first.pk
    assert queries.tally_of(item).voted == 2
    assert [one.change for one in queries.agenda_of(other.meeting)] == [other.change]


def test_everybody_with_a_seat_is_mailed_but_for_who_opened_it(table: Table) -> None:
    change = table.change()
    before = last_row()
    ballot = opened(table, change)
    assert [name for name, _subject in told(before)] == ["bea", "ben", "bo", "bob", "dora", "max"]
    mail = mail_to(table.cast.crb_member.email)
    until = ballot.deadline.astimezone(ZoneInfo(table.cast.crb_member.time_zone or "Europe/London"))
    for body in (mail.message, mail.html_message):
        assert WHY in body
        assert f"{until.day} {until:%B %Y, %H:%M} (Europe/London)" in body
        assert f"/board/meetings/{ballot.pk}/" in body
        assert f"{change.reference} Rooms at night" in body


def test_several_ballots_and_a_meeting_go_on_at_once(table: Table) -> None:
    item = table.running_item("On the agenda")
    first, second = opened(table, table.change("A")), opened(table, table.change("B"), days=2)
    assert list(queries.ballots(table.board)) == [second, first]
    assert queries.running(table.board) == item.meeting
    assert queries.next_meeting(table.board) == item.meeting
    assert [one.pk for one in queries.open_meetings(table.board, table.chair)] == [item.meeting_id]
    lifecycle.fill_agenda(table.board)
    assert [one.pk for one in queries.agenda_of(item.meeting)] == [item.pk]


def test_what_opening_lacks_is_named(table: Table) -> None:
    values = {"changes": [table.change()], "deadline": in_days(1), "reason": WHY}
    past = timezone.now() - timedelta(minutes=1)
    for name, value in {"reason": "  ", "changes": [], "deadline": past}.items():
        with pytest.raises(StepIncomplete) as refusal:
            lifecycle.open_ballot(table.board, actor=table.chair, **{**values, name: value})
        assert refusal.value.missing == [name]
        assert not Meeting.objects.exists(), name


def test_a_deadline_on_which_nobody_could_record_is_refused(table: Table) -> None:
    last = table.board.today + timedelta(days=1)
    table.board.memberships.exclude(is_chair=False, is_deputy=False).update(ends_on=last)
    with pytest.raises(StepIncomplete, match="neither the chair nor the deputy"):
        opened(table, table.change(), days=3)


def test_what_does_not_wait_or_is_elsewhere_is_refused(table: Table) -> None:
    change = table.change()
    opened(table, change)
    with pytest.raises(StepIllegal, match="is in another ballot already"):
        opened(table, change)
    gone = table.change("Gone")
    change_lifecycle.withdraw(gone, actor=table.cast.support, reason="Not needed.")
    with pytest.raises(StepIllegal, match="no longer waits for this board"):
        opened(table, gone)
    table.meeting()
    item = table.running_item("Being discussed")
    for current in (item, None):
        Meeting.objects.filter(pk=item.meeting_id).update(current_item=current)
        with pytest.raises(StepIllegal, match="is on the agenda of the running meeting"):
            opened(table, item.change)


# Voting and deciding


def test_votes_need_no_attendance_and_the_same_quorum(table: Table) -> None:
    ballot = opened(table)
    item = item_of(ballot)
    table.vote(item, *["accepted"] * 3)
    assert not ballot.attendances.exists()
    with pytest.raises(StepIllegal, match="No quorum yet: one more vote is needed"):
        lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")


def test_the_ballot_closes_with_its_last_item(table: Table) -> None:
    ballot = opened(table, table.change("A"), table.change("B"))
    first, second = ballot.items.all()
    table.decide(first, "accepted")
    assert fresh(ballot).state == "running"
    change = table.decide(second, "accepted")
    assert fresh(ballot).state == "closed"
    assert change.state == "requirements"
    assert change.board_decision.meeting == str(ballot)


def test_after_the_deadline_no_vote_counts_but_the_outcome_can_be_recorded(table: Table) -> None:
    ballot = opened(table)
    item = item_of(ballot)
    table.vote(item, *["accepted"] * 4)
    with after_deadline():
        with pytest.raises(StepIllegal) as refusal:
            table.vote(item, "", "", "", "", "rejected")
        until = ballot.deadline.astimezone(ZoneInfo("Europe/London"))
        assert str(refusal.value) == (
            f"Votes were taken until {until.day} {until:%B %Y, %H:%M} (Europe/London)."
        )
        with pytest.raises(StepIllegal, match="Votes were taken until"):
            lifecycle.recuse(item, actor=table.members[5], reason="My project.")
        lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    assert fresh(ballot).state == "closed"


def test_what_only_meetings_know_is_refused(table: Table) -> None:
    ballot = opened(table)
    steps = (
        lifecycle.start_meeting,
        lifecycle.join_meeting,
        lifecycle.close_meeting,
    )
    for step in steps:
        with pytest.raises(StepIllegal, match="This is a ballot without a meeting"):
            step(ballot, actor=table.chair)
    with pytest.raises(StepIllegal, match="This is a ballot without a meeting"):
        lifecycle.cancel_meeting(ballot, actor=table.chair, reason="Snow.")
    meeting = table.meeting()
    with pytest.raises(StepIllegal, match="This is a meeting, not a ballot"):
        lifecycle.end_ballot(meeting, actor=table.chair, reason="Snow.")


# The deadline passes


def test_without_quorum_items_go_to_the_next_agenda_and_the_chair_is_told(table: Table) -> None:
    ballot, meeting = opened(table), table.meeting(days=9)
    item = item_of(ballot)
    table.vote(item, "", "accepted", "accepted")
    with after_deadline():
        before = last_row()
        tasks.settle_ballots()
        tasks.settle_ballots()
        assert [name for name, _subject in told(before)] == ["cora"]
    assert fresh(ballot).state == "closed"
    item = AgendaItem.objects.get(pk=item.pk)
    remark = (
        "The ballot ended without an outcome. There was no quorum (2 of 7). Led: accepted, 2 of 2."
    )
    assert (item.state, item.remark) == ("deferred", remark)
    new = AgendaItem.objects.get(change=item.change, state="open")
    assert (new.meeting, new.kind, new.remark) == (meeting, "carried", remark)
    assert remark in mail_to(table.chair.email).message


def test_abstentions_alone_lead_nowhere(table: Table) -> None:
    ballot = opened(table)
    table.vote(item_of(ballot), *["abstain"] * 7)
    with after_deadline():
        tasks.settle_ballots()
    assert "Nobody has voted for an outcome." in ballot.items.get().remark


@pytest.mark.parametrize("choices", [["accepted"] * 4, ["accepted", "rejected"] * 2])
def test_what_can_be_decided_waits_for_the_chair_who_is_mailed_once(
    table: Table, choices: list[str]
) -> None:
    ballot = opened(table)
    item = item_of(ballot)
    table.vote(item, *choices)
    with after_deadline():
        before = last_row()
        for _time in range(3):
            tasks.settle_ballots()
        assert [name for name, _subject in told(before)] == ["cora"]
        assert "please record the outcome" in mail_to(table.chair.email).subject
        assert fresh(ballot).state == "running"
        assert AgendaItem.objects.get(pk=item.pk).is_open


def test_a_new_deadline_is_a_new_mail(table: Table) -> None:
    ballot = opened(table)
    table.vote(item_of(ballot), *["accepted"] * 4)
    with after_deadline(4):
        tasks.settle_ballots()
        lifecycle.extend_ballot(
            fresh(ballot), actor=table.chair, deadline=in_days(2), reason="Two are ill."
        )
        before = last_row()
        tasks.settle_ballots()
        assert told(before) == []
    with after_deadline(8):
        tasks.settle_ballots()
        tasks.settle_ballots()
        assert [name for name, _subject in told(before)] == ["cora"]


def test_nothing_happens_before_the_deadline(table: Table) -> None:
    ballot = opened(table)
    before = last_row()
    tasks.settle_ballots()
    assert not lifecycle.settle_ballot(ballot)
    assert (told(before), fresh(ballot).version) == ([], ballot.version)


def test_a_ballot_whose_change_was_withdrawn_closes(table: Table) -> None:
    change = table.change()
    ballot = opened(table, change)
    change_lifecycle.withdraw(change, actor=table.cast.support, reason="Not needed.")
    tasks.fill_agendas()
    tasks.settle_ballots()
    assert fresh(ballot).state == "closed"
    assert ballot.items.get().state == "dropped"


# Extending and ending


def test_extending_needs_a_later_deadline_and_a_reason_and_is_mailed(table: Table) -> None:
    ballot = opened(table)
    extend = lifecycle.extend_ballot
    with pytest.raises(StepIncomplete, match="must be later than the old"):
        extend(ballot, actor=table.chair, deadline=in_days(1), reason="Ill.")
    with pytest.raises(StepIncomplete, match="why the members get more time"):
        extend(ballot, actor=table.chair, deadline=in_days(5), reason=" ")
    before, later = last_row(), in_days(5)
    extend(ballot, actor=table.deputy, deadline=later, reason="Two are ill.")
    assert fresh(ballot).deadline == later
    assert [name for name, _subject in told(before)] == ["bea", "ben", "bo", "bob", "cora", "max"]
    assert "> Two are ill." in mail_to(table.chair.email).message


def test_ending_sends_what_is_undecided_to_the_next_agenda(table: Table) -> None:
    meeting = table.meeting(days=9)
    ballot = opened(table, table.change("A"), table.change("B"))
    first, second = ballot.items.all()
    table.decide(first, "accepted")
    with pytest.raises(StepIncomplete, match="Say why the ballot ends"):
        lifecycle.end_ballot(ballot, actor=table.chair, reason="")
    before = last_row()
    lifecycle.end_ballot(ballot, actor=table.chair, reason="We meet tomorrow.")
    assert fresh(ballot).state == "closed"
    assert [item.state for item in ballot.items.all()] == ["decided", "deferred"]
    new = AgendaItem.objects.get(change=second.change, state="open")
    assert (new.meeting, new.remark) == (meeting, "The ballot was ended: We meet tomorrow.")
    assert len(told(before)) == 6
    with pytest.raises(StepIllegal, match="The ballot is closed"):
        lifecycle.end_ballot(fresh(ballot), actor=table.chair, reason="Again.")


def test_members_of_the_deadlines_day_vote(table: Table) -> None:
    leaving = table.cast.crb_member
    table.board.memberships.filter(user=leaving).update(
        ends_on=table.board.today + timedelta(days=1)
    )
    item = item_of(opened(table))
    with pytest.raises(StepForbidden, match="members of the board on that day"):
        lifecycle.cast_vote(item, actor=leaving, choice="accepted")


def test_an_absence_recorded_later_gives_the_seat_to_the_alternate(table: Table) -> None:
    """An open ballot does not keep anybody from going away; the seat has one vote."""
    alternate = person("Alice Alternate", Role.CRB_MEMBER)
    member = table.cast.crb_member
    ballot = opened(table)
    item = item_of(ballot)
    table.vote(item, "accepted", "rejected")
    absence = lifecycle.record_absence(
        table.board.memberships.get(user=member),
        actor=member,
        starts_on=ballot.date,
        ends_on=ballot.date + timedelta(days=7),
        alternate=alternate,
    )
    assert queries.tally_of(item_of(ballot)).counts["rejected"] == 0
    vote = lifecycle.cast_vote(item_of(ballot), actor=alternate, choice="accepted")
    assert vote.for_member == member
    assert queries.tally_of(item_of(ballot)).counts["accepted"] == 2
    lifecycle.withdraw_absence(absence, actor=member)
    assert queries.tally_of(item_of(ballot)).counts["rejected"] == 1
