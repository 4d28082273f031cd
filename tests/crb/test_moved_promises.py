"""A promise that is moved, or planned beyond: who leads the board is told, or moves it.

4 s of processor time.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from changes import lifecycle as change_lifecycle
from changes.models import Change, Release
from crb.promised import board_of, led_by
from tests.crb.conftest import Table
from tests.crb.test_correct_decision import decided
from tests.mailing import last_row, mail_to, worded

pytestmark = pytest.mark.django_db
WHY = "Otters ate the cable of the lab."


def late_release(days: int = 500) -> Release:
    planned = timezone.localdate() + timedelta(days=days)
    return Release.objects.create(name=f"late {days}", planned_on=planned)


def test_the_chair_of_today_is_told_of_what_is_planned_beyond(table: Table) -> None:
    change = Change.objects.get(pk=decided(table, "accepted").change_id)
    manager, since = table.cast.release_manager, last_row()
    assert (board_of(change), led_by(change)) == (table.board, [table.chair])
    chosen = {"actor": manager, "reason": WHY}
    change = change_lifecycle.assign_release(change, release=late_release(), **chosen)
    mail = mail_to(table.chair.email)
    assert mail.pk > since and WHY in mail.message and "you lead the board" in mail.message
    assert not worded(pk__gt=since, to=table.deputy.email).exists()
    since = last_row()
    change = change_lifecycle.assign_release(change, release=late_release(501), **chosen)
    table.board.memberships.filter(user=table.chair).update(is_chair=False)
    assert led_by(change) == [table.deputy], "who stands in"
    sent = worded(pk__gt=since, to=table.chair.email).exclude(expires_at__isnull=False)
    assert not sent.exists(), "who no longer leads it"
