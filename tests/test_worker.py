"""Mail on real parts: PostgreSQL, Valkey, Celery workers and an SMTP server, and each of them down.

Nothing is lost, nothing is sent twice but the one mail that was in flight when a worker died.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from celery import current_app
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from post_office.models import STATUS, Email

from changes import dispatch, tasks
from changes.models import Change
from expansive_cm.post import sending
from tests import stories
from tests.mailing import link_between, link_in, mail_to, worded
from tests.people import Cast
from tests.smtp import Mailbox
from tests.worker import Worker, running_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

NOBODY_THERE = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def broker_not_known_to_be_down() -> Iterator[None]:
    """Forget what an earlier test found out."""
    tasks.Broker.rest_until = 0.0
    yield
    tasks.Broker.rest_until = 0.0


def queue(count: int) -> list[Email]:
    """Write mails into the outbox without starting their delivery."""
    rows = [
        Email(
            from_email="changes@expansive.example",
            to=[f"person{number}@example.org"],
            subject=f"Mail {number}",
            message="Hello.",
            status=STATUS.queued,
            priority=1,
            message_id=f"<{number}@expansive.example>",
        )
        for number in range(count)
    ]
    return Email.objects.bulk_create(rows)


def all_sent() -> bool:
    """Whether nothing waits; what was over before it could be sent is kept unsent."""
    kept = Email.objects.exclude(status=STATUS.sent).filter(expires_at=None)
    return not kept.exists()


# --- All parts up -----------------------------------------------------------------------------


def test_a_step_reaches_the_requesters_mailbox_and_the_link_answers(
    cast: Cast, smtp_server: Mailbox, celery_worker_process: Worker, client: Client
) -> None:
    change = stories.in_confirmation(cast)
    wait_until(all_sent)
    (question,) = [
        message
        for message in smtp_server.messages
        if "Please confirm" in message["Subject"]
        and message["X-Envelope-To"] == cast.requester.email
    ]
    row = mail_to(cast.requester.email)
    assert question["Message-ID"] == row.message_id
    assert question["Auto-Submitted"] == "auto-generated"
    bodies = {
        part.get_content_type(): part.get_payload(decode=True).decode()
        for part in question.walk()
        if not part.is_multipart()
    }
    assert set(bodies) == {"text/plain", "text/html"}
    link = link_between(*bodies.values())
    assert link not in row.message, "what was sent keeps no link that acts"
    assert client.post(link, {"meets_need": "yes", "as_expected": "yes"}).status_code == 302
    change = Change.objects.get(pk=change.pk)
    assert change.state == "closed"
    assert len(smtp_server.messages) == len({m["Message-ID"] for m in smtp_server.messages})


def test_two_workers_send_every_mail_once(
    smtp_server: Mailbox, celery_worker_process: Worker, tmp_path: Path
) -> None:
    rows = queue(20)
    smtp_server.hold(1)
    with running_worker(tmp_path / "other.log") as other:
        tasks.send_queued_mail.delay()
        tasks.send_queued_mail.apply_async(queue=other.queue)
        wait_until(lambda: smtp_server.held == 2)  # both are at it, each with a mail in hand
        smtp_server.release()
        wait_until(all_sent, task=tasks.send_queued_mail)
        assert "ERROR" not in other.said() + celery_worker_process.said()
    sent = [message["Message-ID"] for message in smtp_server.messages]
    assert sorted(sent) == sorted(row.message_id for row in rows)


@override_settings(EMAIL_BACKEND="post_office.EmailBackend")
def test_mail_of_libraries_goes_the_same_way(
    cast: Cast, smtp_server: Mailbox, celery_worker_process: Worker, client: Client
) -> None:
    client.post(reverse("account_reset_password"), {"email": cast.requester.email})
    (message,) = smtp_server.wait_for(1)
    assert message["X-Envelope-To"] == cast.requester.email
    assert message["Subject"] == "Choose a new password"
    wait_until(all_sent)


# --- A part down ---------------------------------------------------------------------------------


def test_without_a_broker_steps_succeed_and_the_sweep_sends(
    cast: Cast, smtp_server: Mailbox, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    change = stories.in_confirmation(cast)
    worded()  # what waited before says what it was about, and not that it is closed
    link = link_in(mail_to(cast.requester.email))
    monkeypatch.setattr(tasks.send_queued_mail, "delay", without_broker)
    begun = time.monotonic()
    assert client.post(link, {"meets_need": "yes", "as_expected": "yes"}).status_code == 302
    assert tasks.Broker.rest_until >= begun + tasks.BROKER_REST_SECONDS, "the next does not try"
    change = Change.objects.get(pk=change.pk)
    assert change.state == "closed"
    assert worded().filter(subject__contains="Closed", status=STATUS.queued).count() == 2
    tasks.send_queued_mail()
    assert all_sent()
    subjects = [message["Subject"] for message in smtp_server.messages]
    assert sum("Closed" in subject for subject in subjects) == 2


def without_broker() -> None:
    """Start the task as always, on a broker that is not there."""
    with current_app.connection_for_write(NOBODY_THERE) as connection:
        tasks.send_queued_mail.apply_async(connection=connection)


def test_with_the_mail_server_down_mail_waits_and_goes_out_later(
    smtp_server: Mailbox, settings: Any
) -> None:
    rows = queue(5)
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    for _time in range(3):
        dispatch.deliver_due()
    assert smtp_server.messages == []
    tried = Email.objects.filter(status=STATUS.requeued)
    assert tried.count() == 3, "each pass tries one mail and then lets the server be"
    assert {row.number_of_retries for row in tried} == {1}
    settings.EMAIL_PORT = port
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        dispatch.deliver_due()
    assert all_sent()
    sent = [message["Message-ID"] for message in smtp_server.messages]
    assert sorted(sent) == sorted(row.message_id for row in rows)


def test_a_server_that_is_busy_is_asked_again_later_and_later(smtp_server: Mailbox) -> None:
    queue(1)
    smtp_server.refuse("451 Try again later")
    pauses = []
    for _time in range(4):
        row = Email.objects.get()
        with time_machine.travel(row.scheduled_time or timezone.now(), tick=False):
            dispatch.deliver_due()
            row.refresh_from_db()
            pauses.append((row.scheduled_time - timezone.now()) // timedelta(minutes=1))
    assert pauses == [1, 2, 4, 8]
    smtp_server.accept()
    with time_machine.travel(row.scheduled_time):
        dispatch.deliver_due()
    assert all_sent()
    assert row.logs.count() == 5


def test_a_refusal_for_good_is_noted_and_holds_up_nobody(smtp_server: Mailbox) -> None:
    first, second = queue(2)
    smtp_server.refuse("550 No such person")
    dispatch.deliver_due(seconds=0.000_001)
    dispatch.deliver_due()
    assert set(Email.objects.values_list("status", flat=True)) == {STATUS.failed}
    assert "No such person" in first.logs.get().message
    smtp_server.accept()
    queue(1)
    dispatch.deliver_due()
    assert len(smtp_server.messages) == 1
    assert second.logs.count() == 1, "it is not tried again"


def test_a_mail_that_cannot_be_built_holds_up_nobody(smtp_server: Mailbox) -> None:
    broken, _sound = queue(2)
    Email.objects.filter(pk=broken.pk).update(subject="Two\nlines")
    dispatch.deliver_due()
    broken.refresh_from_db()
    assert broken.status == STATUS.failed
    assert [message["Subject"] for message in smtp_server.messages] == ["Mail 1"]


def test_a_mail_is_given_up_after_days(smtp_server: Mailbox) -> None:
    queue(1)
    smtp_server.refuse("451 Try again later")
    with time_machine.travel(timezone.now() + sending.GIVE_UP_AFTER + timedelta(minutes=1)):
        dispatch.deliver_due()
    assert Email.objects.get().status == STATUS.failed
