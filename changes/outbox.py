"""The outbox: every mail is a row written with the act it tells of, and sent afterwards.

django-post-office holds the rows, `dispatch.py` sends them. A mail about a change gets its words
only then: until that it is a row without any, and what it will tell are its notices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import make_msgid, parseaddr
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from post_office.models import PRIORITY, STATUS, Email
from post_office.signals import email_queued
from simple_history.utils import bulk_create_with_history

from accounts.middleware import zone_of
from accounts.models import User

from .models import AccessLink, Change, ConfirmationLink, MailFile

Link = AccessLink | ConfirmationLink

LONGEST_CHAIN = 10
"""Of the mails before it so many are named by a mail: clients need the root and the last ones."""

SIGNATURE = "-- "
"""The line by which mail clients know where the text ends; its space belongs to it."""

UNWORDED = "not worded yet"
"""Stands where a mail names its way out: there is none of this name, so nothing can send it."""


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
    email = blank(person, headers=headers, priority=priority)
    fill(email, tag, render(person, message, context))
    carry(email, links)
    return email


def blank(person: User, *, headers: Mapping[str, str], priority: int) -> Email:
    """Return a mail that has no words yet, unsaved."""
    return Email(
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[person.email],
        status=STATUS.queued,
        priority=priority,
        message_id=make_msgid(domain=settings.POST_OFFICE["MESSAGE_ID_FQDN"]),
        headers=dict(headers),
        backend_alias=UNWORDED,
    )


def is_worded(email: Email) -> bool:
    """Whether a mail has its words already."""
    return email.backend_alias != UNWORDED


def fill(email: Email, tag: str, words: Words) -> None:
    """Put words into a mail, unsaved; ``tag`` begins its subject."""
    email.subject = f"[{tag}] {words.subject}"
    email.message, email.html_message = words.text, words.html
    email.backend_alias = ""


def carry(email: Email, links: Sequence[Link]) -> None:
    """Note which links a mail carries that is not in the outbox yet."""
    email.carries = tuple(links)  # type: ignore[attr-defined]


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


def keep_words(email: Email) -> None:
    """Save what a mail in the outbox says, and the headers and urgency that follow from it."""
    names = ("subject", "message", "html_message", "headers", "priority", "backend_alias")
    set_values(email, **{name: getattr(email, name) for name in names})


def take_words_back(email: Email, *, at_least: int) -> None:
    """Let a mail that waits be worded as it goes out: there is more for it to tell.

    It is at least as urgent as ``at_least`` from now on.
    """
    wanted: dict[str, Any] = {"priority": max(email.priority or 0, at_least)}
    if is_worded(email):
        wanted |= {"subject": "", "message": "", "html_message": "", "backend_alias": UNWORDED}
    news = {name: value for name, value in wanted.items() if getattr(email, name) != value}
    if news:
        _change(email, **news)


def hurry(email: Email, due: datetime | None = None) -> None:
    """Let a mail that waits go out as soon as the transaction commits, or when it is ``due``."""
    _change(email, scheduled_time=due)
    wake(email)


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


def is_of_thread(email: Email, begins: str) -> bool:
    """Whether a mail is of a thread whose name (``thread_headers``) begins so."""
    return str((email.headers or {}).get("References", "")).startswith(f"<{begins}")


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


def _change(email: Email, **values: Any) -> None:
    """Change a mail in the outbox, and this copy of it."""
    for name, value in values.items():
        setattr(email, name, value)
    set_values(email, **values)


def set_values(email: Email, **values: Any) -> None:
    """Change the row of a mail, and nothing of this copy of it."""
    Email.objects.filter(pk=email.pk).update(last_updated=timezone.now(), **values)
