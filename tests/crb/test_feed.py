"""A person's own calendar: a secret address that only its owner's calendar program knows."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import icalendar
import pytest
import time_machine
import vobject
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from changes.views import secret_address
from crb import lifecycle, queries
from crb.models import Absence, CalendarFeed, Meeting, Membership
from tests.concurrently import at_once
from tests.crb.conftest import Table, new_board, seat
from tests.people import person
from tests.test_setup_middleware import on_the_wire

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 28, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def a_monday_in_september() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def make(client: Client, user: User) -> str:
    """Make an address as its owner does and return its path, as the page shows it."""
    client.force_login(user)
    answer = client.post("/board/calendar/address/")
    assert answer.status_code == 200
    found = re.search(r'value="http://testserver(/board/feed/[^"]+\.ics)"', answer.content.decode())
    assert found is not None
    return found[1]


def events(client: Client, address: str) -> dict[str, str]:
    """Return the day and status of each meeting in a feed."""
    answer = client.get(address)
    assert answer.status_code == 200
    calendar = icalendar.Calendar.from_ical(answer.content)
    return {
        f"{event.decoded('dtstart'):%Y-%m-%d %H:%M}": str(event["status"])
        for event in calendar.walk("VEVENT")
    }


def test_a_program_may_ask_for_the_headers_alone(client: Client, table: Table) -> None:
    table.meeting()
    address = make(client, table.cast.crb_member)
    status, headers, body = on_the_wire("HEAD", address)
    assert (status, body) == ("200 OK", b"")
    assert headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert int(headers["Content-Length"]) > 100


def test_the_feed_has_ones_meetings_of_the_last_months_and_all_to_come(
    client: Client, table: Table
) -> None:
    table.meeting(days=-100)
    for days in (-80, -20, 7, 300):
        table.meeting(days=days)
    cancelled = table.meeting(days=21)
    lifecycle.cancel_meeting(cancelled, actor=table.chair, reason="Snow.")
    table.meeting(days=9, kind="ballot", purpose="Urgent", deadline=NOW)
    other = new_board(name="Second board")
    Meeting.objects.create(
        board=other, date=date(2026, 10, 1), start=time(9), zone="Europe/London", length_minutes=5
    )
    address = make(client, table.cast.crb_member)
    assert events(Client(), address) == {
        "2026-07-10 14:00": "CONFIRMED",
        "2026-09-08 14:00": "CONFIRMED",
        "2026-10-05 14:00": "CONFIRMED",
        "2026-10-19 14:00": "CANCELLED",
        "2027-07-25 14:00": "CONFIRMED",
    }


def test_a_year_of_meetings_is_read_alike_by_two_parsers(client: Client, table: Table) -> None:
    for weeks in range(0, 52, 2):
        table.meeting(days=7 * weeks + 1)
    answer = client.get(make(client, table.cast.crb_member))
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    calendar = icalendar.Calendar.from_ical(answer.content)
    assert (calendar["method"], str(calendar["x-wr-calname"])) == (
        "PUBLISH",
        "Change Request Board",
    )
    first = {
        str(event["uid"]): event.decoded("dtstart").astimezone(UTC)
        for event in calendar.walk("VEVENT")
    }
    again = vobject.readOne(answer.content.decode())
    second = {event.uid.value: event.dtstart.value.astimezone(UTC) for event in again.vevent_list}
    stored = Meeting.objects.values_list("starts_at", flat=True)
    assert first == second
    assert sorted(first.values()) == sorted(stored)
    assert len(first) == 26


def test_the_address_needs_no_session_and_is_kept_by_nobody(client: Client, table: Table) -> None:
    table.meeting()
    address = make(client, table.cast.crb_member)
    stranger = Client()
    answer = stranger.get(address)
    assert answer["Cache-Control"] == "no-store, private"
    assert "noindex" in answer["X-Robots-Tag"]
    assert not answer.cookies
    head = stranger.head(address)
    assert (head.status_code, head.content) == (200, b"")
    assert stranger.post(address).status_code == 405


def test_only_a_hash_is_stored_and_the_address_is_shown_once(client: Client, table: Table) -> None:
    address = make(client, table.cast.crb_member)
    token = address.rpartition("/")[2].removesuffix(".ics")
    assert len(token) >= 43
    assert token not in CalendarFeed.objects.get().token_hash
    assert token not in client.get("/board/calendar/").content.decode()


def test_a_new_address_replaces_the_old_one(client: Client, table: Table) -> None:
    old, new = make(client, table.cast.crb_member), make(client, table.cast.crb_member)
    assert (Client().get(old).status_code, Client().get(new).status_code) == (404, 200)


def test_a_revoked_address_no_longer_works(client: Client, table: Table) -> None:
    address = make(client, table.cast.crb_member)
    for _again in range(2):
        assert client.post("/board/calendar/address/revoke/").status_code == 302
    assert Client().get(address).status_code == 404
    assert "Make my calendar address" in client.get("/board/calendar/").content.decode()


def test_every_address_that_does_not_work_answers_the_same(client: Client, table: Table) -> None:
    members = table.members[1:4]
    revoked, inactive, former = [make(client, member) for member in members]
    lifecycle.revoke_feed(actor=members[0])
    User.objects.filter(pk=members[1].pk).update(is_active=False)
    members[2].groups.clear()
    addresses = [revoked, inactive, former, "/board/feed/guess.ics", f"/board/feed/{'x' * 500}.ics"]
    answers = [Client().get(address) for address in addresses]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (404, b"There is no calendar at this address.")
    }


def test_an_address_made_after_the_role_came_back_works_by_any_clock(
    client: Client, table: Table
) -> None:
    """The clock was ahead when the role was lost and given again, and was put right since."""
    member = User.objects.get(pk=table.members[1].pk)
    for when, roles in ((5, []), (6, Group.objects.filter(name=Role.CRB_MEMBER))):
        with time_machine.travel(NOW + timedelta(hours=when), tick=False):
            member.groups.set(roles)
    assert client.get(make(client, member)).status_code == 200


LATER, SET_BACK = (1, 2), (-48, -47)
"""When a role is lost and given again, in hours from now; the second by a clock set back."""


def test_an_address_does_not_come_back_with_the_role(client: Client, table: Table) -> None:
    ways = [(lose, hours) for lose in ("role", "activity") for hours in (LATER, SET_BACK)]
    for member, (lose, hours) in zip(table.members[1:5], ways, strict=True):
        does_not_come_back(client, User.objects.get(pk=member.pk), lose, hours)


def does_not_come_back(client: Client, member: User, lose: str, hours: tuple[int, int]) -> None:
    address = make(client, member)
    for when, there in zip(hours, (False, True), strict=True):
        with time_machine.travel(NOW + timedelta(hours=when), tick=False):
            if lose == "role":
                member.groups.set(Group.objects.filter(name=Role.CRB_MEMBER) if there else [])
            else:
                member.is_active = there
                member.save()
            assert Client().get(address).status_code == 404, (lose, hours)
    with time_machine.travel(NOW + timedelta(hours=3), tick=False):
        again = make(client, User.objects.get(pk=member.pk))
        assert Client().get(again).status_code == 200, (lose, hours)


def test_guessing_is_refused_for_a_while_and_hinders_nobody(client: Client, table: Table) -> None:
    address = make(client, table.cast.crb_member)
    stranger = Client()
    for number in range(secret_address.FAILURES_ALLOWED):
        assert stranger.get(f"/board/feed/guess-{number}.ics").status_code == 404
    assert stranger.get("/board/feed/one-more.ics").status_code == 429
    assert stranger.get(address).status_code == 200, "a neighbour's program goes on reading"
    assert stranger.get("/board/feed/x.ics", REMOTE_ADDR="192.0.2.7").status_code == 404
    later = NOW + timedelta(seconds=secret_address.FAILURES_SECONDS + 1)
    with time_machine.travel(later):
        assert stranger.get("/board/feed/one-more.ics").status_code == 404


def test_the_page_says_when_it_was_last_read(client: Client, table: Table) -> None:
    address = make(client, table.cast.crb_member)
    assert "not yet" in client.get("/board/calendar/").content.decode()
    Client().get(address)
    assert CalendarFeed.objects.get().last_read_at == NOW
    assert "not yet" not in client.get("/board/calendar/").content.decode()


def test_others_get_no_address_and_customers_no_calendar(client: Client, table: Table) -> None:
    for part in ("support", "auditor", "administrator"):
        client.force_login(getattr(table.cast, part))
        page = client.get("/board/calendar/")
        assert (page.status_code, b"Make my calendar address" in page.content) == (200, False), part
        assert client.post("/board/calendar/address/").status_code == 403, part
        assert not CalendarFeed.objects.exists(), part
    for part in ("requester", "nobody"):
        client.force_login(getattr(table.cast, part))
        assert client.get("/board/calendar/").status_code == 404, part
        for step in ("address", "address/revoke"):
            assert client.post(f"/board/calendar/{step}/").status_code == 404, (part, step)


def test_get_makes_and_revokes_nothing(client: Client, table: Table) -> None:
    address = make(client, table.cast.crb_member)
    assert client.get("/board/calendar/address/")["Location"] == "/board/calendar/"
    assert client.get("/board/calendar/address/revoke/").status_code == 405
    assert client.get(address).status_code == 200


def test_reading_costs_few_queries(
    client: Client, table: Table, django_assert_num_queries: Any
) -> None:
    address = make(client, table.cast.crb_member)
    stranger = Client()
    for count in (1, 3):
        while table.board.meetings.count() < count:
            table.meeting(days=7 * table.board.meetings.count() + 7)
        stranger.get(address)
        with django_assert_num_queries(3):
            assert len(events(stranger, address)) == count


def test_ones_meetings_are_those_with_a_seat(table: Table) -> None:
    """The query of the feed agrees with the seats of every meeting, for everybody."""
    people = [*table.members, person("Alf Alternate", Role.CRB_MEMBER), table.cast.support]
    members = table.members
    Membership.objects.filter(user=members[2]).update(ends_on=date(2026, 10, 12))
    Membership.objects.filter(user=members[3]).update(starts_on=date(2026, 10, 12))
    seat(new_board(name="Second board"), members[4])
    stand_ins = {1: people[7], 5: people[8], 2: people[7]}
    for number, stand_in in stand_ins.items():
        Absence.objects.create(
            membership=table.board.memberships.get(user=members[number]),
            starts_on=date(2026, 10, 6 + 2 * number),
            ends_on=date(2026, 10, 10 + 2 * number),
            alternate=stand_in,
            withdrawn_at=None,
        )
    meetings = [table.meeting(days=days) for days in range(5, 30)]
    for user in people:
        expected = [one.pk for one in meetings if one.seat_of(user)]
        if user.has_role(Role.CRB_MEMBER):
            found = queries.meetings_of(user, date(2026, 1, 1))
            assert [one.pk for one in found] == expected, user


@pytest.mark.django_db(transaction=True)
def test_two_addresses_made_at_once_leave_one(table: Table) -> None:
    tokens = at_once(*[lambda: lifecycle.make_feed(actor=table.cast.crb_member)] * 2)
    works = [Client().get(f"/board/feed/{token}.ics").status_code for token in tokens]
    assert sorted(works) == [200, 404]
