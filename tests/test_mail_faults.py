"""Parts of mail that die: a worker, the mail server, the broker. Nothing is lost.

Real processes are killed with SIGKILL, as a machine without memory does it.
"""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from post_office.models import STATUS, Email

from changes import lifecycle, tasks
from changes.models import AccessLink, Change, DeliveryProblem, MailEvent
from expansive_cm.celery import app
from expansive_cm.services.valkey import Valkey
from tests import stories
from tests.people import Cast, person
from tests.smtp import Mailbox
from tests.test_worker import all_sent, queue
from tests.worker import PATIENCE_SECONDS, Worker, running_worker, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
MORNING = datetime(2027, 3, 2, 9, 0, tzinfo=ZoneInfo("Europe/London"))


@pytest.fixture(autouse=True)
def broker_not_known_to_be_down() -> Iterator[None]:
    """Forget what an earlier test found out."""
    tasks.Broker.rest_until = 0.0
    yield
    tasks.Broker.rest_until = 0.0


# --- The worker dies ----------------------------------------------------------------------------


def test_a_worker_killed_twice_loses_no_mail_and_repeats_only_the_one_in_flight(
    smtp_server: Mailbox, celery_worker_process: Worker
) -> None:
    rows = queue(40)
    for reached in (10, 25):
        smtp_server.hold(reached)
        wait_until(lambda: smtp_server.held, task=tasks.send_queued_mail)
        celery_worker_process.kill()
        assert len(smtp_server.messages) == reached
        smtp_server.release()
        celery_worker_process.start()
    wait_until(all_sent, task=tasks.send_queued_mail)
    sent = Counter(message["Message-ID"] for message in smtp_server.messages)
    assert set(sent) == {row.message_id for row in rows}, "none lost, and no other Message-ID"
    repeated = [count for count in sent.values() if count > 1]
    assert repeated == [2, 2], "taken and not answered when the worker died, each time"


@pytest.fixture
def change(transactional_db: None, cast: Cast) -> Change:
    """A change whose mails nobody has been asked to send: it is made before there is a worker."""
    return stories.in_review(cast)


def test_a_worker_killed_after_a_refusal_leaves_it_to_the_next_one(
    cast: Cast, change: Change, smtp_server: Mailbox, celery_worker_process: Worker
) -> None:
    """The refusal and its flag are two transactions; the rows say what is left to do."""
    smtp_server.refuse("550 No such person")
    smtp_server.hold(2)
    wait_until(lambda: smtp_server.held, task=tasks.send_queued_mail)
    celery_worker_process.kill()
    assert Email.objects.filter(status=STATUS.failed).count() == 1
    assert not MailEvent.objects.exists(), "the refusal is there, its flag is not"
    smtp_server.release()
    celery_worker_process.start()
    failed = Email.objects.filter(status=STATUS.failed, notices__change=change)
    wait_until(
        lambda: failed.exists() and MailEvent.objects.count() >= failed.count(),
        task=tasks.send_queued_mail,
    )
    people = set(DeliveryProblem.objects.values_list("person__email", flat=True))
    assert cast.requester.email in people
    assert Counter(DeliveryProblem.objects.values_list("person")).most_common(1)[0][1] == 1


# --- The mail server is away --------------------------------------------------------------------


def test_with_smtp_away_for_an_hour_nothing_is_lost_and_links_live_from_sending(
    cast: Cast, smtp_server: Mailbox, settings: Any
) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    with time_machine.travel(MORNING, tick=False) as clock:
        change = stories.in_confirmation(cast)
        waiting = Email.objects.count()
        for _minute in range(60):
            tasks.send_queued_mail()
            clock.shift(60)
        assert smtp_server.messages == []
        assert not Email.objects.filter(status=STATUS.failed).exists()
        tried = max(Email.objects.values_list("number_of_retries", flat=True), key=lambda n: n or 0)
        assert tried <= 6, "it is asked later and later"
        settings.EMAIL_PORT = port
        minutes = 0
        while not all_sent():
            tasks.send_queued_mail()
            clock.shift(60)
            minutes += 1
            assert minutes <= 61, "the longest pause is an hour"
        sent = [message["Message-ID"] for message in smtp_server.messages]
        over = Email.objects.exclude(expires_at=None)
        told = over.values_list("notices__message", flat=True)
        assert set(told) <= {"your_turn"}, "steps that were taken"
        assert len(sent) == len(set(sent)) == waiting - len(over)
        asked = change.confirmations.get().links.get()
        life = timedelta(days=django_settings.CONFIRMATION_LINK_DAYS)
        assert asked.expires_at == asked.email.last_updated + life
        assert asked.email.last_updated >= MORNING + timedelta(hours=1)
        for link in AccessLink.objects.select_related("email"):
            days = timedelta(days=django_settings.ACCESS_LINK_DAYS)
            assert link.expires_at == link.email.last_updated + days
    assert not DeliveryProblem.objects.exists(), "late is not lost"


# --- The broker is away -------------------------------------------------------------------------


class Broker:
    """A Valkey of one test, which may die and come back empty on the same port."""

    def __init__(self, folder: Path) -> None:
        self.server = Valkey(folder / "valkey", folder / "valkey.log")
        self.child = self.server.child()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.server.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.child.command, cwd=self.child.cwd, env=self.child.env, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, self.server.log.read_text()
            time.sleep(0.05)

    def _answers(self) -> bool:
        import redis

        try:
            with redis.Redis.from_url(self.server.url(), socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def kill_and_wipe(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.server.forget()


@pytest.fixture
def broker(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """A broker of this test's own, which this process and its workers use."""
    broker = Broker(tmp_path)
    broker.start()
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    before = app.conf.broker_url
    settings.CELERY_BROKER_URL = f"{broker.server.url().rpartition('/')[0]}/{number}"
    monkeypatch.setenv("REDIS_URL", broker.server.url())
    app.conf.broker_url = settings.CELERY_BROKER_URL
    app._after_fork()
    yield broker
    app.conf.broker_url = before
    app._after_fork()
    assert broker.process is not None
    broker.process.kill()
    broker.process.wait()


def test_with_the_broker_killed_and_wiped_requests_go_on_and_mail_follows(
    cast: Cast, smtp_server: Mailbox, broker: Broker, tmp_path: Path, client: Client
) -> None:
    change = stories.in_review(cast)
    with running_worker(tmp_path / "worker.log") as worker:
        wait_until(all_sent, task=tasks.send_queued_mail)
        wait_until(worker.is_idle)
        before = len(smtp_server.messages)
        broker.kill_and_wipe()
        client.force_login(cast.success)
        begun = time.monotonic()
        for number in range(3):
            address = reverse("changes:comment", args=[change.pk])
            answer = client.post(address, {"body": f"Word {number}.", "audience": "public"})
            assert answer.status_code == 302
        assert time.monotonic() - begun < 60, "nobody waits for a broker that is not there"
        assert change.comments.count() == 3
        assert Email.objects.filter(status=STATUS.queued, expires_at=None).count() == 6
        assert len(smtp_server.messages) == before
        broker.start()
        tasks.Broker.rest_until = 0.0
        wait_until(all_sent, task=tasks.send_queued_mail)
    bodies = [message.as_string() for message in smtp_server.messages[before:]]
    for number in range(3):
        assert sum(f"Word {number}." in body for body in bodies) == 2
    sent = [message["Message-ID"] for message in smtp_server.messages]
    assert len(sent) == len(set(sent)), "and nothing twice"


# --- Many readers -------------------------------------------------------------------------------


def test_one_comment_to_many_readers_reaches_each_of_them_once(
    cast: Cast, smtp_server: Mailbox, celery_worker_process: Worker
) -> None:
    change = stories.in_review(cast)
    guests = [person(f"Guest {number}", organisation=cast.harbour) for number in range(40)]
    change.watchers.add(*guests)
    wait_until(all_sent, task=tasks.send_queued_mail)
    before = len(smtp_server.messages)
    lifecycle.comment(Change.objects.get(pk=change.pk), actor=cast.success, body="To all.")
    wait_until(all_sent, task=tasks.send_queued_mail)
    reached = [message["X-Envelope-To"] for message in smtp_server.messages[before:]]
    assert sorted(reached) == sorted({*reached}) and len(reached) == 42
