"""Notifications: who has which, what reads them, and what a mail need not tell any more.

Costs 4 s.
"""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.models import User
from changes import digest, inbox, lifecycle
from changes.models import Change, Notice
from tests import stories
from tests.mailing import last_row, mail_to, worded
from tests.people import Cast

pytestmark = pytest.mark.django_db
PAGE = "/notifications/"


@pytest.fixture
def change(cast: Cast) -> Change:
    return stories.in_review(cast)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page(client: Client, address: str = PAGE) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def unread(person: User) -> int:
    return User.objects.get(pk=person.pk).unread


def say(change: Change, actor: User, body: str = "Which meter?", **more: Any) -> Notice:
    """Write a comment; return the newest notice of it."""
    lifecycle.comment(change, actor=actor, body=body, **more)
    return Notice.objects.latest("pk")


def mailed(person: User, since: int) -> list[Email]:
    """What goes out to somebody, of what was written after a row."""
    return list(worded(pk__gt=since, to=[person.email]).filter(expires_at=None))


# --- Read and unread --------------------------------------------------------------------------


def test_opening_a_change_reads_what_was_told_of_it(cast: Cast, change: Change) -> None:
    other = stories.in_review(cast)
    for one in (change, other):
        say(one, cast.support)
    team = signed_in(cast.success)
    before = unread(cast.success)
    assert before == Notice.objects.filter(person=cast.success).count() > 2
    text = page(team)
    assert text.count("Unread:") == before, "looking at the list reads nothing"
    assert f'href="{change.get_absolute_url()}#comment-' in text
    assert f'href="{other.get_absolute_url()}"' in text
    shown = page(team, change.get_absolute_url())
    left = Notice.objects.filter(person=cast.success, change=other).count()
    assert unread(cast.success) == left < before
    assert re.search(rf">{left}<span[^>]*> unread<", shown), "the header of that page knows it"
    assert unread(cast.requester) > 0, "nobody else has read it"
    assert f"{other.reference}" in page(team, f"{PAGE}?show=unread")
    assert change.reference not in page(team, f"{PAGE}?show=unread")


def test_they_are_read_all_at_once_and_one_by_one(
    cast: Cast, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "PAGE_SIZE", 3)
    for number in range(inbox.PAGE_SIZE):
        last = say(change, cast.requester, f"Meter {number}")
    team = signed_in(cast.success)
    first = page(team)
    assert first.count('class="work-name"') == inbox.PAGE_SIZE
    more = re.search(r'rel="next" href="([^"]+)"', first)
    assert more and page(team, more[1].replace("&amp;", "&")).count('"work-name"') > 0
    assert team.get(f"{PAGE}?page=forged").status_code == 400
    say(change, cast.requester, "One more")
    since = Notice.objects.filter(person=cast.success).latest("pk")
    team.post(f"{PAGE}read/", {"until": last.pk})
    assert unread(cast.success) == 1, "what came since is not read"
    assert page(team, f"{PAGE}?show=unread").count('"work-name"') == 1
    assert team.post(f"{PAGE}{since.pk}/read/").status_code == 302
    assert unread(cast.success) == 0
    assert "tone-amber app-bell-count" not in page(team)
    answer = team.post(f"{PAGE}{since.pk}/unread/", {"show": "unread"})
    assert answer["Location"] == f"{PAGE}?show=unread" and unread(cast.success) == 1
    assert signed_in(cast.requester).post(f"{PAGE}{since.pk}/read/").status_code == 404
    assert team.post(f"{PAGE}99999999999999999999999/read/").status_code == 404
    assert team.post(f"{PAGE}read/", {"until": "x" * 30}).status_code == 302
    assert unread(cast.success) == 1
    assert Client().get(PAGE).status_code == 302
    assert not hasattr(Notice, "history") and change.events.filter(verb="read").count() == 0


def test_the_count_stops_and_costs_no_more_for_many(
    cast: Cast, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "PAGE_SIZE", 10)
    one = say(change, cast.requester)
    Notice.objects.bulk_create(
        [
            Notice(person=cast.success, change=change, event=one.event, message="comment")
            for _number in range(inbox.COUNTED)
        ]
    )
    assert unread(cast.success) == inbox.COUNTED
    team = signed_in(cast.success)
    page(team)
    with CaptureQueriesContext(connection) as few:
        assert ">99+<span" in page(team)
    Notice.objects.filter(message="comment").exclude(pk=one.pk).delete()
    with CaptureQueriesContext(connection) as fewer:
        page(team)
    assert len(few) == len(fewer), "many cost no more queries"


# --- Mail -------------------------------------------------------------------------------------


def test_what_was_read_before_its_mail_went_out_is_not_mailed(cast: Cast, change: Change) -> None:
    Notice.objects.update(read_at=timezone.now())
    lifecycle.assign(change, actor=cast.success, owner=cast.success)
    since = last_row()
    say(change, cast.requester, "Read at once")
    page(signed_in(cast.success), change.get_absolute_url())
    assert mailed(cast.success, since) == []
    assert f">{cast.requester} commented: {change.title}</a>" in page(signed_in(cast.success))
    since = last_row()
    say(change, cast.requester, "Read")
    page(signed_in(cast.success), change.get_absolute_url())
    say(change, cast.requester, "Unseen")
    (mail,) = mailed(cast.success, since)
    assert "Unseen" in mail.message and "> Read" not in mail.message


def test_who_is_named_once_they_had_read_is_told(cast: Cast, change: Change) -> None:
    lifecycle.watch(change, actor=cast.tester)
    written = lifecycle.comment(change, actor=cast.support, body="Who knows?")
    page(signed_in(cast.tester), change.get_absolute_url())
    assert unread(cast.tester) == 0
    lifecycle.correct_comment(written, actor=cast.support, body="Who knows, @Tess Tester?")
    assert unread(cast.tester) == 1


def test_who_muted_it_before_a_mail_went_is_told_once_they_are_named(
    cast: Cast, change: Change
) -> None:
    lifecycle.watch(change, actor=cast.tester)
    written = lifecycle.comment(change, actor=cast.support, body="Who knows?")
    lifecycle.mute(change, actor=cast.tester)
    worded()
    assert unread(cast.tester) == 0
    lifecycle.correct_comment(written, actor=cast.support, body="Who knows, @Tess Tester?")
    assert unread(cast.tester) == 1


def test_what_asks_something_is_mailed_though_it_was_read(cast: Cast) -> None:
    since = last_row()
    change = stories.submitted(cast)
    page(signed_in(cast.success), change.get_absolute_url())
    assert unread(cast.success) == 0
    assert [mail.subject for mail in mailed(cast.success, since)] != []


def test_a_summary_leaves_out_what_was_read(cast: Cast, change: Change) -> None:
    User.objects.filter(pk=cast.success.pk).update(mail_pace="daily")
    lifecycle.assign(change, actor=cast.support, owner=User.objects.get(pk=cast.success.pk))
    read, unseen = (say(change, cast.requester, words) for words in ("Read it", "Not seen"))
    theirs = Notice.objects.filter(person=cast.success, event=read.event)
    assert theirs.get().is_for_digest
    theirs.update(read_at=timezone.now())
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=False):
        assert digest.send(cast.success.pk)
    text = mail_to(cast.success.email).message
    assert "Not seen" in text and "Read it" not in text
    assert unseen.event != read.event
    assert theirs.get().is_in_inbox


def test_the_link_in_a_mail_reads_what_that_mail_told(cast: Cast, change: Change) -> None:
    mail = mail_to(cast.requester.email)
    found = re.search(r"/r/[^/\s\"]+/", mail.message)
    Email.objects.update(status=STATUS.sent)
    since = last_row()
    say(change, cast.success, "Another mail")
    theirs = Notice.objects.filter(person=cast.requester)
    told, waiting = theirs.filter(email=mail), theirs.exclude(email=mail)
    assert found is not None
    assert Client().get(found[0]).status_code == 200
    assert {one.read_at is None for one in told.all()} == {False}
    assert {one.read_at is None for one in waiting.all()} == {True}, "it may have been a scanner"
    assert len(mailed(cast.requester, since)) == 1
    signed_in(cast.colleague).get(found[0])
    assert unread(cast.requester) == len(waiting) > 0, "a colleague is somebody else"
    signed_in(cast.requester).get(found[0])
    assert unread(cast.requester) == 0, "signed in, it is no scanner"


# --- What is theirs no more -------------------------------------------------------------------


def test_what_is_no_longer_theirs_leaves_the_list_and_the_count(cast: Cast) -> None:
    change = stories.in_review(cast)
    lifecycle.watch(change, actor=cast.tester)
    for author, internal in ((cast.requester, False), (cast.success, True)):
        lifecycle.comment(change, actor=author, body="Internal?", internal=internal)
    gone = {
        cast.tester: lambda: cast.tester.groups.clear(),
        cast.requester: lambda: User.objects.filter(pk=cast.requester.pk).update(
            organisation=cast.meridian
        ),
    }
    for person, leave in gone.items():
        assert unread(person) > 0
        assert change.reference in page(signed_in(person))
        leave()
        text = page(signed_in(User.objects.get(pk=person.pk)))
        assert change.reference not in text and change.title not in text, person
        assert unread(person) == 0, person


def test_what_is_over_before_anybody_saw_it_leaves_them(cast: Cast) -> None:
    change = stories.submitted(cast)
    turns = inbox.of(cast.success).filter(message="your_turn")
    assert turns.exists() and "Your turn" in page(signed_in(cast.success))
    lifecycle.withdraw(change, actor=cast.requester, reason="Never mind.")
    worded()
    assert not turns.exists() and "Your turn" not in page(signed_in(cast.success))
    assert unread(cast.success) == 1, "that it was withdrawn"


def test_a_decision_that_was_taken_back_leaves_the_list(cast: Cast) -> None:
    change = stories.decided(stories.on_board(cast), cast, "accepted")
    event = change.events.get(verb="record_board_outcome")
    entry = Notice.objects.filter(event=event, person=cast.requester)
    assert entry.exists()
    requester = signed_in(cast.requester)
    assert "A decision" in page(requester)
    change.events.create(
        verb="take_back_board_outcome",
        from_state=change.state,
        to_state=change.state,
        data={"took_back": event.pk},
    )
    assert "A decision:" not in page(requester)
    assert not entry.filter(is_in_inbox=True).exists()


def test_nothing_muted_is_unread(cast: Cast, change: Change) -> None:
    lifecycle.watch(change, actor=cast.tester)
    lifecycle.mute(change, actor=cast.tester)
    say(change, cast.requester)
    assert unread(cast.tester) == 0
    say(change, cast.support, "Ask @Tess Tester")
    assert unread(cast.tester) == 1, "who is named is told"
