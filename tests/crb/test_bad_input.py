"""Every wrong turn of a vote or an outcome, and the clear answer to it."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts.models import User
from changes.models import Change
from crb import lifecycle, queries
from crb.models import AgendaItem, BoardOutcome, Meeting, Vote
from expansive_cm.workflow.errors import StepIncomplete
from tests.crb.conftest import Table, seat

pytestmark = pytest.mark.django_db


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def vote(client: Client, user: User, item: AgendaItem, **fields: Any) -> Any:
    client.force_login(user)
    data = {"seen": 1, "choice": "accepted", "reason": "What I wrote.", **fields}
    return client.post(f"/board/items/{item.pk}/vote/", data, follow=True)


def record(client: Client, user: User, item: AgendaItem, **fields: Any) -> Any:
    client.force_login(user)
    version = Change.objects.get(pk=item.change_id).version
    data = {"seen": version, "outcome": "accepted", "reason": "What I wrote.", **fields}
    return client.post(f"/board/items/{item.pk}/outcome/", data)


def ballot_item(table: Table) -> AgendaItem:
    """An item in a ballot that is open for three days."""
    ballot = lifecycle.open_ballot(
        table.board,
        actor=table.chair,
        changes=[table.change()],
        deadline=timezone.now() + timedelta(days=3),
        reason="It cannot wait.",
    )
    return ballot.items.get()


# Votes


def test_voting_twice_replaces_the_first_and_says_so(client: Client, table: Table) -> None:
    item = table.running_item()
    assert "Your vote counts." in text(vote(client, table.cast.crb_member, item))
    answer = vote(client, table.cast.crb_member, item, choice="rejected", category="not_strategic")
    assert "Your new vote counts; it replaces the earlier one." in text(answer)
    count = queries.tally_of(AgendaItem.objects.get(pk=item.pk))
    assert (count.voted, count.counts["rejected"], count.counts["accepted"]) == (1, 1, 0)
    assert item.votes.count() == 2, "both are kept"


def test_voting_after_the_item_is_decided(client: Client, table: Table) -> None:
    item = table.running_item()
    table.decide(item, "accepted")
    answer = vote(client, table.deputy, item)
    assert answer.status_code == 409
    assert "The board has already decided on this item." in text(answer)
    assert "What I wrote." in text(answer)
    assert not Vote.objects.filter(member=table.deputy).exists()


def test_voting_after_the_deadline_of_a_ballot(client: Client, table: Table) -> None:
    item = ballot_item(table)
    with time_machine.travel(timezone.now() + timedelta(days=4)):
        answer = vote(client, table.cast.crb_member, item)
    deadline = timezone.localtime(item.meeting.deadline)
    assert answer.status_code == 409
    assert f"Votes were taken until {deadline.day} {deadline:%B %Y}" in text(answer)
    assert "What I wrote." in text(answer)
    assert not Vote.objects.exists()


def test_voting_on_an_item_that_was_deferred_tells_where_it_went(
    client: Client, table: Table
) -> None:
    item = table.running_item()
    later = table.meeting(days=21)
    lifecycle.close_meeting(item.meeting, actor=table.chair)
    answer = vote(client, table.cast.crb_member, item)
    new = AgendaItem.objects.get(change=item.change, state="open")
    assert answer.status_code == 409
    assert f"It went on to: {later}." in text(answer)
    assert f'href="/board/meetings/{later.pk}/?item={new.pk}"' in text(answer)


def test_the_page_of_an_item_that_was_moved_tells_where_it_went(
    client: Client, table: Table
) -> None:
    item, meeting = table.item(), table.board.meetings.get()
    table.item("Another")
    ballot = lifecycle.open_ballot(
        table.board,
        actor=table.chair,
        changes=[item.change],
        deadline=timezone.now() + timedelta(days=3),
        reason="It cannot wait.",
    )
    client.force_login(table.cast.crb_member)
    page = text(client.get(f"/board/meetings/{meeting.pk}/?item={item.pk}"))
    assert "Moved to another agenda" in page
    assert f'href="/board/meetings/{ballot.pk}/?item={item.pk}"' in page
    answer = vote(client, table.cast.crb_member, item)
    assert answer.redirect_chain[0][0].startswith(f"/board/meetings/{ballot.pk}/")
    assert item.votes.count() == 1, "a vote on the same request counts wherever it is taken"


def test_voting_on_a_closed_meeting(client: Client, table: Table) -> None:
    item = table.running_item()
    lifecycle.close_meeting(item.meeting, actor=table.chair)
    answer = vote(client, table.cast.crb_member, item)
    assert answer.status_code == 409
    assert "The meeting is closed." in text(answer)
    assert "What I wrote." in text(answer)
    assert not Vote.objects.exists()


def test_voting_without_a_vote_on_the_item(client: Client, table: Table) -> None:
    """As a stranger, as who raised the change or asked for it, and while recused."""
    support, member = table.cast.support, table.cast.crb_member
    seat(table.board, support)
    support.groups.add(Group.objects.get(name="crb_member"))
    item = table.running_item()
    assert vote(client, table.cast.requester, item).status_code == 404
    rule = "nobody decides on a change they asked for."
    for user, sentence in (
        (table.cast.developer, "members of the board on that day"),
        (support, f"{rule} You raised this change."),
    ):
        answer = vote(client, user, item)
        assert answer.status_code == 403, user
        assert sentence in text(answer)
    change = Change.objects.filter(pk=item.change_id)
    change.update(requester=member)
    answer = vote(client, member, item)
    assert answer.status_code == 403
    assert "You requested this change." in text(answer)
    change.update(requester=table.cast.requester)
    lifecycle.recuse(item, actor=member, reason="My own project.")
    answer = vote(client, member, item)
    assert answer.status_code == 403
    assert "You recused yourself from this item." in text(answer)
    assert queries.tally_of(AgendaItem.objects.get(pk=item.pk)).voted == 0
    assert not Vote.objects.exclude(choice="recuse").exists()


# Outcomes


def refused(answer: Any, sentence: str) -> None:
    assert answer.status_code == 409
    assert sentence in text(answer)
    assert "What I wrote." in text(answer), "nothing typed is lost"
    assert not BoardOutcome.objects.exists()


def test_an_outcome_that_the_votes_do_not_bear(client: Client, table: Table) -> None:
    """Without quorum, against the tally, by a casting vote without a tie or outside of it."""
    item = table.running_item()
    table.vote(item, *["accepted"] * 3)
    refused(record(client, table.chair, item), "No quorum yet: one more vote is needed (3 of 7).")
    table.vote(item, "", "", "", "rejected")
    answer = record(client, table.chair, item, outcome="accepted_as_priority")
    refused(answer, "The votes are for “accepted”; only a tie can be decided by the chair.")
    answer = record(client, table.chair, item, casting_vote="on")
    refused(answer, "The votes are no longer tied, so there is no casting vote.")
    table.vote(item, "accepted", "accepted", "rejected", "rejected", "abstain")
    answer = record(client, table.chair, item, outcome="accepted_as_priority", casting_vote="on")
    refused(answer, "A casting vote chooses between the tied outcomes only.")


def test_an_outcome_without_quorum_in_a_ballot(client: Client, table: Table) -> None:
    item = ballot_item(table)
    table.vote(item, *["accepted"] * 3)
    refused(record(client, table.chair, item), "No quorum yet: one more vote is needed (3 of 7).")


# Links


def test_a_cancelled_meetings_link_shows_the_way_to_its_items(client: Client, table: Table) -> None:
    item, cancelled = table.item(), table.board.meetings.get()
    later = table.meeting(days=21)
    lifecycle.cancel_meeting(cancelled, actor=table.chair, reason="Snow.")
    client.force_login(table.cast.crb_member)
    for address in (f"/board/meetings/{cancelled.pk}/", f"/board/meetings/{cancelled.pk}/?item=1"):
        page = text(client.get(address))
        assert "This meeting was cancelled" in page
        assert "Snow." in page
        assert f'href="/board/meetings/{later.pk}/?item={item.pk}"' in page


# Odd values


def test_a_deadline_years_ahead_is_refused(table: Table) -> None:
    far = timezone.now() + timedelta(days=3000)
    with pytest.raises(StepIncomplete, match="at most a year"):
        lifecycle.open_ballot(
            table.board,
            actor=table.chair,
            changes=[table.change()],
            deadline=far,
            reason="Mistyped.",
        )
    ballot = ballot_item(table).meeting
    with pytest.raises(StepIncomplete, match="at most a year"):
        lifecycle.extend_ballot(ballot, actor=table.chair, deadline=far, reason="Mistyped.")


def test_an_absence_years_ahead_is_refused(table: Table) -> None:
    day = table.board.today + timedelta(days=3000)
    with pytest.raises(StepIncomplete, match="gives up the seat"):
        lifecycle.record_absence(
            table.board.memberships.get(user=table.cast.crb_member),
            actor=table.cast.crb_member,
            starts_on=day,
            ends_on=day,
        )


def test_digits_of_another_script_are_no_numbers(client: Client, table: Table) -> None:
    item = table.running_item()
    address = item.meeting.get_absolute_url()
    client.force_login(table.chair)
    assert client.post(f"{address}consent/", {"shown": "²"}).status_code < 500
    version = Meeting.objects.get(pk=item.meeting_id).version
    data = {"seen": version, "order": str(item.pk), "moved": "²"}
    assert client.post(f"{address}order/", data).status_code < 500


# Numbers that no row has


def test_long_numbers_on_the_pages_of_a_meeting(client: Client, table: Table) -> None:
    item = table.running_item()
    for digits in ("9" * 19, "9" * 5_000):
        takes_long_numbers(client, table, item, digits)


def takes_long_numbers(client: Client, table: Table, item: AgendaItem, digits: str) -> None:
    address = f"/board/meetings/{item.meeting_id}/"
    client.force_login(table.chair)
    assert client.get(f"{address}?item={digits}").status_code < 500
    for part, data in {
        "go/": {"item": digits, "seen": digits},
        "consent/": {"shown": f"{digits}:accepted"},
        "order/": {"order": digits, "up": digits},
        "publish/": {"seen": digits, "item": digits},
        "minutes/write/": {"seen": digits, "section": f"item-{digits}"},
    }.items():
        assert client.post(address + part, data).status_code < 500
    assert record(client, table.chair, item, **{f"question_{digits}": "?"}).status_code < 500
