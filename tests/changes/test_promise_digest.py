"""Whoever looks after promises at risk or broken reads of them once a week, others do not.

2 s of processor time.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone
from post_office.models import Email

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle, promise_digest, tasks
from changes.models import Change
from tests import stories
from tests.mailing import last_row, worded
from tests.people import Cast

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate


def promised(cast: Cast, days: int, owner: User | None = None) -> Change:
    """A change in its requirements, promised for so many days from now."""
    change = stories.in_requirements(cast)
    if owner:
        lifecycle.assign(change, actor=cast.success, owner=owner)
    Change.objects.filter(pk=change.pk).update(due_on=TODAY() + timedelta(days=days))
    return Change.objects.get(pk=change.pk)


def mails(since: int) -> dict[str, Email]:
    """Look at everybody's promises, and return the summaries that go out."""
    tasks.send_promise_digests()
    rows = worded(pk__gt=since).filter(expires_at=None)
    return {one.to[0]: one for one in rows if promise_digest.is_one(one)}


def test_a_week_begins_on_monday_at_eight_where_somebody_is(cast: Cast) -> None:
    zone = ZoneInfo("Europe/London")
    for moment, monday in (
        (datetime(2026, 3, 29, 8, 30, tzinfo=zone), 23),  # the clocks have changed that night
        (datetime(2026, 3, 30, 7, 59, tzinfo=zone), 23),
        (datetime(2026, 3, 30, 8, 0, tzinfo=zone), 30),
    ):
        found = promise_digest.last_monday(cast.success, moment)
        assert (found.day, found.hour, found.tzinfo) == (monday, 8, zone)


def test_owners_and_teams_read_once_a_week_what_is_at_risk_or_broken(cast: Cast) -> None:
    team = User.objects.filter(success_teams=cast.care_team, groups__name=Role.CUSTOMER_SUCCESS)
    assert cast.success in team
    broken = promised(cast, -3, owner=cast.developer)
    risky, fine = promised(cast, 20), promised(cast, 300)
    assert mails(last_row()) == {}, "of who was never looked at nothing is told before Monday"
    with time_machine.travel(timezone.now() + timedelta(days=3000)):
        tasks.send_promise_digests()  # by a clock that is then set right
        Email.objects.update(expires_at=timezone.now())
    with time_machine.travel(timezone.now() + timedelta(days=7)):
        since = last_row()
        found = mails(since)
        assert mails(last_row()) == {}, "once"
        assert found.keys() == {cast.developer.email, *team.values_list("email", flat=True)}
        theirs, ours = found[cast.developer.email], found[cast.success.email]
        assert "1 promise is broken" in theirs.subject and "at risk" not in theirs.subject
        for body in (theirs.message, theirs.html_message):
            assert broken.reference in body and risky.reference not in body
            assert "?standing=broken" in body
        assert "1 promise is at risk" in ours.subject and risky.reference in ours.message
        assert "It is not in development yet." in ours.message
        assert not {broken.reference, fine.reference} & set(ours.message.split())


def test_who_left_muted_or_wants_only_what_needs_them_or_lost_it_reads_nothing(cast: Cast) -> None:
    change = promised(cast, -3, owner=cast.developer)
    promised(cast, 20, owner=cast.tester)
    promised(cast, 20, owner=cast.release_manager)
    promised(cast, 20, owner=cast.administrator)
    lifecycle.mute(promised(cast, 20, owner=cast.peer_reviewer), actor=cast.peer_reviewer)
    tasks.send_promise_digests()
    with time_machine.travel(timezone.now() + timedelta(days=7)):
        since = last_row()
        User.objects.filter(pk=cast.tester.pk).update(mail_pace=User.MailPace.NEEDED)
        User.objects.filter(pk=cast.release_manager.pk).update(is_active=False)
        tasks.send_promise_digests()
        lifecycle.withdraw(change, actor=cast.requester, reason="No longer.")
        cast.administrator.groups.clear()
        found = mails(since)
        assert found.keys() == {cast.success.email}, "what is no longer so, or theirs, is dropped"
        assert "2 promises are at risk" in found[cast.success.email].subject, "who left owns none"
