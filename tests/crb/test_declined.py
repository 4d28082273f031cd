"""A member's calendar declines a meeting: they are asked whether they are away, and no more."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import User
from changes.models import IncomingMail
from crb import lifecycle
from crb.declined import CALENDAR
from crb.invitations import uid_of
from crb.models import Absence, BoardEvent, Invitation, Meeting
from tests.crb.conftest import Table
from tests.letters import answer

pytestmark = pytest.mark.django_db
Outcome = IncomingMail.Outcome


@pytest.fixture
def invited(table: Table) -> Meeting:
    """The next meeting, to which every member is invited."""
    meeting = table.meeting()
    lifecycle.send_invitations(table.board)
    return meeting


def decline(sender: User, uid: str, words: str = "") -> IncomingMail:
    return answer(sender.email, "DECLINED", words, uid)


def home(who: User) -> str:
    client = Client()
    client.force_login(who)
    return client.get("/", follow=True).content.decode()


def test_the_member_alone_is_asked_and_records_it(table: Table, invited: Meeting) -> None:
    mail = decline(table.cast.crb_member, uid_of(invited))
    assert mail.outcome == Outcome.IGNORED, "there is nothing in it for support to do"
    assert not Absence.objects.exists(), "an address proves nothing"
    event = BoardEvent.objects.get(verb="note_decline")
    assert (event.meeting, event.actor, event.reason) == (
        invited,
        None,
        str(table.cast.crb_member),
    )
    assert "Your calendar declined" not in home(table.chair)
    page = home(table.cast.crb_member)
    assert "Your calendar declined" in page
    address = f"/board/{table.board.pk}/absences/record/?day={invited.date}"
    assert address in page
    client = Client()
    client.force_login(table.cast.crb_member)
    form = client.get(address).content.decode()
    assert form.count(f'value="{invited.date.isoformat()}"') == 2

    term = table.cast.crb_member.board_memberships.get()
    days = {"starts_on": invited.date, "ends_on": invited.date}
    lifecycle.record_absence(term, actor=table.cast.crb_member, alternate=None, reason="", **days)
    assert "Your calendar declined" not in home(table.cast.crb_member)


def test_words_of_their_own_wait_for_a_person_besides(table: Table, invited: Meeting) -> None:
    mail = decline(table.cast.crb_member, uid_of(invited), "Please move CR-000042 to January.")
    assert mail.outcome == Outcome.TRIAGE
    assert "Please move CR-000042" in mail.body
    assert "Your calendar declined" in home(table.cast.crb_member)


def test_what_is_no_meeting_of_theirs_is_read_by_a_person(table: Table, invited: Meeting) -> None:
    uid, member = uid_of(invited), table.cast.crb_member
    for kind, (who, of) in {
        "nonsense": (member, "board-meeting-x@expansive.example"),
        "elsewhere": (member, uid.split("@")[0] + "@evil.example"),
        "1 MB": (member, "board-meeting-" + "9" * 1_000_000),
        "not invited": (table.cast.developer, uid),
        "cancelled": (member, uid),
    }.items():
        with transaction.atomic():  # the same mail again would be a duplicate
            if kind == "cancelled":
                lifecycle.cancel_meeting(invited, actor=table.chair, reason="Everybody is ill.")
            assert decline(who, of).outcome == Outcome.TRIAGE, kind
            assert not Invitation.objects.exclude(declined_at=None).exists(), kind
            transaction.set_rollback(True)


def test_a_day_that_is_none_is_left_out(client: Client, table: Table) -> None:
    client.force_login(table.cast.crb_member)
    address = f"/board/{table.board.pk}/absences/record/"
    for day in ("", "yesterday", "2026-02-30", "0" * 5000):
        assert client.get(address, {"day": day}).status_code == 200, day


def test_who_declined_by_mistake_says_that_they_come(table: Table, invited: Meeting) -> None:
    member, uid = table.cast.crb_member, uid_of(invited)
    decline(member, uid)
    CALENDAR.note(table.chair, uid)
    client = Client()
    client.force_login(member)
    address = f"/board/meetings/{invited.pk}/attend/"
    assert "I will be there" in home(member) and address in home(member)
    assert client.get(address).status_code == 405
    said = client.post(address, follow=True).content.decode()
    assert "You are expected at" in said and "Your calendar declined" not in said
    assert "You are expected at" not in client.post(address, follow=True).content.decode()
    row = invited.history.latest("history_id")
    assert (row.history_user, row.history_change_reason) == (
        member,
        "will be there, though their calendar declined",
    )
    assert "Your calendar declined" in home(table.chair), "nobody answers for another"
    CALENDAR.note(member, uid)
    assert "Your calendar declined" in home(member)


def test_who_declined_is_not_asked_about_the_day_that_a_meeting_was_moved_to(
    table: Table, invited: Meeting
) -> None:
    member = table.cast.crb_member
    decline(member, uid_of(invited))
    lifecycle.move_meeting(
        invited,
        actor=table.chair,
        date=invited.date + timedelta(days=1),
        start=invited.start,
        length_minutes=invited.length_minutes,
        reason="The room is taken.",
        on_day_off=True,
    )
    assert "Your calendar declined" not in home(member), "the new invitation replaces the old one"
    CALENDAR.note(member, uid_of(invited))
    assert "Your calendar declined" in home(member)
