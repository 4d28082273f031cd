"""A change that waits for the board: card, worklist and permission name those who can decide.

Costs 5 s: a board of seven, in every phase of its meeting.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from accounts.standing import know_standing
from changes import lifecycle as change_lifecycle
from changes import permissions, queries
from changes.models import Change
from changes.turns import TURNS, next_step
from crb import lifecycle
from crb.models import Absence, AgendaItem, Board, Membership
from tests.crb.conftest import Table, new_board, seat
from tests.people import person
from tests.turns import by_worklist

pytestmark = pytest.mark.django_db


def holders() -> list[User]:
    found = list(User.objects.filter(groups__name=Role.CRB_MEMBER, is_active=True))
    know_standing(found)
    return found


def whose_turn(change: Change) -> set[User]:
    """Whose turn it is to vote, alike on the card, on worklists, and as permissions have it."""
    loaded = queries.with_story(Change.objects.filter(pk=change.pk)).get()
    who = next_step(loaded).who
    assert who is not None
    named = set(who.members())
    people = holders()
    listed = {one for one in people if change.pk in waiting_on(one)}
    assert named == listed, (named, listed)
    seated = set(who.asked_for())
    assert named <= seated
    for one in people:
        allowed = bool(permissions.can_record_board_outcome(one, loaded))
        assert allowed is (one in seated), one
    return named


def waiting_on(who: User) -> set[int]:
    """Which changes a person's worklist says wait for them."""
    return {pk for pk, number in by_worklist(who) if TURNS[number].is_listed}


def waits_for(who: User) -> set[int]:
    """On which changes the database says that a person is to vote."""
    return {pk for pk, number in by_worklist(who) if TURNS[number].verb == "record_board_outcome"}


def card(client: Client, change: Change) -> str:
    """The card on the page of a change, as support reads it."""
    page = unescape(client.get(change.get_absolute_url()).content.decode())
    return page.partition('id="next-title"')[2].partition("</section>")[0]


def stranger() -> User:
    """A member of another board, which decides for nobody of ours."""
    other = person("Otto Other", Role.CRB_MEMBER)
    seat(new_board(name="Another"), other)
    return other


def leaves(who: User) -> None:
    User.objects.filter(pk=who.pk).update(is_active=False)


def waiting(table: Table) -> tuple[Change, set[User]]:
    return table.change(), set(table.members)


def asked_by_a_member(table: Table) -> tuple[Change, set[User]]:
    change = table.change()
    Change.objects.filter(pk=change.pk).update(raised_by=table.members[2])
    return change, {*table.members} - {table.members[2]}


def one_away(table: Table) -> tuple[Change, set[User]]:
    """Today one is away and somebody stands in."""
    alternate = person("Al Ternate", Role.CRB_MEMBER)
    own = Membership.objects.get(user=table.members[1])
    days = {"starts_on": table.board.today, "ends_on": table.board.today}
    lifecycle.record_absence(own, actor=own.user, alternate=alternate, **days)
    return table.change(), {*table.members, alternate} - {own.user}


def over(table: Table) -> tuple[Change, set[User]]:
    """The term of one is over."""
    Membership.objects.filter(user=table.members[3]).update(
        ends_on=table.board.today - timedelta(days=1)
    )
    return table.change(), {*table.members} - {table.members[3]}


def on_the_agenda(table: Table) -> tuple[Change, set[User]]:
    item = table.item()
    table.vote(item, "accepted", "recuse", "abstain")
    return item.change, set(table.members[3:])


def running(table: Table) -> tuple[Change, set[User]]:
    """A meeting has begun: who is named a member since has no seat there, and who left votes not.

    A term that ends during the meeting ends nothing there.
    """
    item = table.running_item()
    seat(table.board, person("Nina New", Role.CRB_MEMBER))
    leaves(table.members[2])
    Membership.objects.filter(user=table.members[3]).update(
        ends_on=item.meeting.date - timedelta(days=1)
    )
    table.vote(item, "accepted")
    return item.change, {*table.members[1:]} - {table.members[2]}


def running_for_one_aside(table: Table) -> tuple[Change, set[User]]:
    """Whoever stood in when the meeting began stands aside with the member, back or not."""
    item, alternate = table.item(), person("Al Ternate", Role.CRB_MEMBER)
    own = Membership.objects.get(user=table.members[1])
    days = {"starts_on": item.meeting.date, "ends_on": item.meeting.date}
    lifecycle.record_absence(own, actor=own.user, alternate=alternate, **days)
    lifecycle.start_meeting(item.meeting, actor=table.chair)
    own.absences.update(withdrawn_at=timezone.now())
    Change.objects.filter(pk=item.change_id).update(raised_by=own.user)
    return item.change, {*table.members} - {own.user}


def running_without_one_who_left(table: Table) -> tuple[Change, set[User]]:
    """Who is marked as gone is not waited for; who says that they are back is, again."""
    item = table.running_item()
    for who in table.members[1:3]:
        lifecycle.mark_attendance(item.meeting, actor=table.chair, user=who, mark="left")
    lifecycle.join_meeting(item.meeting, actor=table.members[2])
    return item.change, {*table.members} - {table.members[1]}


def all_voted(table: Table) -> tuple[Change, set[User]]:
    item = table.running_item()
    table.vote(item, *["accepted"] * 7)
    return item.change, set()


def moved_to_another_board(table: Table) -> tuple[Change, set[User]]:
    """The customer has a board of their own now, and nothing is on an agenda yet."""
    change = table.change()
    own = new_board(name="Their own")
    own.organisations.add(table.cast.harbour)
    member = person("Owen Own", Role.CRB_MEMBER)
    seat(own, member)
    return change, {member}


def without_a_board(table: Table) -> tuple[Change, set[User]]:
    change = table.change()
    Board.objects.update(is_active=False)
    return change, set()


@pytest.mark.parametrize(
    "phase",
    [
        waiting,
        asked_by_a_member,
        one_away,
        over,
        on_the_agenda,
        running,
        running_for_one_aside,
        running_without_one_who_left,
        all_voted,
        moved_to_another_board,
    ],
)
def test_those_with_a_seat_where_it_is_decided_are_named(
    table: Table, phase: Callable[[Table], tuple[Change, set[User]]]
) -> None:
    other = stranger()
    change, expected = phase(table)
    named = whose_turn(change)
    assert named == expected
    assert other not in named


def test_card_and_worklist_agree_whatever_becomes_of_boards_and_members(table: Table) -> None:
    """At random: two boards, a meeting that has begun, one to come, a ballot, and no agenda."""
    dice = random.Random(7)
    other = new_board(name="Another")
    for who in table.members[2:5]:
        seat(other, who)
    items = [table.item("First"), table.running_item("Second")]
    changes = [one.change for one in items]
    ballot = table.change("Third")
    deadline = timezone.now() + timedelta(days=3)
    lifecycle.open_ballot(
        table.board, actor=table.chair, changes=[ballot], deadline=deadline, reason="Urgent."
    )
    table.meeting(days=3)
    changes += [ballot, table.item("Fourth").change, table.change("Fifth")]
    today = table.board.today
    for _throw in range(5):
        with transaction.atomic():
            for who in dice.sample(table.members, 5):
                term = Membership.objects.get(user=who, board=table.board)
                change = dice.choice(changes)
                match dice.choice("leaves role away alone term asked voted recused board".split()):
                    case "leaves":
                        leaves(who)
                    case "role":
                        who.groups.clear()
                    case "away":
                        alternate = dice.choice(table.members)
                        if alternate == who or dice.random() < 0.5:
                            alternate = person(f"Al {who}", Role.CRB_MEMBER)
                        end = today + timedelta(days=dice.choice([0, 2, 30]))
                        term.absences.create(starts_on=today, ends_on=end, alternate=alternate)
                    case "alone":
                        term.absences.create(starts_on=today, ends_on=today + timedelta(days=9))
                    case "term":
                        days = dice.choice([-1, 0, 2, 5])
                        Membership.objects.filter(pk=term.pk).update(
                            ends_on=today + timedelta(days=days)
                        )
                    case "asked":
                        Change.objects.filter(pk=change.pk).update(raised_by=who)
                    case "voted" | "recused" as how:
                        item = AgendaItem.objects.filter(change=change, state="open").first()
                        if item is not None:
                            choice = "abstain" if how == "voted" else "recuse"
                            item.votes.create(
                                member=who, choice=choice, revision=1, reason="My own."
                            )
                    case "board":
                        other.organisations.add(table.cast.harbour)
            listed = {one.pk: waits_for(one) for one in holders()}
            for loaded in queries.with_story(Change.objects.filter(state="board")):
                step = next_step(loaded).who
                assert step is not None
                named = {one.pk for one in step.members()}
                asked = {pk for pk, waiting in listed.items() if loaded.pk in waiting}
                assert named == asked, loaded.title
            transaction.set_rollback(True)


def test_a_ballot_waits_for_votes_until_its_deadline(table: Table) -> None:
    change, deadline = table.change(), timezone.now() + timedelta(days=3)
    lifecycle.open_ballot(
        table.board, actor=table.chair, changes=[change], deadline=deadline, reason="Urgent."
    )
    seat(table.board, person("Nina New", Role.CRB_MEMBER))
    table.vote(AgendaItem.objects.get(change=change), "accepted")
    assert len(whose_turn(change)) == 7
    with time_machine.travel(deadline, tick=False):
        assert whose_turn(change) == set()


def test_an_edit_asks_again(table: Table) -> None:
    item = table.running_item()
    table.vote(item, "accepted")
    change_lifecycle.edit(
        Change.objects.get(pk=item.change_id), actor=table.cast.requester, description="At night."
    )
    assert table.chair in whose_turn(item.change)


def test_the_card_names_them_and_says_why_nobody_is_left(table: Table, client: Client) -> None:
    other, change = stranger(), table.change()
    client.force_login(table.cast.support)
    said = card(client, change)
    assert str(table.chair) in said and str(other) not in said
    item = table.running_item()
    table.vote(item, *["accepted"] * 7)
    said = card(client, item.change)
    assert "Nobody is left to vote" in said and "next-nobody" not in said


def test_who_is_marked_as_away_is_awaited_no_more_until_back(table: Table, client: Client) -> None:
    """An alternate, the chair and others; with too few left the card does not say it is decided."""
    seat_away = table.members[3]
    alternate = person("Al Alternate", Role.CRB_MEMBER)
    day = table.board.today
    term = Membership.objects.get(user=seat_away)
    Absence.objects.create(
        membership=term, starts_on=day, ends_on=day + timedelta(days=60), alternate=alternate
    )
    item = table.running_item()
    there = [one for one in table.members if one != seat_away] + [alternate]
    assert whose_turn(item.change) == set(there)
    left: set[User] = set()
    for one in (alternate, table.chair, table.members[1]):
        lifecycle.mark_attendance(item.meeting, actor=table.deputy, user=one, mark="left")
        left.add(one)
        assert whose_turn(item.change) == set(there) - left
    lifecycle.join_meeting(item.meeting, actor=alternate)
    assert alternate in whose_turn(item.change)
    for one in there:
        lifecycle.mark_attendance(item.meeting, actor=table.deputy, user=one, mark="excused")
    assert whose_turn(item.change) == set()
    client.force_login(table.cast.support)
    said = card(client, item.change)
    assert "too few have" in said and "Nobody is left to vote" not in said
    assert "next-nobody" not in said


def test_the_card_says_what_keeps_the_board_from_deciding(table: Table, client: Client) -> None:
    client.force_login(table.cast.support)
    change, _nobody = without_a_board(table)
    assert "No board decides for this customer" in card(client, change)
    Board.objects.update(is_active=True)
    for one in table.members:
        leaves(one)
    assert "Nobody with a seat on the board can vote" in card(client, change)
    User.objects.filter(pk=table.chair.pk).update(is_active=True)
    Change.objects.filter(pk=change.pk).update(raised_by=table.chair)
    assert "Every member of the board stands aside" in card(client, change)


def test_who_has_no_seat_reads_why_the_board_is_not_theirs(table: Table, client: Client) -> None:
    change = table.change()
    client.force_login(stranger())
    assert "for those with a seat on the board that decides" in card(client, change)


def test_naming_them_costs_the_same_whatever_the_board(
    table: Table, django_assert_num_queries: Any
) -> None:
    for _number in range(2):
        item = table.item()
        change = queries.with_story(Change.objects.filter(pk=item.change_id)).get()
        step = next_step(change)
        with django_assert_num_queries(5):
            assert step.who and len(step.who.members()) == 7
