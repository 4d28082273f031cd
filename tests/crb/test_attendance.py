"""Who is at a meeting: what the chair marks, what people say themselves, and what follows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from crb import lifecycle, permissions, queries
from crb.lifecycle import attendance
from crb.lifecycle.attendance import MISTAKE, MOST_GUESTS
from crb.live.parts import Picture, Viewer
from crb.live.rooms import Snapshot, read
from crb.minutes import compose
from crb.models import AgendaItem, Attendance, AttendanceMark, Meeting, Vote
from crb.models.attendance import AttendanceMark as Row
from crb.states import Mark
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests.crb.conftest import Table

pytestmark = pytest.mark.django_db


def fresh(meeting: Meeting) -> Meeting:
    return Meeting.objects.select_related("board").get(pk=meeting.pk)


def mark(table: Table, meeting: Meeting, user: User, word: str, **more: Any) -> AttendanceMark:
    return lifecycle.mark_attendance(meeting, actor=table.chair, user=user, mark=word, **more)


# What is marked, by whom


def test_the_chair_marks_and_history_says_who_did(table: Table) -> None:
    meeting, member = table.running_item().meeting, table.members[2]
    made = mark(table, meeting, member, "present")
    again = mark(table, meeting, member, "present")
    assert made == again, "said twice it is marked once"
    assert meeting.attendance_marks.count() == 1
    entry = made.history.get()
    assert (entry.history_user, entry.history_change_reason) == (table.chair, "marked: present")
    assert not Attendance.objects.filter(user=member).exists(), "their own word is their own"


def test_a_mark_is_never_deleted(table: Table) -> None:
    made = mark(table, table.running_item().meeting, table.members[2], "left")
    with pytest.raises(DatabaseError), transaction.atomic():
        AttendanceMark.objects.filter(pk=made.pk).delete()


def test_only_a_running_meeting_is_marked(table: Table) -> None:
    meeting = table.item().meeting
    for state in ("scheduled", "closed"):
        if state == "closed":
            meeting = lifecycle.start_meeting(meeting, actor=table.chair)
            mark(table, meeting, table.members[2], "late")
            lifecycle.close_meeting(meeting, actor=table.chair)
        with pytest.raises(StepIllegal):
            mark(table, meeting, table.members[2], "present")
        with pytest.raises(StepIllegal):
            lifecycle.take_back_mark(meeting, actor=table.chair, user=table.members[2])


def test_of_two_who_mark_at_once_the_second_is_told(table: Table) -> None:
    meeting, member = table.running_item().meeting, table.members[2]
    mark(table, meeting, member, "late", seen=0)
    with pytest.raises(ChangeStale, match=f"{member} was marked by {table.chair}"):
        lifecycle.mark_attendance(meeting, actor=table.deputy, user=member, mark="excused", seen=0)
    lifecycle.mark_attendance(meeting, actor=table.deputy, user=member, mark="late", seen=0)
    with pytest.raises(ChangeStale):
        lifecycle.take_back_mark(meeting, actor=table.deputy, user=member, seen=0)
    assert meeting.attendance_marks.count() == 1, "who says the same has nothing to be told"
    mark(table, meeting, table.members[3], "late", seen=0)  # of others nothing is stale


def test_taking_back_makes_the_word_before_count_again(table: Table) -> None:
    meeting, member = table.running_item().meeting, table.members[2]
    lifecycle.join_meeting(meeting, actor=member)
    mark(table, meeting, member, "left")
    assert not fresh(meeting).roster.of(member).is_here
    taken = lifecycle.take_back_mark(meeting, actor=table.chair, user=member)
    assert fresh(meeting).roster.of(member).mark == Mark.PRESENT
    assert taken.history.first().history_user == table.chair
    with pytest.raises(StepIllegal, match="no mark"):
        lifecycle.take_back_mark(meeting, actor=table.chair, user=member)


def test_a_mistaken_mark_is_taken_back_with_what_it_made_somebody_say(
    client: Client, table: Table
) -> None:
    """Minutes and figures say neither "left" nor "back", for a few minutes and no longer."""
    begun = datetime(2026, 3, 3, 14, 0, 30, tzinfo=UTC)
    with time_machine.travel(begun, tick=False) as at:
        meeting, member = table.running_item().meeting, table.members[2]
        mark(table, meeting, member, "late")
        at.shift(timedelta(minutes=5))
        mark(table, meeting, member, "left")
        lifecycle.join_meeting(meeting, actor=member)
        client.force_login(table.chair)
        assert 'value="take_back"' in client.get(meeting.get_absolute_url()).content.decode()
        with pytest.raises(StepForbidden):
            lifecycle.take_back_mark(meeting, actor=member, user=member)
        taken = lifecycle.take_back_mark(meeting, actor=table.chair, user=member)
        assert (taken.mark, taken.history.first().history_user) == (Mark.LEFT, table.chair)
        standing = fresh(meeting).roster.of(member)
        assert [one.mark for one in standing.steps] == [Mark.LATE] and standing.is_here
        assert permissions.can_cast_vote(member, AgendaItem.objects.get(meeting=meeting))
        mark(table, meeting, member, "excused")
        mark(table, meeting, member, "left")
        lifecycle.join_meeting(meeting, actor=member)  # without both they would be away
        with pytest.raises(StepIllegal, match="said so themselves"):
            lifecycle.take_back_mark(meeting, actor=table.chair, user=member)
        other = table.members[3]
        mark(table, meeting, other, "left")
        lifecycle.join_meeting(meeting, actor=other)
        at.shift(MISTAKE + timedelta(seconds=1))
        with pytest.raises(StepIllegal, match="too long ago"):
            lifecycle.take_back_mark(meeting, actor=table.chair, user=other)


def test_one_person_is_marked_so_often_and_no_more(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken back counts too; others and guests have theirs."""
    monkeypatch.setattr(attendance, "MOST_MARKS", 3)
    monkeypatch.setattr(attendance, "MOST_GUESTS", 1)
    meeting, member = table.running_item().meeting, table.members[2]
    for word in ("late", "left", "present"):
        mark(table, meeting, member, word)
    lifecycle.take_back_mark(meeting, actor=table.chair, user=member)
    with pytest.raises(StepIllegal, match="3 marks are the most"):
        mark(table, meeting, member, "telephone")
    lifecycle.join_meeting(meeting, actor=member)
    assert fresh(meeting).roster.of(member).is_here, "nobody is kept out by it"
    mark(table, meeting, table.members[3], "late")
    for name in ("A", "B", "C"):
        lifecycle.mark_attendance(meeting, actor=table.chair, guest=name, mark="present")
        lifecycle.take_back_mark(meeting, actor=table.chair, guest=name)
    with pytest.raises(StepIllegal, match="marks are the most"):
        lifecycle.mark_attendance(meeting, actor=table.chair, guest="D", mark="present")


def test_times_lie_within_the_meeting_and_in_order(table: Table) -> None:
    with time_machine.travel(datetime(2026, 3, 3, 14, 0, 30, tzinfo=UTC), tick=False) as at:
        meeting, member = table.running_item().meeting, table.members[2]
        begun = timezone.now()
        at.shift(timedelta(minutes=30))
        for wrong in (begun - timedelta(minutes=2), begun + timedelta(minutes=31)):
            with pytest.raises(StepIncomplete) as refused:
                mark(table, meeting, member, "late", at=wrong)
            assert refused.value.missing == ["at"]
        mark(table, meeting, member, "late", at=begun + timedelta(minutes=20))
        with pytest.raises(StepIncomplete, match="before what was marked last"):
            mark(table, meeting, member, "left", at=begun + timedelta(minutes=10))
        corrected = mark(table, meeting, member, "late", at=begun.replace(second=0))
        assert corrected.at == begun.replace(second=0), "the minute in which it was opened counts"
        assert mark(table, meeting, member, "left").at == timezone.now()


def test_a_clock_that_was_set_back_keeps_nobody_out(table: Table) -> None:
    """What is so from now on is taken; the moments stay in the order of what happened."""
    with time_machine.travel(datetime(2026, 3, 3, 14, 0, 30, tzinfo=UTC), tick=False) as at:
        meeting, member = table.running_item().meeting, table.members[2]
        at.shift(timedelta(minutes=30))
        mark(table, meeting, member, "left")
        at.shift(timedelta(minutes=-10))
        lifecycle.join_meeting(meeting, actor=member)
        assert fresh(meeting).roster.of(member).is_here
        at.shift(timedelta(minutes=-40))
        mark(table, meeting, member, "left")
        mark(table, meeting, table.members[3], "late")
        moments = [one.at for one in fresh(meeting).roster.of(member).steps]
        assert len(moments) == 3 and moments == sorted(moments)
        with pytest.raises(StepIncomplete):
            mark(table, meeting, table.members[4], "late", at=timezone.now())


def test_who_has_nothing_to_do_with_the_meeting_is_no_member_of_it(table: Table) -> None:
    item, outsider = table.running_item(), table.cast.developer
    with pytest.raises(StepIllegal, match="Add them as a guest"):
        mark(table, item.meeting, outsider, "present")
    lifecycle.plan_item(item, actor=table.chair, presenter=outsider)
    mark(table, item.meeting, outsider, "telephone")
    assert outsider.pk in queries.attendance_of(fresh(item.meeting))


def test_an_unknown_mark_is_none(table: Table) -> None:
    meeting = table.running_item().meeting
    for word in ("", "asleep"):
        with pytest.raises(StepIncomplete):
            mark(table, meeting, table.members[2], word)


# Guests


def test_guests_go_by_name_and_are_few(table: Table) -> None:
    meeting = table.running_item().meeting

    def add(name: str, **more: Any) -> AttendanceMark:
        more = {"mark": "present", **more}
        return lifecycle.mark_attendance(meeting, actor=table.chair, guest=name, **more)

    add("  Gail   Guest ", is_presenter=True)
    add("gail guest", mark="left")
    assert list(fresh(meeting).roster.guests) == ["gail guest"]
    for wrong in ("", " ", "x" * 81, "Gail\x07", "Ga\u202eil"):
        with pytest.raises(StepIncomplete) as refused:
            add(wrong)
        assert refused.value.missing == ["guest"]
    Row.objects.bulk_create(
        Row(meeting=meeting, guest=f"G{n}", mark="present", set_by=table.chair)
        for n in range(MOST_GUESTS - 1)
    )
    with pytest.raises(StepIncomplete, match="at most"):
        add("One Toomany")
    add("Gail Guest", mark="telephone")  # who is listed may be marked
    lifecycle.take_back_mark(meeting, actor=table.chair, guest="G0")
    add("One Toomany")
    assert "g0" not in fresh(meeting).roster.guests


def test_a_guest_who_turns_out_to_present_is_noted(table: Table) -> None:
    """With the mark that they have already; the form of a new guest reads that they are listed."""
    meeting = table.running_item().meeting
    for presents in (False, True, False):
        lifecycle.mark_attendance(
            meeting, actor=table.chair, guest="Gail", mark="present", is_presenter=presents
        )
    assert fresh(meeting).roster.guests["gail"].is_presenter
    assert meeting.attendance_marks.count() == 2
    lifecycle.mark_attendance(meeting, actor=table.chair, guest="Gus", mark="present")
    with pytest.raises(ChangeStale):
        lifecycle.mark_attendance(
            meeting, actor=table.chair, guest="Gus", mark="present", is_presenter=True, seen=0
        )


# What members say themselves


def test_a_member_marked_as_gone_says_that_they_are_back(table: Table) -> None:
    item, member = table.running_item(), table.members[2]
    lifecycle.join_meeting(item.meeting, actor=member)
    mark(table, item.meeting, member, "left")
    assert not permissions.can_cast_vote(member, AgendaItem.objects.get(pk=item.pk))
    with pytest.raises(StepIllegal, match="marked as not being there"):
        lifecycle.cast_vote(item, actor=member, choice="accepted")
    lifecycle.join_meeting(item.meeting, actor=member)
    lifecycle.cast_vote(item, actor=member, choice="accepted")
    own = item.meeting.attendance_marks.last()
    assert (own.set_by, own.mark, own.at is not None) == (member, "present", True)
    later = time_machine.travel(timezone.now() + MISTAKE + timedelta(minutes=1))
    with later, pytest.raises(StepIllegal, match="too long ago"):
        lifecycle.take_back_mark(item.meeting, actor=table.chair, user=member)


def test_own_words_stay_beside_the_chairs_mark(client: Client, table: Table) -> None:
    item, member = table.running_item(), table.members[2]
    lifecycle.join_meeting(item.meeting, actor=member)
    mark(table, item.meeting, member, "excused")
    standing = fresh(item.meeting).roster.of(member)
    assert standing.said == Attendance.objects.get(user=member).arrived_at
    client.force_login(table.cast.auditor)
    assert "Own mark: here since" in client.get(item.meeting.get_absolute_url()).content.decode()


# Quorum and the right to vote


def test_votes_stay_and_quorum_may_become_impossible(table: Table) -> None:
    """Seven seats, four votes needed: two are cast, and three who have not voted leave."""
    item = table.running_item()
    table.vote(item, "accepted", "accepted")
    before = queries.tally_of(AgendaItem.objects.get(pk=item.pk))
    assert (before.needed, before.voted, len(before.awaited)) == (4, 2, 5)
    for member in (table.members[1], *table.members[3:6]):
        mark(table, item.meeting, member, "left")
    count = queries.tally_of(AgendaItem.objects.get(pk=item.pk))
    assert (count.needed, count.voted, len(count.away)) == (4, 2, 3), "nobody needs fewer votes"
    assert count.awaited == {table.members[2].pk, table.deputy.pk}
    mark(table, item.meeting, table.deputy, "excused")
    count = queries.tally_of(AgendaItem.objects.get(pk=item.pk))
    assert count.sentence.startswith(
        "No quorum possible: 4 votes are needed (2 of 7, 4 not there)."
    )
    assert Vote.objects.count() == 2
    lifecycle.take_back_mark(item.meeting, actor=table.chair, user=table.deputy)
    assert "No quorum yet" in queries.tally_of(AgendaItem.objects.get(pk=item.pk)).sentence


def test_who_has_left_sees_no_vote_before_their_own(table: Table) -> None:
    """Or they would come back and know."""
    item, member = table.running_item(), table.members[2]
    table.vote(item, "accepted", "accepted")
    mark(table, item.meeting, member, "left")
    found = AgendaItem.objects.get(pk=item.pk)
    count = queries.tally_of(found)
    assert not permissions.votes_open_to(member, found, count)
    assert not permissions.tally_open_to(member, found, count)


def test_who_has_left_counts_with_the_vote_they_cast(table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["accepted"] * 4)
    for member in table.members[1:4]:
        mark(table, item.meeting, member, "left")
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted")
    settled = AgendaItem.objects.get(pk=item.pk)
    assert settled.outcome.sentence.startswith("Quorum met (4 of 7).")


def test_whose_turn_it_is_and_who_may_vote_agree(table: Table) -> None:
    item, member = table.running_item(), table.members[2]
    for word in ("", *Mark.values):
        if word:
            mark(table, item.meeting, member, word)
        may = bool(permissions.can_cast_vote(member, AgendaItem.objects.get(pk=item.pk)))
        assert may == (word not in ("left", "excused")), word
        left = Meeting.objects.annotate(left=queries.left_for(member)).get(pk=item.meeting_id).left
        assert bool(left) == may, word
        waits = type(item.change).objects.filter(queries.still_to_vote(member, timezone.now()))
        assert waits.filter(pk=item.change_id).exists() == may, word


def test_who_has_left_casts_no_casting_vote(table: Table) -> None:
    """They record what the votes decide, though; nobody else may be there who can."""
    item = table.running_item()
    table.vote(item, "accepted", "accepted", "rejected", "rejected")
    shown = {}
    for word in ("present", "left"):
        lifecycle.mark_attendance(item.meeting, actor=table.deputy, user=table.chair, mark=word)
        user = User.objects.get(pk=table.chair.pk)
        picture = Picture(Viewer(user, timezone.get_current_timezone(), ""), _read(item), item.pk)
        shown[word] = (picture.keys["outcome-box"], picture.html("outcome-box"))
    assert ["not being there" in shown[word][1] for word in shown] == [False, True]
    assert shown["left"][0] != shown["present"][0], "open pages are told"
    decide = {"actor": table.chair, "outcome": "accepted", "casting_vote": True}
    with pytest.raises(StepIllegal, match="not being there"):
        lifecycle.record_outcome(item, **decide)
    lifecycle.join_meeting(item.meeting, actor=table.chair)
    lifecycle.record_outcome(item, **decide)


def _read(item: AgendaItem) -> Snapshot:
    return read(queries.meetings().get(pk=item.meeting_id))


def test_once_closed_who_had_left_is_among_those_who_did_not_vote(table: Table) -> None:
    item = table.running_item()
    mark(table, item.meeting, table.members[2], "left")
    table.vote(item, "accepted", "accepted")
    lifecycle.close_meeting(item.meeting, actor=table.chair)
    votes = compose(fresh(item.meeting))["votes"][str(item.pk)]
    assert str(table.members[2]) in votes["missing"]


# People who change


def test_who_lost_the_account_leaves_but_does_not_come(table: Table) -> None:
    meeting, there, gone = table.running_item().meeting, table.members[2], table.members[3]
    lifecycle.join_meeting(meeting, actor=there)
    User.objects.filter(pk__in=(there.pk, gone.pk)).update(is_active=False)
    with pytest.raises(StepIllegal, match="may no longer take part"):
        mark(table, meeting, gone, "present")
    mark(table, meeting, gone, "excused")
    mark(table, meeting, there, "left")


def test_a_chair_who_takes_over_marks_on(table: Table) -> None:
    item = table.running_item()
    mark(table, item.meeting, table.members[2], "late")
    User.objects.filter(pk=table.chair.pk).update(is_active=False)
    with pytest.raises(StepForbidden):
        mark(table, item.meeting, table.members[2], "left")
    lifecycle.mark_attendance(item.meeting, actor=table.deputy, user=table.members[2], mark="left")
    lifecycle.mark_attendance(item.meeting, actor=table.deputy, user=table.chair, mark="left")
