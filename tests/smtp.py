"""A real SMTP server that keeps what it has taken."""

import time
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest


class Mailbox:
    """Every message that the test's SMTP server has taken, in order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.host = "127.0.0.1"
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content)
        message["X-Envelope-To"] = ", ".join(envelope.rcpt_tos)
        self.messages.append(message)
        return "250 OK"

    def wait_for(self, count: int, seconds: float = 20) -> list[Message]:
        """Wait until `count` messages have come in; fails with what did come."""
        deadline = time.monotonic() + seconds
        while len(self.messages) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        subjects = [message["Subject"] for message in self.messages]
        assert len(subjects) >= count, f"{count} messages expected, these came: {subjects}"
        return self.messages


@pytest.fixture
def smtp_server(settings: Any) -> Iterator[Mailbox]:
    """A real SMTP server; the outbox of this process delivers to it while the test runs."""
    from aiosmtpd.controller import Controller
    from post_office.connections import connections

    from expansive_cm.services.valkey import free_port

    mailbox = Mailbox()
    mailbox.port = free_port()
    controller = Controller(mailbox, hostname=mailbox.host, port=mailbox.port, ready_timeout=60)
    controller.start()
    settings.EMAIL_HOST, settings.EMAIL_PORT = mailbox.host, mailbox.port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    backends = {"default": "django.core.mail.backends.smtp.EmailBackend"}
    settings.POST_OFFICE = {**settings.POST_OFFICE, "BACKENDS": backends}
    connections.close()
    yield mailbox
    connections.close()
    controller.stop()
