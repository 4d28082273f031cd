"""Votes: who casts them, what they need, and which of them count."""

import pytest
from django.db import transaction

from accounts.models import User
from changes import lifecycle as change_lifecycle
from changes.models import Change
from crb import lifecycle, pages, permissions, queries
from crb.models import AgendaItem, Meeting, Vote
from expansive_cm.workflow.decisions import Refusal
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests.crb.conftest import Table, seat
from tests.stories import assessed

pytestmark = pytest.mark.django_db


def test_a_vote_is_kept_with_the_revision_that_was_read(table: Table) -> None:
    item = table.item()
    vote = lifecycle.cast_vote(
        item, actor=table.chair, choice="accepted", reason="Long overdue.", seen=1
    )
    assert (vote.revision, vote.choice, vote.reason) == (1, "accepted", "Long overdue.")


def test_members_vote_before_the_meeting_too(table: Table) -> None:
    item = table.item()
    table.vote(item, "accepted")
    assert item.meeting.state == "scheduled"
    assert queries.tally_of(item).voted == 1
    assert not item.meeting.attendances.exists()


def test_changing_ones_mind_appends_a_vote(table: Table) -> None:
    item = table.item()
    table.vote(item, "accepted")
    table.vote(item, "rejected")
    assert [vote.choice for vote in item.votes.all()] == ["accepted", "rejected"]
    assert queries.tally_of(item).counts["rejected"] == 1
    assert queries.tally_of(item).counts["accepted"] == 0


def test_editing_the_request_makes_votes_stale(table: Table) -> None:
    item = table.item()
    table.vote(item, "accepted", "accepted")
    change_lifecycle.edit(item.change, actor=table.cast.support, title="Rooms at dawn")
    item = AgendaItem.objects.get(pk=item.pk)
    count = queries.tally_of(item)
    assert (count.voted, len(count.stale)) == (0, 2)
    with pytest.raises(ChangeStale, match="was edited since you opened this page"):
        lifecycle.cast_vote(item, actor=table.chair, choice="accepted", seen=1)
    lifecycle.cast_vote(item, actor=table.chair, choice="accepted", seen=2)
    assert queries.tally_of(item).voted == 1


def test_information_required_needs_the_question(table: Table) -> None:
    item = table.item()
    with pytest.raises(StepIncomplete, match="Say what the board needs to know"):
        lifecycle.cast_vote(item, actor=table.chair, choice="information_required")


def test_rejecting_needs_its_category(table: Table) -> None:
    item = table.item()
    for category in ("", "because"):
        with pytest.raises(StepIncomplete, match="why the change should be rejected"):
            lifecycle.cast_vote(item, actor=table.chair, choice="rejected", category=category)


def test_there_are_five_votes_and_no_others(table: Table) -> None:
    item = table.item()
    for choice in ("", "maybe", "recuse"):
        with pytest.raises(StepIncomplete):
            lifecycle.cast_vote(item, actor=table.chair, choice=choice)
        assert not Vote.objects.exists(), choice


def test_what_was_typed_for_another_choice_is_not_kept(table: Table) -> None:
    item = table.item()
    vote = lifecycle.cast_vote(
        item, actor=table.chair, choice="accepted", question="How many?", category="not_strategic"
    )
    assert (vote.question, vote.category) == ("", "")


def test_recusing_needs_the_conflict_and_ends_voting(table: Table) -> None:
    item = table.item()
    with pytest.raises(StepIncomplete, match="State the conflict of interest"):
        lifecycle.recuse(item, actor=table.chair, reason=" ")
    table.vote(item, "accepted", "accepted")
    lifecycle.recuse(item, actor=table.chair, reason="I own the company.")
    assert queries.tally_of(item).voted == 1
    with pytest.raises(StepForbidden, match="You recused yourself from this item"):
        lifecycle.cast_vote(item, actor=table.chair, choice="accepted")


def test_the_raisers_vote_is_refused_and_says_why(table: Table) -> None:
    item = table.item()
    seat_with_role(table, table.cast.support)
    with pytest.raises(StepForbidden) as refusal:
        lifecycle.cast_vote(item, actor=table.cast.support, choice="accepted")
    assert str(refusal.value) == (
        "Separation of duties: nobody decides on a change they asked for. You raised this change."
    )


def test_the_requesters_vote_is_refused_and_says_why(table: Table) -> None:
    table.meeting()
    change = assessed(table.cast, "code")
    Change.objects.filter(pk=change.pk).update(requester=table.chair)
    (item,) = lifecycle.fill_agenda(table.board)
    with pytest.raises(StepForbidden) as refusal:
        lifecycle.cast_vote(item, actor=table.chair, choice="accepted")
    assert str(refusal.value) == (
        "Separation of duties: nobody decides on a change they asked for. "
        "You requested this change."
    )


def seat_with_role(table: Table, user: object) -> None:
    from django.contrib.auth.models import Group

    seat(table.board, user)
    user.groups.add(Group.objects.get(name="crb_member"))
    vars(user).pop("roles", None)


def test_terms_decide_who_is_a_member_on_the_day(table: Table) -> None:
    item = table.item()
    day = item.meeting.date
    table.board.memberships.filter(user=table.cast.crb_member).update(ends_on=day)
    assert table.cast.crb_member.pk in queries.tally_of(fresh(item)).members
    table.board.memberships.filter(user=table.cast.crb_member).update(ends_on=table.board.today)
    assert table.cast.crb_member.pk not in queries.tally_of(fresh(item)).members
    with pytest.raises(StepForbidden, match="members of the board on that day"):
        table.vote(item, "", "accepted")


def test_who_lost_the_role_or_left_is_no_member(table: Table) -> None:
    item = table.item()
    table.members[1].groups.clear()
    table.members[2].is_active = False
    table.members[2].save()
    assert len(queries.tally_of(fresh(item)).members) == 5


def fresh(item: AgendaItem) -> AgendaItem:
    return AgendaItem.objects.get(pk=item.pk)


def test_no_votes_on_a_withdrawn_change(table: Table) -> None:
    item = table.item()
    change_lifecycle.withdraw(item.change, actor=table.cast.support, reason="Not needed.")
    with pytest.raises(StepIllegal, match="no longer waits for the board"):
        table.vote(fresh(item), "accepted")


def test_what_is_left_to_vote_on_is_counted_by_the_same_rules(table: Table) -> None:
    """Pages that only count what is left ask the database; it answers as the agenda does."""
    table.running_item("Another")
    item = table.running_item()
    for case in ("", "voted", "stale", "recused", "requested", "raised", "withdrawn", "decided"):
        with transaction.atomic():
            counted = what_is_left_where(case, table, fresh(item))
            transaction.set_rollback(True)
        assert counted == [2 if case in ("", "stale") else 1] * 2, case


def what_is_left_where(case: str, table: Table, item: AgendaItem) -> list[int]:
    """Bring the case about; return what a member has left, as counted and as on the agenda."""
    member = table.members[1]
    if case in ("voted", "stale"):
        lifecycle.cast_vote(item, actor=member, choice="accepted")
    if case == "stale":
        Change.objects.filter(pk=item.change_id).update(revision=9)
    if case == "recused":
        lifecycle.recuse(item, actor=member, reason="Mine.")
    if case in ("requested", "raised"):
        field = {"requested": "requester", "raised": "raised_by"}[case]
        Change.objects.filter(pk=item.change_id).update(**{field: member})
    if case == "withdrawn":
        Change.objects.filter(pk=item.change_id).update(path=2)
    if case == "decided":
        table.decide(item, "accepted")
    counted = Meeting.objects.annotate(n=queries.left_for(member)).get(pk=item.meeting_id)
    rows = pages.agenda_rows(queries.agenda_of(counted), member, None)
    return [counted.n, sum(row.mine_missing for row in rows)]


def test_whoever_asked_once_does_not_vote_whoever_took_their_place(table: Table) -> None:
    item, member, cast = table.running_item(), table.members[1], table.cast
    User.objects.filter(pk=member.pk).update(organisation=cast.harbour)
    member = User.objects.get(pk=member.pk)
    for successor in (member, cast.colleague):
        change_lifecycle.replace_requester(
            item.change, actor=cast.success, successor=successor, reason="Another post."
        )
    User.objects.filter(pk=member.pk).update(organisation=None)
    member = User.objects.get(pk=member.pk)
    assert permissions.can_cast_vote(member, fresh(item)).kind == Refusal.SEPARATION
    for found in (fresh(item), *queries.agenda_of(item.meeting)):
        assert member.pk not in queries.tally_of(found).missing
    counted = Meeting.objects.annotate(n=queries.left_for(member)).get(pk=item.meeting_id)
    assert counted.n == 0
