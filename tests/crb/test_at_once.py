"""Several people act in the same second, each on a database connection of their own."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from changes.models import Change
from crb import lifecycle, queries
from crb.models import AgendaItem, BoardOutcome, Meeting, Vote
from expansive_cm.workflow.errors import StepError
from tests import concurrently
from tests.crb.conftest import Table, seat
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Run all acts at the same moment; return "done" or the refusal of each, in order."""
    return [words_of(answer) for answer in concurrently.at_once(*acts)]


def words_of(answer: object) -> str:
    if isinstance(answer, StepError):
        return f"{answer.status} {answer}"
    return repr(answer) if isinstance(answer, Exception) else "done"


def fresh(item: AgendaItem) -> AgendaItem:
    return AgendaItem.objects.get(pk=item.pk)


def test_seven_members_vote_at_once_and_seven_votes_count(table: Table) -> None:
    item = table.running_item()
    votes = ["accepted", "accepted", "accepted", "rejected", "rejected", "abstain", "accepted"]

    def act(user: object, choice: str) -> Callable[[], object]:
        return lambda: lifecycle.cast_vote(
            fresh(item), actor=user, choice=choice, category="not_strategic"
        )

    answers = at_once(*(act(*pair) for pair in zip(table.members, votes, strict=True)))
    assert answers == ["done"] * 7
    count = queries.tally_of(fresh(item))
    assert (count.voted, count.counts["accepted"], count.counts["rejected"]) == (7, 4, 2)
    assert item.meeting.attendances.count() == 7


def test_a_member_pressing_twice_attends_once(table: Table) -> None:
    item = table.running_item()
    member = table.cast.crb_member
    answers = at_once(
        *[lambda: lifecycle.cast_vote(fresh(item), actor=member, choice="accepted")] * 2
    )
    assert answers == ["done", "done"]
    assert queries.tally_of(fresh(item)).voted == 1
    assert item.meeting.attendances.filter(user=member).count() == 1


def test_a_vote_that_waits_for_the_closing_chair_is_refused(table: Table) -> None:
    """The chair's transaction holds the item while the vote arrives; then it commits."""
    item = table.running_item()
    arrived, answers = threading.Event(), []

    def vote() -> None:
        try:
            arrived.set()
            lifecycle.cast_vote(fresh(item), actor=table.cast.crb_member, choice="accepted")
            answers.append("done")
        except StepError as refusal:
            answers.append(f"{refusal.status} {refusal}")
        finally:
            connections.close_all()

    voter = threading.Thread(target=vote)
    with transaction.atomic():
        lifecycle.close_meeting(Meeting.objects.get(pk=item.meeting_id), actor=table.chair)
        voter.start()
        arrived.wait(10)
        voter.join(0.5)
        assert answers == []
    voter.join(10)
    assert answers == ["409 The meeting is closed."]
    assert not Vote.objects.exists()


def test_voting_and_closing_at_once_counts_or_is_refused(table: Table) -> None:
    for number in range(5):
        item = table.running_item(f"Round {number}")
        closed, voted = at_once(
            lambda i=item: lifecycle.close_meeting(
                Meeting.objects.get(pk=i.meeting_id), actor=table.chair
            ),
            lambda i=item: lifecycle.cast_vote(
                fresh(i), actor=table.cast.crb_member, choice="accepted"
            ),
        )
        assert closed == "done"
        assert (voted == "done") == Vote.objects.filter(item=item).exists()
        assert voted == "done" or voted.startswith("409 ")
        table.meeting(days=20 + number)


def test_the_outcome_and_a_last_vote_at_once_agree(table: Table) -> None:
    item = table.running_item()
    table.vote(item, "accepted", "accepted", "accepted", "rejected", "rejected")
    recorded, voted = at_once(
        lambda: lifecycle.record_outcome(fresh(item), actor=table.chair, outcome="accepted"),
        lambda: lifecycle.cast_vote(
            fresh(item), actor=table.members[5], choice="rejected", category="not_strategic"
        ),
    )
    if recorded == "done":
        assert voted.startswith("409 ")
        assert BoardOutcome.objects.get().tally["counts"]["rejected"] == 2
    else:
        assert (recorded[:4], voted) == ("409 ", "done")


def test_two_outcomes_at_once_make_one_decision(table: Table) -> None:
    item = table.running_item()
    table.vote(item, *["accepted"] * 4)
    answers = at_once(
        lambda: lifecycle.record_outcome(fresh(item), actor=table.chair, outcome="accepted"),
        lambda: lifecycle.record_outcome(fresh(item), actor=table.deputy, outcome="accepted"),
    )
    assert sorted(answer[:4] for answer in answers) == ["409 ", "done"]
    change = Change.objects.get(pk=item.change_id)
    assert change.board_decisions.count() == 1
    assert change.events.filter(verb="record_board_outcome").count() == 1


def test_two_agendas_filled_at_once_hold_each_change_once(table: Table) -> None:
    table.meeting()
    for number in range(3):
        table.change(f"Change {number}")
    answers = at_once(*[lambda: lifecycle.fill_agenda(table.board)] * 2)
    assert answers == ["done", "done"]
    assert AgendaItem.objects.count() == 3


def test_two_chairs_open_one_meeting(table: Table) -> None:
    first, second = table.meeting(days=1), table.meeting(days=15)
    answers = at_once(
        lambda: lifecycle.start_meeting(first, actor=table.chair),
        lambda: lifecycle.start_meeting(second, actor=table.deputy),
    )
    assert sorted(answer[:4] for answer in answers) == ["409 ", "done"]
    assert Meeting.objects.filter(state="running").count() == 1


def twenty(table: Table) -> list[User]:
    """The members of a board of twenty, the chair first and the deputy last."""
    more = [person(f"Member {number:02}", Role.CRB_MEMBER) for number in range(13)]
    for user in more:
        seat(table.board, user)
    return [*table.members[:-1], *more, table.deputy]


def test_twenty_members_vote_at_once_and_the_item_closes_once(table: Table) -> None:
    members = twenty(table)
    ballot = lifecycle.open_ballot(
        table.board,
        actor=table.chair,
        changes=[table.change()],
        deadline=timezone.now() + timedelta(days=3),
        reason="It cannot wait.",
    )
    item = ballot.items.get()

    def act(number: int, user: User) -> Callable[[], object]:
        choice = "rejected" if number % 4 == 3 else "accepted"
        return lambda: lifecycle.cast_vote(
            fresh(item), actor=user, choice=choice, category="not_strategic"
        )

    answers = at_once(*(act(*pair) for pair in enumerate(members)))
    assert answers == ["done"] * 20
    count = queries.tally_of(fresh(item))
    assert (count.voted, count.counts["accepted"], count.counts["rejected"]) == (20, 15, 5)
    assert Vote.objects.count() == 20
    answers = at_once(
        lambda: lifecycle.record_outcome(fresh(item), actor=table.chair, outcome="accepted"),
        lambda: lifecycle.record_outcome(fresh(item), actor=table.deputy, outcome="accepted"),
        lambda: lifecycle.settle_ballot(ballot),
    )
    assert sorted(answer[:4] for answer in answers[:2]) == ["409 ", "done"]
    assert BoardOutcome.objects.count() == 1
    assert item.history.filter(state="decided").count() == 1
    assert ballot.history.filter(state="closed").count() == 1


def test_twenty_votes_while_the_chair_records_count_or_are_refused(table: Table) -> None:
    members = twenty(table)
    item = table.running_item()
    for user in members[:10]:
        lifecycle.cast_vote(item, actor=user, choice="accepted")
    late = members[10:]
    answers = at_once(
        lambda: lifecycle.record_outcome(fresh(item), actor=table.chair, outcome="accepted"),
        *(
            lambda user=user: lifecycle.cast_vote(fresh(item), actor=user, choice="accepted")
            for user in late
        ),
    )
    assert answers[0] == "done"
    counted = [user for user, answer in zip(late, answers[1:], strict=True) if answer == "done"]
    refused = [answer for answer in answers[1:] if answer != "done"]
    assert all(answer.startswith("409 The board has already decided") for answer in refused)
    outcome = BoardOutcome.objects.get()
    assert outcome.tally["counts"]["accepted"] == 10 + len(counted)
    assert set(Vote.objects.filter(member__in=late).values_list("member", flat=True)) == {
        user.pk for user in counted
    }


def test_a_ballot_extended_while_time_settles_it(table: Table) -> None:
    ballot = lifecycle.open_ballot(
        table.board,
        actor=table.chair,
        changes=[table.change()],
        deadline=timezone.now() + timedelta(days=3),
        reason="It cannot wait.",
    )
    Meeting.objects.update(deadline=timezone.now() - timedelta(minutes=1))
    later = timezone.now() + timedelta(days=5)
    extended, _settled = at_once(
        lambda: lifecycle.extend_ballot(
            Meeting.objects.get(pk=ballot.pk), actor=table.chair, deadline=later, reason="Ill."
        ),
        lambda: lifecycle.settle_ballot(ballot),
    )
    state = Meeting.objects.get(pk=ballot.pk).state
    assert (extended == "done") == (state == "running")
    assert extended in ("done", "409 The ballot is closed.")


@pytest.mark.parametrize("before", [3, 4], ids=["brings consent about", "ends it"])
def test_votes_that_turn_an_offer_of_consent_are_all_stored(table: Table, before: int) -> None:
    """Before the meeting, the members who are left vote in the same moment."""
    item = table.item()
    table.vote(item, *["accepted"] * before)
    choice = "accepted" if before == 3 else "rejected"
    acts = [
        lambda user=user: lifecycle.cast_vote(
            fresh(item), actor=user, choice=choice, category="not_strategic"
        )
        for user in table.members[before:]
    ]
    assert at_once(*acts) == ["done"] * len(acts)
    assert queries.tally_of(fresh(item)).voted == 7
    assert fresh(item).is_consent == (before == 3)
