"""Sending what lies in the outbox.

django-post-office's own sender marks a whole batch as sent at the end and locks with a file on
one machine; here each mail is claimed, sent and marked in a transaction of its own, so that two
workers never send the same one and a killed worker repeats at most the one that was in flight,
with the same Message-ID.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import DateTimeField, Q, QuerySet
from django.utils import timezone
from post_office.connections import connections
from post_office.models import STATUS, Email

from accounts.models import User
from expansive_cm.post.rows import UNWORDED, set_values
from expansive_cm.statements import Given, ObjectStatement, read_related

from .models import AccessLink, ConfirmationLink
from .refusals import is_final, is_unreachable
from .secret_links import without_links

logger = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(days=5)
"""How long a mail is tried, counted from when it was written; mail servers do the same."""
LONGEST_PAUSE_MINUTES = 60
PASS_SECONDS = 240
"""How long one pass goes on; what is left then is for the next one."""
SMTP_PATIENCE_MS = 300_000

SETTLE: list[Callable[[Email], bool]] = []
"""Asked of each mail just before it goes: writes it anew, and says whether it still goes."""


def due(now: datetime | Given) -> QuerySet[Email]:
    """Return the mails to send now: the most urgent first, then the oldest."""
    ready = Q(scheduled_time=None) | Q(scheduled_time__lte=now)
    # What was dropped stays so, whatever the clock says: also between wording and sending.
    waiting = Email.objects.filter(status__in=[STATUS.queued, STATUS.requeued], expires_at=None)
    return waiting.filter(ready).order_by("-priority", "pk")


NOW = Given("now", DateTimeField())
NEXT = ObjectStatement(lambda: _locked(due(NOW))[:1])
SETTLED = ObjectStatement(
    lambda: _locked(due(NOW).filter(pk=Given("email")).exclude(backend_alias=UNWORDED))
)
READER = ObjectStatement(
    lambda: User.objects.filter(notices__email=Given("email")).order_by("pk")[:1]
)


def _locked(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Lock what is found, and leave out what somebody else has locked."""
    return rows.select_for_update(skip_locked=True, of=("self",))


def deliver_due(seconds: float = PASS_SECONDS) -> bool:
    """Send what is due, one mail after the other; return whether some may be left.

    Stops when the mail server cannot be reached: what waits then stays queued for the next pass.
    """
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            if not _deliver_next():
                return False
        return True
    finally:
        connections.close()


def _deliver_next() -> bool:
    """Claim and send one mail; return whether it is worth going on.

    It says how things are as it goes out, and its words are committed before it is tried: what
    was tried may have arrived, whatever became of the worker, and must not bring dead links.
    """
    now = timezone.now()
    with transaction.atomic():
        email = next(iter(NEXT.objects(now=now)), None)
        if email is None:
            return False
        _readdress(email)
        try:
            with transaction.atomic():
                goes = all(settles(email) for settles in SETTLE)
        except Exception as error:
            # Our own fault and no mail server's answer: a later version may be able to word it.
            logger.exception("Could not word mail %s", email.pk)
            _note_failure(email, error, now, is_final=False)
            return True
    return _send(email.pk, now) if goes else True


def _send(key: int, now: datetime) -> bool:
    """Send one mail that is settled; return as above.

    Unless somebody else is at it, or has given it more to tell since.
    """
    with transaction.atomic():
        email = next(iter(SETTLED.objects(email=key, now=now)), None)
        if email is None:
            return True
        _be_patient()
        try:
            with transaction.atomic():
                _come_back_to_us(email)
                _attach_files(email)
                email.dispatch(commit=False, disconnect_after_delivery=False)
        except Exception as error:
            connections.close()
            _note_failure(email, error, now, is_final=is_final(error))
            return not is_unreachable(error)
        set_values(email, status=STATUS.sent, **_without_links(email))
        email.logs.create(status=STATUS.sent)
        _start_links(email)
        return True


def _without_links(email: Email) -> dict[str, Any]:
    """Return what is kept of a mail that was sent: its words, without the links that act.

    Only its reader may have those. The demonstration's mails are read here, and keep them.
    """
    if settings.DEMO:
        return {}
    headers = {name: without_links(str(value)) for name, value in (email.headers or {}).items()}
    return {
        "message": without_links(email.message),
        "html_message": without_links(email.html_message),
        "headers": headers,
    }


def _readdress(email: Email) -> None:
    """Send what waits to the address that its reader has now, and its links with it.

    Who that is say the notices of the mail; for mail without any, the history of addresses.
    """
    person = next(iter(READER.objects(email=email.pk)), None) or _former_owner(email.to)
    if person is None or email.to == [person.email]:
        return
    set_values(email, to=[person.email])
    email.to = [person.email]
    for model in (AccessLink, ConfirmationLink):
        for link in model.objects.filter(email=email).select_for_update(of=("self",)):
            link.sent_to = person.email
            link._change_reason = "the mail that carries it goes to the corrected address"
            link.save(update_fields=["sent_to"])


def _former_owner(addresses: list[str]) -> User | None:
    """Return who had an address that nobody has now."""
    if len(addresses) != 1 or User.objects.filter(email__iexact=addresses[0]).exists():
        return None
    had = User.history.filter(email__iexact=addresses[0]).order_by("-history_id").first()
    return had and User.objects.filter(pk=had.id).first()


def _start_links(email: Email) -> None:
    """Let the links of a mail live from now on, however long it had to wait.

    One that is locked is in use at this moment: it is not waited for. No plan is kept of this
    question: the mail is out, and a plan that a migration has made void would send it again.
    """
    lives: dict[type[Any], int] = {
        AccessLink: settings.ACCESS_LINK_DAYS,
        ConfirmationLink: settings.CONFIRMATION_LINK_DAYS,
    }
    for model, days in lives.items():
        for link in _locked(model.objects.filter(email=email)):
            link.expires_at = timezone.now() + timedelta(days=days)
            link._change_reason = "the mail that carries it was sent"
            link.save(update_fields=["expires_at"])


def _come_back_to_us(email: Email) -> None:
    """Let what cannot be delivered return to the mailbox that is read, if there is one."""
    if settings.REPLY_ADDRESS:
        message = email.email_message()
        message.extra_headers.setdefault("From", message.from_email)
        message.from_email = settings.REPLY_ADDRESS


def _attach_files(email: Email) -> None:
    """Put a mail's files onto the message that is sent.

    An invitation stands beside the text too, where calendars look for it, as well as in a file.
    """
    message = email.email_message()
    for file in read_related(email, "files"):
        content = bytes(file.content)
        if file.is_calendar:
            message.attach_alternative(content.decode(), file.content_type)
        message.attach(file.name, content, file.content_type.partition(";")[0])


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
