"""Mail of a board that waits for the mail server: it is not sent to who may not read it any more.

Costs 4 s.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from post_office.models import STATUS, Email
from pypdf import PdfReader

from accounts.models import User
from accounts.roles import Role
from crb import lifecycle
from crb.models import Membership
from tests.crb.conftest import Table
from tests.crb.test_attendance import fresh
from tests.mailing import deliver, last_row
from tests.people import person

pytestmark = pytest.mark.django_db


def leaves(who: User, table: Table) -> None:
    User.objects.filter(pk=who.pk).update(is_active=False)


def goes_to_a_customer(who: User, table: Table) -> None:
    User.objects.filter(pk=who.pk).update(organisation=table.cast.meridian)


def loses_all_roles(who: User, table: Table) -> None:
    who.groups.clear()


def agenda(table: Table) -> str:
    item = table.item()
    lifecycle.publish_agenda(item.meeting, actor=table.chair)
    return item.change.title


def invitation(table: Table) -> str:
    table.meeting()
    lifecycle.send_invitations(table.board)
    return ""


def sent_to(who: User, since: int) -> list[str]:
    rows = Email.objects.filter(to=who.email, status=STATUS.sent, pk__gt=since)
    return [row.subject for row in rows.order_by("pk")]


@pytest.mark.parametrize("write", [agenda, invitation])
def test_mail_of_the_board_is_for_those_who_may_read_it_when_it_goes(
    table: Table, settings: Any, write: Callable[[Table], str]
) -> None:
    since = last_row()
    title = write(table)
    ways = dict(zip((leaves, goes_to_a_customer, loses_all_roles), table.members[2:], strict=False))
    for how, gone in ways.items():
        waits = Email.objects.filter(to=gone.email, message__contains=title, pk__gt=since)
        assert waits.exists(), how
        how(gone, table)
    deliver()
    assert {how: sent_to(gone, since) for how, gone in ways.items()} == dict.fromkeys(ways, [])
    assert sent_to(table.members[5], since)


def test_a_cancellation_still_reaches_who_holds_no_role_any_more(table: Table) -> None:
    """It takes the meeting out of their calendar, and says no more than that."""
    table.meeting()
    lifecycle.send_invitations(table.board)
    deliver()
    since, gone = last_row(), table.members[2]
    gone.groups.clear()
    lifecycle.send_invitations(table.board)
    deliver()
    (subject,) = sent_to(gone, since)
    assert "Change Request Board" in subject


def test_who_lost_the_seat_alone_reads_what_was_written_for_them(table: Table) -> None:
    since, _title = last_row(), agenda(table)
    Membership.objects.filter(user=table.members[2]).update(ends_on=table.board.today)
    deliver()
    assert sent_to(table.members[2], since)


def test_minutes_that_wait_hold_no_single_vote_for_who_sees_none_any_more(table: Table) -> None:
    """Whoever was taken from the board, and works on as support, reads what others read."""
    table.meeting(days=0)
    item = table.running_item()
    table.decide(item, "accepted")
    lifecycle.close_meeting(fresh(item.meeting), actor=table.chair)
    since, gone, stays = last_row(), table.members[2], table.members[3]
    lifecycle.publish_minutes(fresh(item.meeting), actor=table.chair)
    gone.groups.set(Group.objects.filter(name=Role.SUPPORT))
    deliver()
    shown = {}
    for who in (gone, stays):
        (row,) = Email.objects.filter(to=who.email, status=STATUS.sent, pk__gt=since)
        (file,) = row.files.all()
        pages = PdfReader(BytesIO(bytes(file.content))).pages
        text = " ".join(page.extract_text() for page in pages)
        assert "Quorum met (4 of 7)" in text
        shown[who] = "With the members' votes" in text
    assert shown == {gone: False, stays: True}


def test_mail_without_a_change_is_not_for_who_has_left(table: Table) -> None:
    other = person("Anna Admin", Role.ADMINISTRATOR)
    since = last_row()
    table.meeting()
    User.objects.filter(pk__in=[one.pk for one in table.members[2:]]).update(is_active=False)
    lifecycle.tell_of_missing_quorum(table.board)
    leaves(other, table)
    deliver()
    assert sent_to(other, since) == []
    assert sent_to(table.cast.administrator, since)
