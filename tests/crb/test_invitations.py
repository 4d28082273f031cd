"""Invitations: a calendar file that other programs read alike, sent to whoever has a seat."""

import re
from datetime import UTC, date, datetime, time, timedelta
from email.message import Message
from typing import Any

import icalendar
import pytest
import time_machine
import vobject
from post_office.models import Email

from accounts.models import User
from accounts.roles import Role
from changes import dispatch
from changes.models import MailFile
from crb import invitations, lifecycle, tasks
from crb.models import Absence, Invitation, Meeting, Membership
from tests.concurrently import at_once
from tests.crb.conftest import Table, new_board, seat
from tests.people import person

SEPTEMBER = datetime(2026, 9, 28, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def sent() -> list[tuple[str, str]]:
    """Who was told what, the first word of the address and the subject without the board."""
    rows = Email.objects.order_by("pk")
    return sorted((row.to[0].split(".")[0], row.subject.partition("] ")[2]) for row in rows)


def forget() -> None:
    MailFile.objects.all().delete()
    Email.objects.all().delete()


def event_in(content: bytes) -> Any:
    [event] = icalendar.Calendar.from_ical(content).walk("VEVENT")
    return event


def files_to(user: User) -> list[bytes]:
    found = MailFile.objects.filter(emails__to=user.email).order_by("pk")
    return [bytes(file.content) for file in found]


def methods_to(user: User) -> list[tuple[str, int]]:
    """Return method and sequence number of every calendar file sent to somebody, in order."""
    calendars = [icalendar.Calendar.from_ical(content) for content in files_to(user)]
    return [(str(one["method"]), one.walk("VEVENT")[0]["sequence"]) for one in calendars]


# The file


def parsed(content: bytes) -> list[datetime]:
    """Begin and end as two independent parsers understand them, after writing it out again."""
    event = event_in(content)
    moments = [event.decoded(name).astimezone(UTC) for name in ("dtstart", "dtend")]
    again = vobject.readOne(vobject.readOne(content.decode()).serialize())
    other = [again.vevent.dtstart.value, again.vevent.dtend.value]
    assert [moment.astimezone(UTC) for moment in other] == moments
    return moments


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Asia/Kolkata"])
def test_two_parsers_read_the_same_moments_across_both_clock_changes(zone: str) -> None:
    board = new_board(zone=zone)
    day = date(2026, 3, 1)
    while day < date(2026, 12, 1):
        meeting = Meeting(pk=1, board=board, date=day, start=time(14), zone=zone, length_minutes=90)
        meeting.set_moment()
        content = invitations.request(meeting, [], SEPTEMBER)
        assert parsed(content) == [meeting.starts_at, meeting.ends_at]
        assert f"DTSTART;TZID={zone}:{day:%Y%m%d}T140000\r\n" in content.decode()
        day += timedelta(days=14)


RULES = {
    "Europe/London": {("DAYLIGHT", "-1SU", 3), ("STANDARD", "-1SU", 10)},
    "America/New_York": {("DAYLIGHT", "2SU", 3), ("STANDARD", "1SU", 11)},
    "Australia/Sydney": {("STANDARD", "1SU", 4), ("DAYLIGHT", "1SU", 10)},
    "Asia/Kolkata": {("STANDARD", "", 0)},
}


def test_the_zone_comes_with_its_rules() -> None:
    board = new_board()
    for zone, rules in RULES.items():
        meeting = Meeting(
            pk=1, board=board, date=date(2026, 9, 29), start=time(14), zone=zone, length_minutes=5
        )
        meeting.set_moment()
        calendar = icalendar.Calendar.from_ical(invitations.request(meeting, [], SEPTEMBER))
        [described] = calendar.walk("VTIMEZONE")
        found = set()
        for part in described.subcomponents:
            rule = part.get("rrule", {})
            days, months = rule.get("BYDAY", [""]), rule.get("BYMONTH", [0])
            found.add((part.name, str(days[0]), int(months[0])))
        assert (described["tzid"], found) == (zone, rules)


def test_a_zone_without_a_yearly_rule_is_described_by_its_dates() -> None:
    meeting = Meeting(
        pk=1,
        board=new_board(),
        date=date(2026, 3, 3),
        start=time(14),
        zone="Africa/Casablanca",
        length_minutes=60,
    )
    meeting.set_moment()
    assert parsed(invitations.request(meeting, [], SEPTEMBER))[0] == meeting.starts_at


def test_the_file_says_who_what_and_where(table: Table) -> None:
    meeting = table.meeting(purpose="A fault at Harbour", kind="extraordinary")
    member = table.cast.crb_member
    event = event_in(invitations.request(meeting, [member], SEPTEMBER))
    address = f"http://testserver/board/meetings/{meeting.pk}/"
    assert str(event["uid"]) == f"board-meeting-{meeting.pk}@expansive.example"
    assert str(event["summary"]) == "Change Request Board: extraordinary meeting"
    assert (str(event["location"]), str(event["url"]), event["status"]) == (
        address,
        address,
        "CONFIRMED",
    )
    assert "A fault at Harbour" in event["description"]
    assert address in event["description"]
    assert event["organizer"] == "mailto:changes@expansive.example"
    attendee = event["attendee"]
    assert attendee == f"mailto:{member.email}"
    assert (attendee.params["RSVP"], attendee.params["CN"]) == ("TRUE", "Max Member")
    assert event.decoded("dtstamp") == SEPTEMBER


def test_odd_names_do_not_break_the_file(table: Table) -> None:
    member = table.cast.crb_member
    member.display_name = 'Zoë "Zed"\r\nATTENDEE:mailto:evil@example.org, Ünal; & Söhne ' + "ü" * 60
    content = invitations.request(table.meeting(), [member], SEPTEMBER)
    assert event_in(content)["attendee"] == f"mailto:{member.email}"
    assert max(len(line) for line in content.split(b"\r\n")) <= 75


# The mail


def parts_of(message: Message, kind: str) -> list[Message]:
    return [part for part in message.walk() if part.get_content_type() == kind]


@time_machine.travel(SEPTEMBER, tick=False)
def test_the_mail_carries_the_invitation_for_calendars_and_as_a_file(
    table: Table, smtp_server: Any
) -> None:
    board = table.board
    Membership.objects.exclude(user=table.cast.crb_member).update(ends_on=date(2026, 1, 1))
    lifecycle.schedule_meetings(board)
    dispatch.deliver_due()
    message = next(m for m in smtp_server.messages if "13 October 2026" in m["Subject"])
    assert message["Subject"] == "[Change Request Board] Meeting on Tue 13 October 2026, 14:00"
    beside_the_text, attached = sorted(
        [*parts_of(message, "text/calendar")], key=lambda part: bool(part.get_filename())
    )
    assert beside_the_text.get_param("method") == "REQUEST"
    assert beside_the_text.get_content_charset() == "utf-8"
    assert attached.get_filename() == "invite.ics"
    contents = [part.get_payload(decode=True) for part in (beside_the_text, attached)]
    for content in contents:
        assert parsed(content)[0] == datetime(2026, 10, 13, 13, tzinfo=UTC)
        assert len(icalendar.Calendar.from_ical(content).walk("VEVENT")) == 1
    text = parts_of(message, "text/plain")[0].get_payload(decode=True).decode()
    assert "Tuesday 13 October 2026, 14:00–15:30 (Europe/London)" in text
    assert "Times are given for Europe/London." in text


@time_machine.travel(SEPTEMBER, tick=False)
def test_another_zone_is_told_in_its_own_time(table: Table) -> None:
    User.objects.filter(pk=table.cast.crb_member.pk).update(time_zone="America/New_York")
    lifecycle.schedule_meetings(table.board)
    row = Email.objects.filter(to=table.cast.crb_member.email).earliest("pk")
    words = "14:00–15:30 (Europe/London); your time: 29 September, 09:00"
    assert words in row.message and words in row.html_message


# Who is told


@time_machine.travel(SEPTEMBER, tick=False)
def test_everybody_with_a_seat_gets_each_meeting_once(table: Table) -> None:
    lifecycle.schedule_meetings(table.board)
    assert Email.objects.count() == 7 * len(table.members)
    assert Invitation.objects.count() == 7 * len(table.members)
    forget()
    for _again in range(2):
        lifecycle.schedule_meetings(table.board)
        lifecycle.send_invitations(table.board)
        tasks.send_invitations()
    assert sent() == []


@time_machine.travel(SEPTEMBER, tick=False)
def test_a_new_member_gets_all_meetings_of_the_term_and_nobody_else_anything(table: Table) -> None:
    lifecycle.schedule_meetings(table.board)
    forget()
    new = person("Nell New", Role.CRB_MEMBER)
    seat(table.board, new, starts_on=date(2026, 11, 11))
    tasks.send_invitations()
    assert sent() == [
        ("nell", "Meeting on Tue 22 December 2026, 14:00"),
        ("nell", "Meeting on Tue 24 November 2026, 14:00"),
        ("nell", "Meeting on Tue 8 December 2026, 14:00"),
    ]
    attendees = event_in(files_to(new)[0])["attendee"]
    assert len(attendees) == 8


@time_machine.travel(SEPTEMBER, tick=False)
def test_whoever_leaves_is_told_of_the_meetings_after_the_term(table: Table) -> None:
    lifecycle.schedule_meetings(table.board)
    forget()
    member = table.cast.crb_member
    Membership.objects.filter(user=member).update(ends_on=date(2026, 12, 1))
    tasks.send_invitations()
    assert sent() == [
        ("max", "No longer invited: meeting on Tue 22 December 2026, 14:00"),
        ("max", "No longer invited: meeting on Tue 8 December 2026, 14:00"),
    ]
    assert methods_to(member) == [("CANCEL", 0)] * 2
    assert event_in(files_to(member)[0])["status"] == "CANCELLED"
    assert event_in(files_to(member)[0])["attendee"] == f"mailto:{member.email}"
    forget()
    tasks.send_invitations()
    assert sent() == []


@time_machine.travel(SEPTEMBER, tick=False)
def test_a_person_without_the_role_any_more_is_taken_off(table: Table) -> None:
    lifecycle.schedule_meetings(table.board)
    forget()
    table.cast.crb_member.groups.clear()
    User.objects.filter(pk=table.members[2].pk).update(is_active=False)
    tasks.send_invitations()
    assert {who for who, _subject in sent()} == {"max"}
    assert not Invitation.objects.filter(user=table.members[2], cancelled_at=None).exists()


@time_machine.travel(SEPTEMBER, tick=False)
def test_an_alternate_is_invited_in_the_members_place_and_back(table: Table) -> None:
    lifecycle.schedule_meetings(table.board)
    forget()
    member, stand_in = table.cast.crb_member, person("Alf Alternate", Role.CRB_MEMBER)
    absence = Absence.objects.create(
        membership=table.board.memberships.get(user=member),
        starts_on=date(2026, 10, 12),
        ends_on=date(2026, 10, 14),
        alternate=stand_in,
    )
    tasks.send_invitations()
    assert sent() == [
        ("alf", "Meeting on Tue 13 October 2026, 14:00"),
        ("max", "No longer invited: meeting on Tue 13 October 2026, 14:00"),
    ]
    assert "You stand in for Max Member" in Email.objects.get(to=stand_in.email).message
    assert "Alf Alternate stands in for you" in Email.objects.get(to=member.email).message
    Absence.objects.filter(pk=absence.pk).update(withdrawn_at=SEPTEMBER)
    with time_machine.travel(SEPTEMBER + timedelta(minutes=1), tick=False):
        tasks.send_invitations()
    assert methods_to(member) == [("CANCEL", 0), ("REQUEST", 0)]
    assert methods_to(stand_in) == [("REQUEST", 0), ("CANCEL", 0)]
    stamps = [event_in(content).decoded("dtstamp") for content in files_to(member)]
    assert stamps[0] < stamps[1], "of the same number calendars follow the newest"


@time_machine.travel(SEPTEMBER, tick=False)
def test_ballots_past_running_and_closed_meetings_are_not_invited_to(table: Table) -> None:
    table.meeting(days=-7)
    table.meeting(days=3, kind="ballot", purpose="Urgent", deadline=SEPTEMBER + timedelta(days=3))
    running = table.meeting(days=0, start=time(18))
    lifecycle.start_meeting(running, actor=table.chair)
    forget()
    lifecycle.send_invitations(table.board)
    assert sent() == []


@time_machine.travel(SEPTEMBER, tick=False)
def test_cancelling_tells_everybody_invited_with_the_reason(table: Table) -> None:
    meeting = lifecycle.schedule_meetings(table.board)[1]
    forget()
    lifecycle.cancel_meeting(meeting, actor=table.chair, reason="Snow.")
    assert {subject for _who, subject in sent()} == {
        "Cancelled: meeting on Tue 13 October 2026, 14:00"
    }
    assert len(sent()) == len(table.members)
    assert methods_to(table.chair) == [("CANCEL", 1)]
    row = Email.objects.get(to=table.cast.crb_member.email)
    assert "> Snow." in row.message and "Snow." in row.html_message
    forget()
    tasks.send_invitations()
    assert sent() == []


@pytest.mark.django_db(transaction=True)
def test_two_passes_at_once_tell_everybody_once(table: Table) -> None:
    for days in (7, 21):
        table.meeting(days=days)
    answers = at_once(*[lambda: lifecycle.send_invitations(table.board)] * 2)
    assert sorted(answers) == [0, 14]
    assert Email.objects.count() == 14


@pytest.mark.django_db(transaction=True)
def test_moving_and_a_pass_at_once_tell_the_same(table: Table) -> None:
    meeting = table.meeting(days=7)
    new = {"date": meeting.date, "start": time(16), "length_minutes": 90, "reason": "Clash."}
    at_once(
        lambda: lifecycle.move_meeting(meeting, actor=table.chair, **new),
        lambda: lifecycle.send_invitations(table.board),
    )
    assert set(Invitation.objects.values_list("sequence", flat=True)) == {1}
    assert methods_to(table.chair)[-1] == ("REQUEST", 1)


def test_signs_that_a_calendar_may_not_hold_are_left_out(table: Table) -> None:
    meeting = table.meeting(kind="extraordinary", purpose="Doors\x0b\x1b\u2028and lifts")
    content = invitations.request(meeting, [table.chair], SEPTEMBER)
    assert not re.search("[\x0b\x1b\u2028]", content.decode())
    assert "Doors" in str(event_in(content)["description"])
