"""Alternates: they vote for the member's seat, which has one vote, and it is seen to be theirs."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from changes.models import Change
from crb import lifecycle, queries
from crb.models import Absence, AgendaItem, Meeting
from expansive_cm.workflow.errors import StepForbidden
from tests.crb.conftest import Table
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def alternate(table: Table) -> User:
    return person("Alice Alternate", Role.CRB_MEMBER)


def away(table: Table, member: User, alternate: User | None, item: AgendaItem) -> Absence:
    """Let a member be away on the day of the item's meeting."""
    day = item.meeting.date
    return Absence.objects.create(
        membership=table.board.memberships.get(user=member),
        starts_on=day,
        ends_on=day + timedelta(days=1),
        alternate=alternate,
    )


def fresh(item: AgendaItem) -> AgendaItem:
    return AgendaItem.objects.get(pk=item.pk)


def test_an_alternates_vote_counts_once_for_the_seat(table: Table, alternate: User) -> None:
    item, member = table.item(), table.members[1]
    table.vote(item, "", "rejected", "accepted")
    away(table, member, alternate, item)
    with pytest.raises(StepForbidden, match="members of the board on that day"):
        lifecycle.cast_vote(fresh(item), actor=member, choice="accepted")
    for _time in range(2):
        vote = lifecycle.cast_vote(fresh(item), actor=alternate, choice="accepted")
    assert vote.for_member == member
    count = queries.tally_of(fresh(item))
    assert (len(count.members), count.voted) == (7, 2)
    assert (count.counts["accepted"], count.counts["rejected"]) == (2, 0)


def test_a_former_alternates_vote_does_not_count(table: Table, alternate: User) -> None:
    item, member = table.item(), table.members[1]
    absence = away(table, member, alternate, item)
    lifecycle.cast_vote(fresh(item), actor=alternate, choice="rejected", category="not_strategic")
    assert queries.tally_of(fresh(item)).voted == 1
    absence.withdrawn_at = timezone.now()
    absence.save()
    assert queries.tally_of(fresh(item)).voted == 0
    lifecycle.cast_vote(fresh(item), actor=member, choice="accepted")
    assert queries.tally_of(fresh(item)).counts["accepted"] == 1


def test_a_former_members_vote_does_not_count(table: Table) -> None:
    item, member = table.item(), table.members[1]
    table.vote(item, "accepted", "accepted")
    table.board.memberships.filter(user=member).update(ends_on=table.board.today)
    count = queries.tally_of(fresh(item))
    assert (count.voted, len(count.members)) == (1, 6)


def test_a_new_alternate_takes_over_the_seat(table: Table, alternate: User) -> None:
    item, member = table.item(), table.members[1]
    absence = away(table, member, alternate, item)
    lifecycle.cast_vote(fresh(item), actor=alternate, choice="accepted")
    absence.alternate = second = person("Arno Alternate", Role.CRB_MEMBER)
    absence.save()
    lifecycle.cast_vote(fresh(item), actor=second, choice="rejected", category="not_strategic")
    count = queries.tally_of(fresh(item))
    assert (count.voted, count.counts["accepted"], count.counts["rejected"]) == (1, 0, 1)


def test_the_page_says_for_whom(client: Client, table: Table, alternate: User) -> None:
    item = table.item()
    away(table, table.members[1], alternate, item)
    client.force_login(table.chair)
    address = f"/board/meetings/{item.meeting_id}/?item={item.pk}"
    assert "for Max Member" in client.get(address).content.decode(), "before the vote"
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    lifecycle.cast_vote(fresh(item), actor=alternate, choice="accepted", reason="As Max wished.")
    table.vote(fresh(item), "accepted", "", "accepted", "accepted")
    page = client.get(address).content.decode()
    assert "for Max Member" in page and "As Max wished." in page
    lifecycle.record_outcome(fresh(item), actor=table.chair, outcome="accepted")
    Absence.objects.update(withdrawn_at=timezone.now())
    assert "for Max Member" in client.get(address).content.decode(), "as it was recorded"


def test_who_is_away_without_an_alternate_is_marked_on_the_meetings_page(
    client: Client, table: Table, alternate: User
) -> None:
    item = table.item()
    client.force_login(table.cast.support)

    def members() -> str:
        page = " ".join(client.get(item.meeting.get_absolute_url()).content.decode().split())
        return page.split('id="attendance"')[1]

    assert ">away" not in members()
    away(table, table.members[1], None, item)
    away(table, table.members[2], alternate, item)
    assert members().count(">away") == 1
    row = next(part for part in members().split("<li") if ">away" in part)
    assert str(table.members[1]) in row
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    lifecycle.join_meeting(item.meeting, actor=table.members[1])
    assert ">away" not in members(), "who has come all the same is there"


def test_nobody_votes_in_the_place_of_one_who_may_not(table: Table, alternate: User) -> None:
    item = table.item()
    for why in ("recused", "requested", "raised"):
        with transaction.atomic():
            nobody_votes_for(table, alternate, why, fresh(item))
            transaction.set_rollback(True)


def nobody_votes_for(table: Table, alternate: User, why: str, item: AgendaItem) -> None:
    member = table.members[1]
    if why == "recused":
        lifecycle.recuse(item, actor=member, reason="My own project.")
    else:
        field = {"requested": "requester", "raised": "raised_by"}[why]
        Change.objects.filter(pk=item.change_id).update(**{field: member})
    away(table, member, alternate, item)
    with pytest.raises(StepForbidden, match="Max Member, in whose place you are here"):
        lifecycle.cast_vote(fresh(item), actor=alternate, choice="accepted")
    table.vote(fresh(item), "accepted", "", *["accepted"] * 3)
    count = queries.tally_of(fresh(item))
    assert (count.voted, len(count.eligible)) == (4, 6), why
    waiting = Meeting.objects.annotate(left=queries.left_for(alternate)).get(pk=item.meeting_id)
    assert waiting.left == 0, why


def test_who_has_no_vote_there_reads_why(client: Client, table: Table, alternate: User) -> None:
    """Each reason there is of a seat that is missing, where others vote; none for other people."""
    item = table.item()
    day = item.meeting.date
    away(table, table.members[1], alternate, item)
    terms = table.board.memberships
    terms.filter(user=table.members[2]).update(ends_on=day - timedelta(days=1))
    terms.filter(user=table.members[3]).update(starts_on=day + timedelta(days=1))
    table.members[4].groups.clear()
    table.members[4].groups.add(Group.objects.get(name=Role.SUPPORT))
    other = person("Olga Other", Role.CRB_MEMBER)

    def reads(user: User) -> str:
        client.force_login(user)
        page = client.get(f"/board/meetings/{item.meeting_id}/?item={item.pk}").content.decode()
        found = re.search(r"You do not vote here</h3>\s*<p[^>]*>([^<]*)</p>", page)
        return found.group(1) if found else ""

    assert "Alice Alternate votes in your place." in reads(table.members[1])
    assert "ended on" in reads(table.members[2])
    assert "begins on" in reads(table.members[3])
    assert "only while you hold the role" in reads(table.members[4])
    assert reads(other) == "You have no seat on this board."
    assert [reads(user) for user in (table.chair, alternate, table.cast.support)] == [""] * 3
    lifecycle.start_meeting(fresh(item).meeting, actor=table.chair)
    User.objects.filter(pk=alternate.pk).update(is_active=False)
    terms.filter(user=table.members[2]).update(ends_on=None)
    assert "was to vote in your place, no longer can" in reads(table.members[1])
    assert "settled when it began" in reads(table.members[2])
