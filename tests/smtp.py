"""A real SMTP server that keeps what it has taken: one for the run, a fresh mailbox a test."""

import asyncio
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from post_office.connections import connections

from expansive_cm.services.valkey import free_port

TAKEN = "250 OK"


class Mailbox:
    """Every message that the SMTP server has taken during a test, in order."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.messages: list[Message] = []
        self.held = 0
        self._hold_from = 0
        self._refusal = ""
        self._decided = 0

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self._refusal:
            return await self._answer(self._refusal)
        envelope.rcpt_tos.append(address)
        return TAKEN

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content)
        message["X-Envelope-To"] = ", ".join(envelope.rcpt_tos)
        self.messages.append(message)
        return await self._answer(TAKEN)

    async def _answer(self, answer: str) -> str:
        """Give a mail's sender the answer, once nothing holds it up."""
        self._decided += 1
        if self._hold_from and self._decided >= self._hold_from:
            self.held += 1
            try:
                while self._hold_from:
                    await asyncio.sleep(0.01)
            finally:
                self.held -= 1
        return answer

    def hold(self, number: int) -> None:
        """From this mail on (the first is 1) let senders wait for their answer.

        What was taken lies in ``messages`` by then; ``held`` says how many senders wait.
        """
        self._hold_from = number

    def release(self) -> None:
        """Hold nothing any more: whoever waits gets the answer."""
        self._hold_from = 0

    def refuse(self, answer: str) -> None:
        """Refuse every recipient with these words."""
        self._refusal = answer

    def accept(self) -> None:
        """Refuse nobody any more."""
        self._refusal = ""

    def wait_for(self, count: int, seconds: float = 60) -> list[Message]:
        """Wait until `count` messages have come in; fails with what did come."""
        deadline = time.monotonic() + seconds
        while len(self.messages) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        subjects = [message["Subject"] for message in self.messages]
        assert len(subjects) >= count, f"{count} messages expected, these came: {subjects}"
        return self.messages


class Door:
    """What the server hands everything to: the mailbox of the test that runs."""

    mailbox: Mailbox

    async def handle_RCPT(self, *said: Any) -> str:
        return await self.mailbox.handle_RCPT(*said)

    async def handle_DATA(self, *said: Any) -> str:
        return await self.mailbox.handle_DATA(*said)


@pytest.fixture(scope="session")
def smtp_controller() -> Iterator[Controller]:
    """The server of this process, on a port that stays."""
    controller = Controller(Door(), hostname="127.0.0.1", port=free_port(), ready_timeout=60)
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def smtp_server(smtp_controller: Controller, settings: Any) -> Iterator[Mailbox]:
    """A mailbox of this test's own; the outbox of this process delivers to it meanwhile."""
    mailbox = Mailbox(smtp_controller.hostname, smtp_controller.port)
    smtp_controller.handler.mailbox = mailbox
    settings.EMAIL_HOST, settings.EMAIL_PORT = mailbox.host, mailbox.port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    backends = {"default": "django.core.mail.backends.smtp.EmailBackend"}
    settings.POST_OFFICE = {**settings.POST_OFFICE, "BACKENDS": backends}
    connections.close()
    yield mailbox
    mailbox.release()
    connections.close()
