"""Mail of a board that waits for the mail server: it is not sent to who may not read it any more.

Costs 2 s.
"""

from collections.abc import Callable
from typing import Any

import pytest
from post_office.models import STATUS, Email

from accounts.models import User
from accounts.roles import Role
from crb import lifecycle
from crb.models import Membership
from tests.crb.conftest import Table
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
@pytest.mark.parametrize("how", [leaves, goes_to_a_customer, loses_all_roles])
def test_mail_of_the_board_is_for_those_who_may_read_it_when_it_goes(
    table: Table, settings: Any, how: Callable[[User, Table], None], write: Callable[[Table], str]
) -> None:
    since = last_row()
    title = write(table)
    gone, stays = table.members[2], table.members[3]
    assert Email.objects.filter(to=gone.email, message__contains=title, pk__gt=since).exists()
    how(gone, table)
    deliver()
    assert sent_to(gone, since) == []
    assert sent_to(stays, since)


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
