"""Muting a change: what of its mail still comes, to whom, and that nobody else knows of it.

Costs 6 s.
"""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from post_office.models import Email

from accounts.models import User
from accounts.roles import Role
from accounts.standing import know_standing
from changes import lifecycle, link_mail, muting, permissions, tasks
from changes.audiences import OWNER
from changes.lifecycle.delivery import note_failure
from changes.messages import MESSAGES
from changes.models import Change, MailEvent, Mute
from changes.settling import settle
from changes.wording import IMMEDIATE, NEEDED, Letter
from tests import stories
from tests.changes.test_comment import BACKGROUND, CUSTOMERS, INSIDE, READ_ONLY, STRANGERS
from tests.mailing import last_row, mail_to, worded
from tests.people import Cast, person

KINDS = set(MESSAGES) | IMMEDIATE | NEEDED
BY_NAME = {"question", "confirmation", "reminder", "new_link", "ownership", "succeeded"}
STEPS = {"your_turn", "not_confirmed", "undelivered", "escalation"}


@pytest.fixture
def change(cast: Cast) -> Change:
    return stories.in_review(cast)


def address(verb: str, change: Change) -> str:
    return reverse(f"changes:{verb}", args=[change.pk])


def say(change: Change, actor: User, body: str, **more: Any) -> Any:
    return lifecycle.comment(change, actor=actor, body=body, **more)


def mailed(since: int) -> set[str]:
    """Whom mail goes out to that was written after a row."""
    return {row.to[0] for row in worded(pk__gt=since).filter(expires_at=None)}


def fresh(change: Change) -> Change:
    return Change.objects.get(pk=change.pk)


# --- Who, and where it is seen ------------------------------------------------------------------


def test_who_hears_of_a_change_mutes_it_and_nobody_else_knows(cast: Cast, change: Change) -> None:
    change.watchers.add(cast.colleague)
    events, versions = change.events.count(), change.history.count()
    answers = {}
    for part, member in cast.people.items():
        client = Client()
        client.force_login(member)
        answers[part] = [client.post(address(verb, change)).status_code for verb in ("mute",) * 2]
    watching = {"colleague"}
    assert answers == {
        **dict.fromkeys(INSIDE | watching, [302, 302]),
        **dict.fromkeys(READ_ONLY | CUSTOMERS - watching, [403, 403]),
        **dict.fromkeys(STRANGERS, [404, 404]),
    }
    muting_it = {cast.people[part] for part in INSIDE | watching}
    assert {one.person for one in change.mutes.all()} == muting_it
    assert change.mutes.count() == len(muting_it), "twice is once"
    assert (change.events.count(), change.history.count()) == (events, versions)
    assert fresh(change).version == change.version, "no open page is stale"

    assert client.get(address("mute", change)).status_code == 405
    for one in muting_it - {cast.support}:
        lifecycle.unmute(change, actor=one)
    said, asked = "You have muted this change", (cast.success, cast.colleague, cast.auditor)
    for reader in (cast.support, *asked):
        client = Client()
        client.force_login(reader)
        page = client.get(change.get_absolute_url()).content.decode()
        assert (said in page, "Unmute" in page) == (reader == cast.support,) * 2, reader
        assert (address("mute", change) in page) == (reader in {cast.success, cast.colleague})
    client.force_login(cast.support)
    answer = client.post(address("unmute", change), headers=BACKGROUND).content.decode()
    assert said not in answer and address("mute", change) in answer
    assert not Mute.objects.exists()


def test_mail_to_our_own_leads_to_where_it_is_muted(cast: Cast, change: Change) -> None:
    change.watchers.add(cast.developer)
    lifecycle.assign(change, actor=cast.success, owner=cast.support)
    say(change, cast.success, "We are on it.")
    place = f"{change.get_absolute_url()}#watch"
    for reader in (cast.support, cast.developer, cast.requester):
        mail = mail_to(reader.email)
        found = [place in body for body in (mail.message, mail.html_message)]
        assert found == [reader == cast.support] * 2, "who merely watches stops there"


# --- What still comes ---------------------------------------------------------------------------


def kept(change: Change, person: User) -> set[str]:
    event = change.events.latest("pk")
    letters = [Letter(person, kind, str(OWNER.why), dict, event) for kind in sorted(KINDS)]
    return {one.message for one in muting.heard(fresh(change), letters)}


def test_of_all_that_is_told_only_what_nobody_else_does_is_left(cast: Cast, change: Change) -> None:
    Change.objects.filter(pk=change.pk).update(owner=None)
    cast.care_team.members.set([cast.success, cast.stranger_success])
    assert kept(change, cast.success) == KINDS
    lifecycle.mute(change, actor=cast.success)
    assert kept(change, cast.success) == KINDS & BY_NAME
    assert kept(change, cast.stranger_success) == KINDS, "it is theirs alone"
    lifecycle.mute(change, actor=cast.stranger_success)
    for one in (cast.success, cast.stranger_success):
        assert kept(change, one) == KINDS & (BY_NAME | STEPS), "or a step would wait unheard"
    lifecycle.unmute(change, actor=cast.stranger_success)
    User.objects.filter(pk=cast.stranger_success.pk).update(is_active=False)
    assert kept(change, cast.success) == KINDS & (BY_NAME | STEPS), "who left does nothing"


def test_steps_questions_and_names_reach_who_has_muted(cast: Cast, change: Change) -> None:
    change.watchers.add(cast.developer)
    for one in (cast.developer, cast.success, cast.support, cast.tester):
        lifecycle.mute(change, actor=one)
    since = last_row()
    say(change, cast.requester, "When does it come?")
    assert not mailed(since)
    note = say(change, cast.success, "@Dan Developer, when?", internal=True)
    assert mailed(since) == {cast.developer.email}
    since = last_row()
    lifecycle.assign(change, actor=cast.success, owner=cast.tester)
    assert mailed(since) == {cast.tester.email}
    since = last_row()
    lifecycle.correct_comment(note, actor=cast.success, body="@Tess Tester, when?")
    assert mailed(since) == {cast.tester.email}
    lifecycle.unmute(change, actor=cast.developer)
    since = last_row()
    say(change, cast.success, "Soon.")
    assert mailed(since) == {cast.requester.email, cast.developer.email}


def test_the_one_who_is_to_execute_hears_of_it(cast: Cast) -> None:
    change = stories.in_execution(cast)
    for one in (cast.support, cast.success):
        lifecycle.mute(change, actor=one)
    since = last_row()
    stories.plan(change, cast)
    executor = fresh(change).execution.executor
    assert executor in (cast.support, cast.success)
    assert mailed(since) == {cast.requester.email, executor.email}


def test_what_waits_is_dropped_once_its_reader_mutes_it(
    cast: Cast, change: Change, settings: Any
) -> None:
    settings.MAIL_BURST_SECONDS = 120
    change.watchers.add(cast.developer, cast.tester, cast.colleague)
    User.objects.filter(pk=cast.tester.pk).update(mail_pace="daily")
    since = last_row()
    comment = say(change, cast.success, "We are on it.")
    readers = (cast.developer, cast.tester, cast.colleague)
    lifecycle.correct_comment(comment, actor=cast.success, body="@Dan Developer is on it.")
    for one in readers:
        lifecycle.mute(change, actor=one)
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        tasks.send_digests()
        told = {cast.requester.email, cast.support.email, cast.developer.email}
        assert mailed(since) == told, "the developer was named since"


def test_an_escalation_that_waits_is_dropped_once_its_reader_mutes_it(cast: Cast) -> None:
    change = stories.in_confirmation(cast)
    Change.objects.filter(pk=change.pk).update(owner=None)
    cast.care_team.members.set([cast.success, cast.stranger_success])
    since = last_row()
    link_mail.escalate(fresh(change).confirmations.get())
    lifecycle.mute(change, actor=cast.success)
    goes = {email.to[0]: settle(email) for email in Email.objects.filter(pk__gt=since)}
    assert goes == {cast.success.email: False, cast.stranger_success.email: True}


def test_who_gets_no_mail_hears_of_no_step(cast: Cast) -> None:
    """One of two in the team has muted it, the other one's mail comes back."""
    change = stories.submitted(cast)
    Change.objects.filter(pk=change.pk).update(owner=None)
    cast.care_team.members.set([cast.success, cast.stranger_success])
    lifecycle.mute(change, actor=cast.success)
    since = last_row()
    address, bounced = cast.stranger_success.email, MailEvent.Kind.BOUNCED
    note_failure(None, address, bounced, "No such user.", change=fresh(change))
    assert mailed(since) == {cast.success.email}
    say(change, cast.support, "Who looks at it?")
    assert kept(change, cast.success) == KINDS & (BY_NAME | STEPS), "nor of any other step"


@pytest.mark.parametrize("is_team_there", [True, False], ids=["a team", "no team"])
def test_an_owner_alone_hears_of_a_rollback(cast: Cast, is_team_there: bool) -> None:
    change = stories.plan(stories.in_execution(cast), cast)
    Change.objects.filter(pk=change.pk).update(owner=cast.developer)
    lifecycle.mute(change, actor=cast.developer)
    stories.started(change, cast)
    since = last_row()
    if not is_team_there:
        User.objects.filter(success_teams=cast.care_team).update(is_active=False)
    lifecycle.record_execution(
        fresh(change), actor=cast.support, outcome="rolled_back", notes="It did not start."
    )
    assert (cast.developer.email in mailed(since)) == (not is_team_there)


def test_a_team_of_any_size_may_mute_it(cast: Cast, change: Change) -> None:
    counts = []
    for number in (2, 6):
        team = [person(f"Of {number} {one}", Role.CUSTOMER_SUCCESS) for one in range(number)]
        cast.care_team.members.set(team)
        for one in team:
            lifecycle.mute(change, actor=one)
        letters = [
            Letter(one, "your_turn", "", dict, change.events.latest("pk"))
            for one in User.objects.filter(pk__in=[each.pk for each in team])
        ]
        know_standing([one.person for one in letters])
        with CaptureQueriesContext(connection) as asked:
            assert len(muting.heard(fresh(change), letters)) == number
        counts.append(len(asked))
    assert counts[0] == counts[1], counts


# --- How long -----------------------------------------------------------------------------------


def test_it_ends_for_who_has_another_part_in_it(cast: Cast, change: Change) -> None:
    change.watchers.add(cast.colleague)
    lifecycle.mute(change, actor=cast.colleague)
    since = last_row()
    say(change, cast.success, "First.")
    assert mailed(since) == {cast.requester.email, cast.support.email}
    lifecycle.replace_requester(
        change, actor=cast.success, successor=cast.colleague, reason="On leave."
    )
    assert not muting.is_muted(cast.colleague, fresh(change))
    assert not permissions.can_mute(cast.colleague, fresh(change))
    since = last_row()
    say(fresh(change), cast.success, "Second.")
    assert cast.colleague.email in mailed(since)
    since = last_row()
    lifecycle.replace_requester(
        fresh(change), actor=cast.success, successor=cast.requester, reason="She is back."
    )
    assert cast.colleague.email in mailed(since), "it was theirs to answer until now"
    lifecycle.mute(change, actor=cast.developer)
    cast.developer.organisation = cast.harbour
    cast.developer.save()
    assert not muting.is_muted(User.objects.get(pk=cast.developer.pk), fresh(change))
