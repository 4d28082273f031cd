"""A comment is put right by its author, for some minutes, and history keeps what it said.

Costs 3 s.
"""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.models import User
from changes import lifecycle, messages
from changes.models import Change, Comment, IncomingMail, Notice
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal
from tests import stories
from tests.mailing import deliver, last_row, link_in, mail_to
from tests.people import Cast

LATER = timedelta(minutes=15, seconds=5)


@pytest.fixture
def change(cast: Cast) -> Change:
    return stories.submitted(cast)


@pytest.fixture
def said(cast: Cast, change: Change) -> Comment:
    return lifecycle.comment(change, actor=cast.support, body="On Munday.")


def address(comment: Comment) -> str:
    return f"{comment.change.get_absolute_url()}comments/{comment.pk}/correct/"


def correct(person: User, comment: Comment, body: str = "On Monday.", **more: Any) -> int:
    client = Client()
    client.force_login(person)
    return client.post(address(comment), {"body": body, "seen": "", **more}).status_code


def test_the_author_corrects_and_history_keeps_what_it_said(
    client: Client, cast: Cast, change: Change, said: Comment
) -> None:
    client.force_login(cast.support)
    assert address(said) in client.get(change.get_absolute_url()).content.decode()
    assert "On Munday." in client.get(address(said)).content.decode()
    assert correct(cast.support, said) == 302
    said.refresh_from_db()
    assert said.body == "On Monday." and said.corrected_at is not None
    kept = list(said.history.order_by("history_id").values_list("body", "history_user"))
    assert kept == [("On Munday.", cast.support.pk), ("On Monday.", cast.support.pk)]
    assert said.history.latest().history_change_reason == "corrected a comment"
    event = change.events.get(verb="correct_comment")
    assert (event.actor, event.data, event.is_internal) == (
        cast.support,
        {"comment": said.pk},
        False,
    )
    version = change.version
    change.refresh_from_db(fields=["version"])
    assert change.version == version  # no open page becomes stale
    for reader in (cast.support, cast.requester):
        client.force_login(reader)
        page = client.get(change.get_absolute_url()).content.decode()
        assert "On Monday." in page and "On Munday." not in page and ">corrected<" in page
    client.force_login(cast.auditor)
    assert "On Munday." in client.get(f"{change.get_absolute_url()}history/").content.decode()


def test_who_corrects_what(cast: Cast, change: Change, said: Comment) -> None:
    note = lifecycle.comment(change, actor=cast.support, body="Only us.", internal=True)
    own = lifecycle.comment(change, actor=cast.requester, body="Thank you.")
    for person in cast.people.values():
        sees = person not in (cast.stranger_customer, cast.stranger_approver, cast.nobody)
        customers = (cast.requester, cast.colleague, cast.approver)
        other = 403 if sees else 404
        assert correct(person, said) == (302 if person == cast.support else other), person
        expected = 404 if person in customers or not sees else other
        assert correct(person, note) == (302 if person == cast.support else expected), person
        assert correct(person, own) == (302 if person == cast.requester else other), person
    assert change.events.filter(verb="correct_comment", is_internal=True).count() == 1
    other = stories.submitted(cast)
    client = Client()
    client.force_login(cast.support)
    path = f"{other.get_absolute_url()}comments/{said.pk}/correct/"
    assert client.get(path).status_code == 404
    assert Client().get(path).status_code == 302
    assert client.delete(address(said)).status_code == 405


def test_not_too_late_nor_by_mail_nor_once_it_has_ended(cast: Cast, change: Change) -> None:
    said = lifecycle.comment(change, actor=cast.support, body="On Munday.")
    client = Client()
    client.force_login(cast.support)
    with time_machine.travel(timezone.now() + LATER):
        assert correct(cast.support, said) == 409
        assert address(said) not in client.get(change.get_absolute_url()).content.decode()
        with pytest.raises(StepIllegal, match="15 minutes"):
            lifecycle.correct_comment(said, actor=cast.support, body="On Monday.")
    mailed = lifecycle.comment(change, actor=cast.requester, body="Yes.", via="mail")
    IncomingMail.objects.create(comment=mailed, change=change, outcome="comment", size=1)
    assert correct(cast.requester, mailed) == 409
    lifecycle.withdraw(change, actor=cast.support, reason="No longer wished.")
    assert correct(cast.support, said) == 409
    assert not change.events.filter(verb="correct_comment").exists()


def test_bad_words_and_another_window(cast: Cast, change: Change, said: Comment) -> None:
    assert correct(cast.support, said, body=" ") == 400
    assert correct(cast.support, said, body="On Munday.") == 400
    assert correct(cast.support, said, body="x" * 20_001) == 400
    assert correct(cast.support, said) == 302
    client = Client()
    client.force_login(cast.support)
    mistaken = client.post(address(said), {"body": " ", "seen": ""})
    answer = client.post(
        address(said), {"body": "On Tuesday.", "seen": mistaken.context["seen"]}
    )  # a mistake does not hide that the page is stale
    assert answer.status_code == 409 and "On Tuesday." in answer.content.decode()
    said.refresh_from_db()
    assert said.body == "On Monday."
    with pytest.raises(ChangeStale):
        lifecycle.correct_comment(said, actor=cast.support, body="On Tuesday.", seen="")
    again = {"body": "On Tuesday.", "seen": answer.context["seen"]}
    assert client.post(address(said), again).status_code == 302
    assert said.history.count() == 3


def test_letters_that_only_are_spelled_otherwise_are_no_other_words(
    cast: Cast, change: Change
) -> None:
    """A Mac pastes an accent as a sign of its own; it is kept as one with its letter."""
    said = lifecycle.comment(change, actor=cast.support, body="Caf\u00e9")
    assert correct(cast.support, said, body="Cafe\u0301") == 400
    assert correct(cast.support, said, body="Cafe\u0301 Nero") == 302
    said.refresh_from_db()
    assert said.body == "Caf\u00e9 Nero" and said.history.count() == 2


def test_who_is_no_longer_one_of_us_corrects_no_note(cast: Cast, change: Change) -> None:
    note = lifecycle.comment(change, actor=cast.support, body="Only us.", internal=True)
    cast.support.groups.clear()
    User.objects.filter(pk=cast.support.pk).update(organisation=cast.harbour)
    assert correct(cast.support, note) == 404
    with pytest.raises(StepForbidden):
        lifecycle.correct_comment(note, actor=cast.support, body="Everybody.")


def test_the_database_refuses_everything_else(cast: Cast, change: Change, said: Comment) -> None:
    with time_machine.travel(timezone.now() - timedelta(hours=2)):
        old = lifecycle.comment(change, actor=cast.support, body="Of before.")
    now = timezone.now()
    rows = Comment.objects.filter(pk=said.pk)
    attempts = (
        lambda: Comment.objects.filter(pk=old.pk).update(body="Rewritten.", corrected_at=now),
        lambda: rows.update(body="Rewritten."),
        lambda: rows.update(corrected_at=now),
        lambda: rows.update(body="Public.", corrected_at=now, is_internal=True),
        lambda: rows.update(body="Mine.", corrected_at=now, author=cast.success),
        lambda: rows.update(body="Older.", corrected_at=now, created_at=now),
        lambda: rows._raw_delete("default"),
    )
    for attempt in attempts:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            attempt()
    with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
        cursor.execute('TRUNCATE "changes_comment" CASCADE')


def test_what_is_worded_later_has_the_new_words(cast: Cast, change: Change) -> None:
    said = lifecycle.comment(change, actor=cast.support, body="On Munday.")
    lifecycle.correct_comment(said, actor=cast.support, body="On Monday.")
    told = Notice.objects.filter(change=change, event__verb="comment")
    assert told.exists()
    for notice in told.select_related("event", "person", "change"):
        letter = messages.again(notice)
        assert letter is not None and letter.context["comment"].body == "On Monday."
    assert not Notice.objects.filter(event__verb="correct_comment").exists()


def test_a_mail_that_asks_has_the_new_words_and_its_link(
    client: Client, cast: Cast, settings: Any
) -> None:
    """What waited goes along with the question, whose token is in its words alone."""
    settings.MAIL_BURST_SECONDS = 120
    change = stories.in_documentation(cast)
    said = lifecycle.comment(change, actor=cast.support, body="On *Munday*.\n\nAt nine.")
    lifecycle.document(change, actor=cast.success, system="Desk", reference="1", summary="Done.")
    mail = mail_to(cast.requester.email)
    assert "Munday" in mail.message and "Munday" in mail.html_message
    link = link_in(mail)
    lifecycle.correct_comment(said, actor=cast.support, body="On *Monday*.\n\nAt ten.")
    deliver()
    mail.refresh_from_db()
    assert mail.status == STATUS.sent
    for words in (mail.message, mail.html_message):
        assert "Munday" not in words and "At nine" not in words
        assert "Monday" in words and "At ten." in words
    assert "> On *Monday*.\n>\n> At ten.\n" in mail.message
    assert client.get(link).status_code == 200


def test_nobody_elses_words_are_corrected_in_a_mail_that_asks(cast: Cast, settings: Any) -> None:
    """Two said the same, one corrects it; and one corrects it to what another corrects further."""
    settings.MAIL_BURST_SECONDS = 120
    change = stories.in_documentation(cast)
    said = [
        lifecycle.comment(change, actor=who, body=body)
        for who, body in ((cast.support, "Yes."), (cast.success, "Yes."), (cast.support, "No."))
    ]
    lifecycle.document(change, actor=cast.success, system="Desk", reference="1", summary="Done.")
    mail = mail_to(cast.requester.email)
    assert mail.message.count("> Yes.") == 2
    lifecycle.correct_comment(said[0], actor=cast.support, body="No.")
    lifecycle.correct_comment(said[2], actor=cast.support, body="Perhaps.")
    deliver()
    mail.refresh_from_db()
    found = re.compile(r"\b(?:Yes|No|Perhaps)\.")
    assert found.findall(mail.message) == found.findall(mail.html_message)
    assert found.findall(mail.message) == ["No.", "Yes.", "Perhaps."]


@pytest.mark.parametrize("long", [False, True])
def test_a_mail_that_is_tried_again_has_the_new_words(
    cast: Cast, change: Change, monkeypatch: Any, long: bool
) -> None:
    """The mail server was away when it was tried; it is written anew once."""
    deliver()
    before = last_row()
    more = "\n\nMore of it.  \n" * (500 if long else 1)
    said = lifecycle.comment(change, actor=cast.support, body=f"On Munday.{more}")
    tried: list[str] = []

    def dispatch(email: Email, **options: Any) -> None:
        if email.to == [cast.requester.email]:
            tried.append(email.message)
            raise RuntimeError

    monkeypatch.setattr(Email, "dispatch", dispatch)
    deliver()
    lifecycle.correct_comment(said, actor=cast.support, body=f"On Monday.{more}")
    for minutes in (2, 10):
        with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
            deliver()
    assert ["On Munday." in words for words in tried] == [True, False, False]
    assert "On Monday." in tried[1] and tried[1] == tried[2]
    mail = Email.objects.get(pk__gt=before, to=cast.requester.email)
    assert (mail.message, "On Munday." in mail.html_message) == (tried[2], False)
