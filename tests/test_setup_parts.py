"""Browser, worker, broker and mail server of the tests are real and work together."""

import os
import time
from typing import Any

import pytest
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from post_office import mail
from post_office.models import STATUS, Email

from changes.tasks import send_queued_mail
from tests.smtp import Mailbox
from tests.worker import Worker, wait_until


def test_a_browser_shows_a_page_and_keeps_to_the_policy(page: Any) -> None:
    page.goto("/account/login/")
    page.get_by_label("E-mail").first.wait_for()
    assert page.evaluate("getComputedStyle(document.body).fontFamily") != ""


@pytest.mark.django_db(transaction=True)
def test_the_worker_sends_what_was_committed(
    smtp_server: Mailbox, celery_worker_process: Worker
) -> None:
    with transaction.atomic():
        mail.send(
            "somebody@example.org",
            "changes@example.org",
            subject="Committed first",
            message="Then sent.",
        )
    wait_until(lambda: smtp_server.messages, task=send_queued_mail)
    (message,) = smtp_server.messages
    assert (message["Subject"], message["X-Envelope-To"]) == (
        "Committed first",
        "somebody@example.org",
    )
    wait_until(lambda: Email.objects.get().status == STATUS.sent)


def test_starting_work_without_a_broker_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody_there = current_app.connection_for_write("redis://127.0.0.1:1/0")
    begun = time.monotonic()
    with pytest.raises(OperationalError):
        send_queued_mail.apply_async(connection=nobody_there)
    assert time.monotonic() - begun < 60, "it does not wait until there is one"


@pytest.mark.xdist_group("together")
def test_tests_of_a_group_stay_in_one_process(request: pytest.FixtureRequest) -> None:
    """Where tests are handed out to processes, the group is part of what is handed out."""
    parallel = "PYTEST_XDIST_WORKER" in os.environ
    assert request.node.nodeid.endswith("@together") is parallel
