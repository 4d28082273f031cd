"""Sending what lies in the outbox.

django-post-office's own sender marks a whole batch as sent at the end and locks with a file on
one machine; here each mail is claimed, sent and marked in a transaction of its own, so that two
workers never send the same one and a killed worker repeats at most the one that was in flight,
with the same Message-ID.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from post_office.connections import connections
from post_office.models import STATUS, Email

from .refusals import is_final, is_unreachable
from .rows import UNWORDED, set_values

logger = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(days=5)
"""How long a mail is tried, counted from when it was written; mail servers do the same."""
LONGEST_PAUSE_MINUTES = 60
PASS_SECONDS = 240
"""How long one pass goes on; what is left then is for the next one."""
SMTP_PATIENCE_MS = 300_000


@dataclass(frozen=True)
class Handling:
    """What is done with each mail by those who know what it is about, in this order.

    Each runs in the transaction that has locked the mail.
    """

    claim: Callable[[datetime], Email | None]
    """Read the ``first_due`` at a moment."""
    readdress: Callable[[Email], None]
    """Let it go to the address that its reader has now."""
    settle: Callable[[Email], bool]
    """Write it anew where that is needed, and say whether it still goes; an error is our own."""
    claim_settled: Callable[[int, datetime], Email | None]
    """Read the one with this key, where it is ``still_due`` at a moment."""
    attach: Callable[[Email], None]
    """Put its files onto the message that is sent."""
    kept: Callable[[Email], dict[str, Any]]
    """Say what the row keeps of it once it was sent, by field."""
    sent: Callable[[Email], None]
    """Do what begins when it was sent."""


def due(now: Any) -> QuerySet[Email]:
    """Return the mails to send at a moment: the most urgent first, then the oldest."""
    ready = Q(scheduled_time=None) | Q(scheduled_time__lte=now)
    # What was dropped stays so, whatever the clock says: also between wording and sending.
    waiting = Email.objects.filter(status__in=[STATUS.queued, STATUS.requeued], expires_at=None)
    return waiting.filter(ready).order_by("-priority", "pk")


def first_due(now: Any) -> QuerySet[Email]:
    """Return, locked, the mail to send next; ``now`` may be a value that is given later."""
    return locked(due(now))[:1]


def still_due(key: Any, now: Any) -> QuerySet[Email]:
    """Return, locked, one mail that has its words, unless it is not to be sent any more."""
    return locked(due(now).filter(pk=key).exclude(backend_alias=UNWORDED))


def locked(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Lock what is found, and leave out what somebody else has locked."""
    return rows.select_for_update(skip_locked=True, of=("self",))


def deliver_due(handling: Handling, seconds: float) -> bool:
    """Send what is due, one mail after the other; return whether some may be left.

    Stops when the mail server cannot be reached: what waits then stays queued for the next pass.
    """
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            if not deliver_next(handling):
                return False
        return True
    finally:
        connections.close()


def deliver_next(handling: Handling) -> bool:
    """Claim and send one mail; return whether it is worth going on.

    It says how things are as it goes out, and its words are committed before it is tried: what
    was tried may have arrived, whatever became of the worker, and must not bring dead links.
    """
    now = timezone.now()
    with transaction.atomic():
        email = handling.claim(now)
        if email is None:
            return False
        handling.readdress(email)
        try:
            with transaction.atomic():
                goes = handling.settle(email)
        except Exception as error:
            # Our own fault and no mail server's answer: a later version may be able to word it.
            logger.exception("Could not word mail %s", email.pk)
            _note_failure(email, error, now, is_final=False)
            return True
    return _send(handling, email.pk, now) if goes else True


def _send(handling: Handling, key: int, now: datetime) -> bool:
    """Send one mail that is settled; return as above.

    Unless somebody else is at it, or has given it more to tell since.
    """
    with transaction.atomic():
        email = handling.claim_settled(key, now)
        if email is None:
            return True
        _be_patient()
        try:
            with transaction.atomic():
                _come_back_to_us(email)
                handling.attach(email)
                email.dispatch(commit=False, disconnect_after_delivery=False)
        except Exception as error:
            connections.close()
            _note_failure(email, error, now, is_final=is_final(error))
            return not is_unreachable(error)
        set_values(email, status=STATUS.sent, **handling.kept(email))
        email.logs.create(status=STATUS.sent)
        handling.sent(email)
        return True


def _come_back_to_us(email: Email) -> None:
    """Let what cannot be delivered return to the mailbox that is read, if there is one."""
    if settings.REPLY_ADDRESS:
        message = email.email_message()
        message.extra_headers.setdefault("From", message.from_email)
        message.from_email = settings.REPLY_ADDRESS


def _be_patient() -> None:
    """Let this transaction wait for a slow mail server without being cut off by the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = {SMTP_PATIENCE_MS}")


def _note_failure(email: Email, error: Exception, now: datetime, *, is_final: bool) -> None:
    """Log why a mail was not sent; plan the next attempt, or give it up."""
    retries = email.number_of_retries or 0
    if is_final or now - email.created > GIVE_UP_AFTER:
        set_values(email, status=STATUS.failed)
        logger.error("Mail %s cannot be delivered: %s", email.pk, error)
    else:
        pause = timedelta(minutes=min(2**retries, LONGEST_PAUSE_MINUTES))
        set_values(
            email,
            status=STATUS.requeued,
            number_of_retries=min(retries + 1, 30),
            scheduled_time=now + pause,
        )
        logger.warning("Mail %s waits for %s: %s", email.pk, pause, error)
    email.logs.create(status=STATUS.failed, message=str(error), exception_type=type(error).__name__)
