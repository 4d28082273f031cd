"""Silence: reminders after 3, 7 and 14 days, once each, and then a person decides."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from post_office.models import Email

from accounts.models import User
from changes import lifecycle, permissions, queries, reminders, tasks
from changes.models import Change, Confirmation, MailEvent, Promise, Release
from changes.states import State
from changes.turns import turns_of
from tests import stories
from tests.mailing import deliver, deliver_questions, last_row, link_in, mail_to, told
from tests.people import Cast
from tests.remembered import remembered

REMINDED = ("grace", "Reminder, please confirm")
ESCALATED = [("cleo", "No answer from the requester"), ("sam", "No answer from the requester")]


@pytest.fixture
def change(cast: Cast) -> Change:
    """A change whose requester was asked; support owns it, so that owner and team differ."""
    return asked(cast)


@remembered
def asked(cast: Cast) -> Change:
    change = stories.in_confirmation(cast)
    deliver_questions()
    return lifecycle.assign(change, actor=cast.success, owner=cast.support)


@pytest.fixture
def asked_at(change: Change) -> datetime:
    """When the question reached the requester, from which silence counts."""
    return reminders.heard_at(change.confirmations.get())


def beat(moment: datetime) -> list[tuple[str, str]]:
    """Run the beat at a moment and return who was told what."""
    before = last_row()
    with time_machine.travel(moment, tick=False):
        tasks.send_reminders()
    return told(before)


def test_the_ladder(change: Change, asked_at: datetime) -> None:
    assert settings.REMINDER_DAYS == [3, 7, 14]
    told_on = {}
    for day, early in product(range(20), (timedelta(minutes=1), timedelta(0))):
        if mails := beat(asked_at + timedelta(days=day) - early):
            told_on[timedelta(days=day) - early] = mails
    days = {3: [REMINDED], 7: [REMINDED], 14: [REMINDED], 15: ESCALATED}
    assert told_on == {timedelta(days=day): mails for day, mails in days.items()}
    change = Change.objects.get(pk=change.pk)
    assert change.state == State.CONFIRMATION, "nothing closes by itself"
    verbs = list(change.events.order_by("pk").values_list("verb", flat=True))
    assert verbs[-4:] == ["remind", "remind", "remind", "escalate"]


def test_beats_may_repeat(change: Change, asked_at: datetime) -> None:
    day = asked_at + timedelta(days=3)
    assert beat(day) == [REMINDED]
    assert [beat(day + timedelta(minutes=minute)) for minute in range(5)] == [[]] * 5


def test_a_minute_early_is_too_early(change: Change, asked_at: datetime) -> None:
    assert beat(asked_at + timedelta(days=3, minutes=-1)) == []


def test_after_a_standstill_only_the_latest_goes_out(change: Change, asked_at: datetime) -> None:
    assert beat(asked_at + timedelta(days=3)) == [REMINDED]
    assert beat(asked_at + timedelta(days=40)) == [REMINDED]
    event = change.events.filter(verb="remind").order_by("-pk")[0]
    assert event.data == {"after_days": 14, "skipped": [7]}
    assert beat(asked_at + timedelta(days=40, hours=23)) == [], "it has its day to work"
    assert beat(asked_at + timedelta(days=41)) == ESCALATED
    assert beat(asked_at + timedelta(days=60)) == []


def test_a_reminder_says_since_when_and_has_a_link_of_its_own(
    client: Client, cast: Cast, change: Change, asked_at: datetime
) -> None:
    first = link_in(mail_to(cast.requester.email))
    with time_machine.travel(asked_at + timedelta(days=3)):
        tasks.send_reminders()
        mail = mail_to(cast.requester.email)
        for body in (mail.message, mail.html_message):
            assert "have not heard from you" in body
            assert "(Europe/London)" in body
        link = link_in(mail)
        assert link != first
        assert client.get(first).status_code == 200, "the earlier mail still works"
        assert client.post(link, {"meets_need": "yes", "as_expected": "yes"}).status_code == 302
    change = Change.objects.get(pk=change.pk)
    assert change.state == State.CLOSED


def test_a_reminder_speaks_of_the_day_on_which_the_question_went_out(cast: Cast) -> None:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as clock:
        stories.in_confirmation(cast)
        clock.shift(timedelta(days=4))  # the mail server was away
        deliver()
        clock.shift(timedelta(days=3))
        tasks.send_reminders()
        mail = mail_to(cast.requester.email)
    assert "Reminder" in mail.subject
    for body in (mail.message, mail.html_message):
        assert "On 6 March 2026, 09:00 (Europe/London) we asked you" in " ".join(body.split())


def test_an_answer_ends_it(cast: Cast, change: Change, asked_at: datetime) -> None:
    lifecycle.answer_confirmation(change, actor=cast.requester, confirmed=True)
    assert beat(asked_at + timedelta(days=20)) == []
    assert not lifecycle.send_reminder(change.confirmations.get().pk, 14)
    assert not lifecycle.escalate(change.confirmations.get().pk)


def test_the_escalation_leads_to_the_close(
    client: Client, cast: Cast, change: Change, asked_at: datetime
) -> None:
    beat(asked_at + timedelta(days=14))
    beat(asked_at + timedelta(days=15))
    mail = mail_to(cast.success.email)
    address = reverse("changes:close_unanswered", args=[change.pk])
    for body in (mail.message, mail.html_message):
        assert f"{settings.BASE_URL}{address}" in body
        assert "Nothing is closed by itself." in body
    lifecycle.close_unanswered(change, actor=cast.support, reason="Rang three times.")
    assert beat(asked_at + timedelta(days=16)) == []


def test_a_question_asked_again_after_rework_starts_anew(
    cast: Cast, change: Change, asked_at: datetime
) -> None:
    beat(asked_at + timedelta(days=7))
    with time_machine.travel(asked_at + timedelta(days=8)):
        declined = lifecycle.answer_confirmation(
            change, actor=cast.requester, confirmed=False, reason="No."
        )
        again = lifecycle.rework(declined, actor=cast.success, reason="Right.")
        again = stories.executed(again, cast)
        lifecycle.document(
            again, actor=cast.success, system="Desk", reference="2", summary="Now it does."
        )
        deliver()
    assert beat(asked_at + timedelta(days=8 + 2)) == []
    assert beat(asked_at + timedelta(days=8 + 3, minutes=1)) == [REMINDED]


# --- Another person, another address, nobody ----------------------------------------------------


def ladder(since: datetime) -> dict[float, list[tuple[str, str]]]:
    """Run the beat for twenty days; return who was told what on which day.

    What was due in between is told by the next beat; half a day before a rung says that it is not.
    """
    days = sorted([*range(1, 20), 2.5, 6.5, 13.5, 14.5])
    return {day: mails for day in days if (mails := beat(since + timedelta(days=day)))}


def test_a_new_requester_inherits_no_silence(
    cast: Cast, change: Change, asked_at: datetime
) -> None:
    for day in (3, 7, 14, 15):
        beat(asked_at + timedelta(days=day))
    now = asked_at + timedelta(days=16)
    with time_machine.travel(now, tick=False):
        assert permissions.can_close_unanswered(cast.success, Change.objects.get(pk=change.pk))
        lifecycle.replace_requester(
            change, actor=cast.success, successor=cast.colleague, reason="Grace left."
        )
        deliver()
    with time_machine.travel(now + timedelta(minutes=5), tick=False):
        found = Change.objects.get(pk=change.pk)
        assert not permissions.can_close_unanswered(cast.success, found)
        assert not queries.waiting_on(cast.support).filter(pk=change.pk).exists()
    reminded = ("colin", REMINDED[1])
    assert ladder(now) == {3: [reminded], 7: [reminded], 14: [reminded], 15: ESCALATED}


def test_a_requester_whose_address_was_wrong_is_asked_and_has_time_from_then(
    client: Client, cast: Cast, change: Change, asked_at: datetime
) -> None:
    beat(asked_at + timedelta(days=3))
    cast.requester.email = "gina.right@harbour.example"
    cast.requester.save()
    now = asked_at + timedelta(days=4)
    assert [who for who, _subject in beat(now)] == ["gina"]
    with time_machine.travel(now, tick=False):
        assert client.get(link_in(mail_to(cast.requester.email))).status_code == 200
        deliver()
    event = change.events.order_by("-pk")[0]
    assert (event.verb, event.actor) == ("resend_confirmation", None)
    reminded = ("gina", REMINDED[1])
    assert ladder(now) == {3: [reminded], 7: [reminded], 14: [reminded], 15: ESCALATED}


@pytest.mark.parametrize("asked_first", [True, False])
def test_nobody_is_reminded_who_has_left_and_no_silence_counts(
    cast: Cast, asked_first: bool
) -> None:
    documented = stories.in_documentation(cast)
    if not asked_first:
        User.objects.filter(pk=cast.requester.pk).update(is_active=False)
    change = lifecycle.document(
        documented, actor=cast.success, system="Desk", reference="1", summary="Done."
    )
    deliver_questions()
    User.objects.filter(pk=cast.requester.pk).update(is_active=False)
    now = timezone.now()
    assert ladder(now) == {}
    assert not change.events.filter(verb__in=["remind", "escalate"]).exists()
    with time_machine.travel(now + timedelta(days=30)):
        change = Change.objects.get(pk=change.pk)
        assert not permissions.can_close_unanswered(cast.success, change)


def test_nothing_is_closed_for_silence_while_a_mail_is_known_not_to_have_arrived(
    cast: Cast, change: Change, asked_at: datetime
) -> None:
    for day in (3, 7, 14, 15):
        beat(asked_at + timedelta(days=day))
    with time_machine.travel(asked_at + timedelta(days=16)):
        mail = mail_to(cast.requester.email)
        lifecycle.note_failure(mail, cast.requester.email, MailEvent.Kind.BOUNCED, "No such user")
        found = Change.objects.get(pk=change.pk)
        decision = permissions.can_close_unanswered(cast.support, found)
        assert "has not reached the requester" in decision.reason
        verbs = [
            turn.verb
            for turn, wanted in turns_of(cast.support)
            if Change.objects.filter(wanted, pk=change.pk).exists()
        ]
        assert verbs == ["settle_delivery"]
        lifecycle.settle_delivery(
            found, actor=cast.support, problem=found.delivery_problems.get(), resolution="Rang."
        )
        assert permissions.can_close_unanswered(cast.support, Change.objects.get(pk=change.pk))


# --- Faults -------------------------------------------------------------------------------------


def test_one_failure_does_not_stop_the_rest(
    cast: Cast, change: Change, asked_at: datetime, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    other = stories.in_confirmation(cast)
    deliver_questions()
    broken = change.confirmations.get().pk
    remind = lifecycle.send_reminder

    def fail_for_one(confirmation_id: int, after_days: int) -> bool:
        if confirmation_id == broken:
            raise RuntimeError("broken")
        return remind(confirmation_id, after_days)

    monkeypatch.setattr(lifecycle, "send_reminder", fail_for_one)
    day = timezone.now() + timedelta(days=3)
    assert beat(day) == [REMINDED]
    assert "Could not remind" in caplog.text
    assert other.confirmations.get().reminders.count() == 1
    monkeypatch.setattr(lifecycle, "send_reminder", remind)
    assert beat(day + timedelta(minutes=1)) == [REMINDED], "and it is tried again"


def test_a_reminder_that_cannot_be_written_leaves_no_trace(
    change: Change, asked_at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(lifecycle.confirmation.link_mail, "remind_requester", fail)
    events = change.events.count()
    assert beat(asked_at + timedelta(days=3)) == []
    assert change.confirmations.get().reminders.count() == 0
    assert change.events.count() == events


def test_a_batch_is_limited_and_begins_with_the_longest_silence(cast: Cast) -> None:
    keys = [stories.in_confirmation(cast).confirmations.get().pk for _time in range(3)]
    deliver_questions()
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert reminders.due_reminders(limit=2) == [(keys[0], 7), (keys[1], 7)]
        assert reminders.due_escalations(limit=2) == []


def race(act: Callable[[], object]) -> None:
    """Do the same in three threads at once, each with a connection of its own."""
    barrier = threading.Barrier(3)

    def run() -> None:
        barrier.wait(60)
        act()
        connection.close()

    threads = [threading.Thread(target=run) for _time in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


@pytest.mark.django_db(transaction=True)
def test_beats_at_the_same_moment_remind_and_escalate_once(
    change: Change, asked_at: datetime
) -> None:
    before = last_row()
    with time_machine.travel(asked_at + timedelta(days=14)):
        race(tasks.send_reminders)
    assert told(before) == [REMINDED]
    before = last_row()
    with time_machine.travel(asked_at + timedelta(days=15, minutes=1)):
        race(tasks.send_reminders)
    assert told(before) == ESCALATED
    assert change.events.filter(verb__in=["remind", "escalate"]).count() == 2
    assert Confirmation.objects.get().reminders.count() == 1
    assert Email.objects.filter(subject__contains="Reminder").count() == 1


# --- Promises -----------------------------------------------------------------------------------


def test_a_promise_gets_its_day_when_its_release_is_planned_and_keeps_it(cast: Cast) -> None:
    today = timezone.localdate()
    for number in (1, 2):
        Release.objects.create(name=f"5.{number}", planned_on=today + timedelta(days=30 * number))
    change = stories.decided(stories.on_board(cast), cast, "accepted_as_priority")
    assert (change.promise, change.due_on) == (Promise.THREE_RELEASES, None)
    tasks.settle_promises()
    third = Release.objects.create(name="5.3", planned_on=today + timedelta(days=90))
    tasks.settle_promises()
    tasks.settle_promises()
    change = Change.objects.get(pk=change.pk)
    assert (change.promised_release, change.due_on) == (third, third.planned_on)
    third.planned_on += timedelta(days=7)
    third.save()
    tasks.settle_promises()
    change = Change.objects.get(pk=change.pk)
    assert change.due_on == today + timedelta(days=90)
    assert change.events.filter(verb="settle_promise").count() == 1
