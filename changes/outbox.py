"""The outbox: every mail is a row written with the act it tells of, and sent afterwards.

django-post-office holds the rows. Its own sender marks a whole batch as sent at the end and
locks with a file on one machine; here each mail is claimed, sent and marked in a transaction of
its own, so that two workers never send the same one and a killed worker repeats at most the one
that was in flight, with the same Message-ID.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import make_msgid, parseaddr
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone, translation
from post_office.connections import connections
from post_office.models import PRIORITY, STATUS, Email
from post_office.signals import email_queued
from simple_history.utils import bulk_create_with_history

from accounts.middleware import zone_of
from accounts.models import User

from .models import AccessLink, Change, ConfirmationLink, MailFile
from .refusals import is_final, is_unreachable
from .secret_links import without_links

Link = AccessLink | ConfirmationLink

logger = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(days=5)
"""How long a mail is tried, counted from when it was written; mail servers do the same."""
LONGEST_PAUSE_MINUTES = 60
PASS_SECONDS = 240
"""How long one pass goes on; what is left then is for the next one."""
SMTP_PATIENCE_MS = 300_000

LONGEST_CHAIN = 10
"""Of the mails before it so many are named by a mail: clients need the root and the last ones."""

SIGNATURE = "-- "
"""The line by which mail clients know where the text ends; its space belongs to it."""

SETTLE: list[Callable[[Email], bool]] = []
"""Asked of each mail just before it goes: writes it anew, and says whether it still goes."""


# --- Writing ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """What one mail says."""

    subject: str
    text: str
    html: str


def write(
    person: User,
    message: str,
    change: Change,
    context: Mapping[str, Any],
    priority: int = PRIORITY.medium,
    *,
    links: Sequence[Link] = (),
    headers: Mapping[str, str] | None = None,
) -> Email:
    """Return one mail about a change, unsaved, in the person's time zone.

    ``links`` are the saved links that it carries: ``put`` ties them to the mail, so that they
    live as long as promised from the moment it is sent.
    """
    return compose(
        person,
        message,
        about(change, context),
        tag=change.reference,
        headers=headers_of(change) if headers is None else headers,
        priority=priority,
        links=links,
    )


def about(change: Change, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return a context with what every mail about a change says."""
    return {"change": change, "url": absolute(change.get_absolute_url()), **context}


def compose(
    person: User,
    message: str,
    context: Mapping[str, Any],
    *,
    tag: str,
    headers: Mapping[str, str],
    priority: int = PRIORITY.medium,
    links: Sequence[Link] = (),
) -> Email:
    """Return one mail, unsaved, in the person's time zone; ``tag`` begins its subject.

    ``message`` names the folder under templates/email with subject, text and HTML. The row is
    built here and not by post_office, which would read titles and comments as templates.
    """
    words = render(person, message, context)
    email = Email(
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[person.email],
        subject=f"[{tag}] {words.subject}",
        message=words.text,
        html_message=words.html,
        status=STATUS.queued,
        priority=priority,
        message_id=make_msgid(domain=settings.POST_OFFICE["MESSAGE_ID_FQDN"]),
        headers=dict(headers),
    )
    email.carries = tuple(links)  # type: ignore[attr-defined]
    return email


def render(person: User, message: str, context: Mapping[str, Any]) -> Words:
    """Put a message into words for one reader, in their time zone.

    With ``part`` in the context the bodies are only what the message itself says, without
    greeting, button and footer.
    """
    zone = zone_of(person)
    context = {
        "person": person,
        "may_sign_in": person.has_usable_password(),
        "reply_address": settings.REPLY_ADDRESS,
        "zone": str(zone),
        **context,
    }
    with timezone.override(zone), translation.override(settings.LANGUAGE_CODE):
        subject = render_to_string(f"email/{message}/subject.txt", context)
        text = render_to_string(f"email/{message}/body.txt", context)
        html = render_to_string(f"email/{message}/body.html", context)
    return Words(" ".join(subject.split()), _tidy(text), html)


def put(rows: Sequence[Email], files: Sequence[MailFile] = ()) -> None:
    """Put mails into the outbox, within the transaction that runs; its commit starts delivery.

    Every mail carries every one of ``files``, which are unsaved. Addresses are not checked
    again: one that the mail server refuses must not undo the act.
    """
    if not rows:
        return
    Email.objects.bulk_create(rows)
    tie({row: getattr(row, "carries", ()) for row in rows})
    for file in files:
        file.save()
        file.emails.set(rows)
    wake(*rows)


def wake(*rows: Email) -> None:
    """Let delivery start as soon as the transaction commits."""
    email_queued.send(sender=Email, emails=rows)


def absolute(path: str) -> str:
    """Return an address that works from a mail client."""
    return f"{settings.BASE_URL.rstrip('/')}{path}"


def tie(carried: Mapping[Email, Sequence[Link]]) -> None:
    """Say which mail carries which links: their time begins when it is sent.

    Links that are not saved yet are saved now, with their history.
    """
    drafts: list[AccessLink] = []
    for email, links in carried.items():
        for link in links:
            link.email = email
            if isinstance(link, AccessLink) and link.pk is None:
                drafts.append(link)
            else:
                type(link).objects.filter(pk=link.pk).update(email=email)
    if drafts:
        bulk_create_with_history(drafts, AccessLink)


def headers_of(change: Change, earlier: Sequence[str] = ()) -> dict[str, str]:
    """Return the headers that hold a change's mails together and keep machines from answering.

    ``earlier`` are the Message-IDs of what the same reader was sent before, the newest last.
    """
    team = change.organisation.success_team if change.organisation else None
    return {
        **thread_headers(f"change-{change.pk}", (team and team.email) or "", earlier),
        "X-Change-Request": change.reference,
    }


def thread_headers(thread: str, reply_to: str = "", earlier: Sequence[str] = ()) -> dict[str, str]:
    """Return the headers of one thread of mails that a machine wrote.

    The thread begins with a root that is no mail, the same for all its readers: an answer that
    went to a colleague still says what it is about.
    """
    root = f"<{thread}@{settings.POST_OFFICE['MESSAGE_ID_FQDN']}>"
    chain = [root, *earlier[-LONGEST_CHAIN:]]
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Reply-To": settings.REPLY_ADDRESS or reply_to or sender,
        "References": " ".join(chain),
        "In-Reply-To": chain[-1],
    }


def _tidy(text: str) -> str:
    """Drop the blank lines and trailing spaces that template tags leave behind."""
    lines: list[str] = []
    for line in text.strip().splitlines():
        line = line if line == SIGNATURE else line.rstrip()
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines) + "\n"


# --- Sending ------------------------------------------------------------------------------


def due(now: datetime) -> QuerySet[Email]:
    """Return the mails to send now: the most urgent first, then the oldest."""
    ready = Q(scheduled_time=None) | Q(scheduled_time__lte=now)
    fresh = Q(expires_at=None) | Q(expires_at__gt=now)
    waiting = Email.objects.filter(status__in=[STATUS.queued, STATUS.requeued])
    return waiting.filter(ready & fresh).order_by("-priority", "pk")


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
    """Claim and send one mail; return whether it is worth going on."""
    now = timezone.now()
    with transaction.atomic():
        email = due(now).select_for_update(skip_locked=True, of=("self",)).first()
        if email is None:
            return False
        _be_patient()
        _readdress(email)
        try:
            with transaction.atomic():
                if not all(settles(email) for settles in SETTLE):
                    return True
            _come_back_to_us(email)
            _attach_files(email)
            email.dispatch(commit=False, disconnect_after_delivery=False)
        except Exception as error:
            connections.close()
            _note_failure(email, error, now)
            return not is_unreachable(error)
        _set(email, status=STATUS.sent, **_without_links(email))
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
    person = User.objects.filter(notices__email=email).first() or _former_owner(email.to)
    if person is None or email.to == [person.email]:
        return
    _set(email, to=[person.email])
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

    One that is locked is in use at this moment: it is not waited for.
    """
    lives = {
        AccessLink: settings.ACCESS_LINK_DAYS,
        ConfirmationLink: settings.CONFIRMATION_LINK_DAYS,
    }
    for model, days in lives.items():
        links = model.objects.filter(email=email)
        for link in links.select_for_update(of=("self",), skip_locked=True):
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
    for file in email.files.all():
        content = bytes(file.content)
        if file.is_calendar:
            message.attach_alternative(content.decode(), file.content_type)
        message.attach(file.name, content, file.content_type.partition(";")[0])


def _be_patient() -> None:
    """Let this transaction wait for a slow mail server without being cut off by the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = {SMTP_PATIENCE_MS}")


def _note_failure(email: Email, error: Exception, now: datetime) -> None:
    """Log why a mail was not sent; plan the next attempt, or give it up."""
    retries = email.number_of_retries or 0
    if is_final(error) or now - email.created > GIVE_UP_AFTER:
        _set(email, status=STATUS.failed)
        logger.error("Mail %s cannot be delivered: %s", email.pk, error)
    else:
        pause = timedelta(minutes=min(2**retries, LONGEST_PAUSE_MINUTES))
        _set(
            email,
            status=STATUS.requeued,
            number_of_retries=min(retries + 1, 30),
            scheduled_time=now + pause,
        )
        logger.warning("Mail %s waits for %s: %s", email.pk, pause, error)
    email.logs.create(status=STATUS.failed, message=str(error), exception_type=type(error).__name__)


def _set(email: Email, **values: Any) -> None:
    Email.objects.filter(pk=email.pk).update(last_updated=timezone.now(), **values)
