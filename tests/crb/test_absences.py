"""Absences: an alternate takes seat, vote and invitation; the deputy runs the meeting."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import User
from accounts.roles import Role
from crb import lifecycle, queries
from crb.models import Absence, Meeting, Membership, Vote
from expansive_cm.workflow.errors import StepForbidden, StepIllegal, StepIncomplete
from tests.concurrently import at_once
from tests.crb.conftest import Table, new_board, seat
from tests.people import person

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 28, 10, tzinfo=UTC)
WEEK = {"starts_on": date(2026, 10, 5), "ends_on": date(2026, 10, 9)}


@pytest.fixture(autouse=True)
def a_monday_in_september() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def alternate(db: None) -> User:
    return person("Alf Alternate", Role.CRB_MEMBER)


def term(table: Table, user: User) -> Membership:
    return table.board.memberships.get(user=user)


def record(table: Table, user: User, alternate: User | None = None, **fields: Any) -> Absence:
    values = {"actor": user, **WEEK, **fields}
    return lifecycle.record_absence(term(table, user), alternate=alternate, **values)


def test_the_alternate_votes_and_attends_for_the_member(table: Table, alternate: User) -> None:
    member = table.cast.crb_member
    item = table.item()
    record(table, member, alternate)
    vote = lifecycle.cast_vote(item, actor=alternate, choice="accepted")
    assert (vote.member, vote.for_member) == (alternate, member)
    with pytest.raises(StepForbidden, match="members of the board on that day"):
        lifecycle.cast_vote(item, actor=member, choice="accepted")
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    attendance = lifecycle.join_meeting(item.meeting, actor=alternate)
    assert attendance.for_member == member
    with pytest.raises(StepForbidden):
        lifecycle.join_meeting(item.meeting, actor=member)
    count = queries.tally_of(type(item).objects.get(pk=item.pk))
    assert alternate.pk in count.members and member.pk not in count.members


def test_a_vote_cast_before_the_absence_no_longer_counts(table: Table, alternate: User) -> None:
    member, item = table.cast.crb_member, table.item()
    lifecycle.cast_vote(item, actor=member, choice="accepted")
    record(table, member, alternate)
    assert queries.tally_of(type(item).objects.get(pk=item.pk)).voted == 0
    assert Vote.objects.count() == 1


def test_without_an_alternate_the_member_may_vote_beforehand(table: Table) -> None:
    member, item = table.cast.crb_member, table.item()
    record(table, member)
    assert lifecycle.cast_vote(item, actor=member, choice="accepted").for_member is None


def test_the_deputy_runs_the_meeting_and_not_the_chairs_alternate(
    table: Table, alternate: User
) -> None:
    meeting = table.meeting()
    record(table, table.chair, alternate)
    for nobody in (alternate, table.chair):
        with pytest.raises(StepForbidden, match="chair of the board and the deputy"):
            lifecycle.start_meeting(meeting, actor=nobody)
    assert lifecycle.start_meeting(meeting, actor=table.deputy).is_running


def test_the_chair_records_for_a_member_and_others_do_not(table: Table) -> None:
    member = table.cast.crb_member
    with pytest.raises(StepForbidden, match="the member, the chair of the board and the deputy"):
        record(table, member, actor=table.members[3])
    absence = record(table, member, actor=table.chair, reason="Surgery")
    entry = absence.history.first()
    assert (entry.history_user, entry.reason) == (table.chair, "Surgery")


def test_days_that_cannot_be_are_refused(table: Table) -> None:
    member = table.cast.crb_member
    Membership.objects.filter(user=member).update(ends_on=date(2027, 6, 30))
    for name, day in (
        ("ends_on", date(2026, 10, 4)),
        ("starts_on", date(2026, 9, 27)),
        ("ends_on", date(2027, 10, 4)),
    ):
        with pytest.raises(StepIncomplete) as refusal:
            record(table, member, **{name: day})
        assert refusal.value.missing == [name], day
        assert not Absence.objects.exists(), day


def test_absences_of_one_member_do_not_overlap(table: Table) -> None:
    record(table, table.chair)
    with pytest.raises(StepIncomplete, match="already recorded"):
        record(table, table.chair, starts_on=date(2026, 10, 9), ends_on=date(2026, 10, 20))


def test_who_has_a_seat_already_cannot_stand_in(table: Table, alternate: User) -> None:
    with pytest.raises(StepIncomplete, match="Max Member already has a seat"):
        record(table, table.chair, table.cast.crb_member)
    record(table, table.chair, alternate)
    with pytest.raises(StepIncomplete, match="Alf Alternate already has a seat"):
        record(table, table.cast.crb_member, alternate)
    record(
        table,
        table.cast.crb_member,
        alternate,
        starts_on=date(2026, 10, 10),
        ends_on=date(2026, 10, 12),
    )


def test_a_member_whose_term_is_over_may_stand_in_and_of_another_board_too(
    table: Table, alternate: User
) -> None:
    seat(table.board, alternate, ends_on=date(2026, 9, 30))
    seat(new_board(name="Second board"), alternate)
    assert record(table, table.chair, alternate).alternate == alternate


def test_only_active_people_with_the_role_stand_in(table: Table, alternate: User) -> None:
    for other in (table.cast.support, table.cast.requester):
        with pytest.raises(StepIncomplete, match="hold the role") as refusal:
            record(table, table.chair, other)
        assert refusal.value.missing == ["alternate"], other
    User.objects.filter(pk=alternate.pk).update(is_active=False)
    with pytest.raises(StepIncomplete, match="must be active"):
        record(table, table.chair, alternate)


def test_a_meeting_that_has_begun_keeps_its_seats(table: Table, alternate: User) -> None:
    meeting = table.meeting(days=0, start=time(14))
    lifecycle.start_meeting(meeting, actor=table.chair)
    today = {"starts_on": date(2026, 9, 28), "ends_on": date(2026, 9, 30)}
    with pytest.raises(StepIncomplete, match="has already begun on 28 September 2026"):
        record(table, table.cast.crb_member, alternate, **today)


def test_withdrawing_gives_the_seat_back(table: Table, alternate: User) -> None:
    meeting = table.meeting()
    absence = record(table, table.cast.crb_member, alternate)
    assert Meeting.objects.get(pk=meeting.pk).seat_of(alternate) is not None
    withdrawn = lifecycle.withdraw_absence(absence, actor=table.cast.crb_member)
    assert withdrawn.withdrawn_at == NOW
    fresh = Meeting.objects.get(pk=meeting.pk)
    assert (fresh.seat_of(alternate), fresh.seat_of(table.cast.crb_member) is None) == (None, False)
    with pytest.raises(StepIllegal, match="already been withdrawn"):
        lifecycle.withdraw_absence(absence, actor=table.chair)
    assert record(table, table.cast.crb_member).pk != absence.pk


def test_withdrawing_after_a_meeting_ends_the_absence_and_keeps_what_was(
    table: Table, alternate: User
) -> None:
    held, later = table.meeting(days=7), table.meeting(days=10, start=time(9))
    absence = record(table, table.cast.crb_member, alternate)
    with time_machine.travel(NOW + timedelta(days=7), tick=False):
        lifecycle.start_meeting(held, actor=table.chair)
        lifecycle.close_meeting(held, actor=table.chair)
        ended = lifecycle.withdraw_absence(absence, actor=table.chair)
    assert (ended.ends_on, ended.withdrawn_at) == (date(2026, 10, 5), None)
    assert Meeting.objects.get(pk=held.pk).seat_of(alternate) is not None
    assert Meeting.objects.get(pk=later.pk).seat_of(alternate) is None


def test_an_absence_whose_last_meeting_has_begun_stays(table: Table, alternate: User) -> None:
    held = table.meeting(days=11)
    absence = record(table, table.cast.crb_member, alternate)
    with time_machine.travel(NOW + timedelta(days=11), tick=False):
        lifecycle.start_meeting(held, actor=table.chair)
        with pytest.raises(StepIllegal, match="last day of this absence"):
            lifecycle.withdraw_absence(absence, actor=table.chair)
    with (
        time_machine.travel(NOW + timedelta(days=12), tick=False),
        pytest.raises(StepIllegal, match="This absence is over"),
    ):
        lifecycle.withdraw_absence(absence, actor=table.chair)


@pytest.mark.django_db(transaction=True)
def test_one_alternate_for_two_members_at_once(table: Table, alternate: User) -> None:
    answers = at_once(
        lambda: record(table, table.chair, alternate),
        lambda: record(table, table.cast.crb_member, alternate),
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Absence", "StepIncomplete"]


@pytest.mark.django_db(transaction=True)
def test_one_absence_recorded_twice_at_once(table: Table) -> None:
    answers = at_once(*[lambda: record(table, table.chair)] * 2)
    assert sorted(type(answer).__name__ for answer in answers) == ["Absence", "StepIncomplete"]
