"""A mail as a row of the outbox: written with the act it tells of, and sent afterwards.

It may be a row without words, which it gets only as it goes out.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import make_msgid
from typing import Any

from django.conf import settings
from django.utils import timezone
from post_office.models import STATUS, Email
from post_office.signals import email_queued

from .words import Words

UNWORDED = "not worded yet"
"""Stands where a mail names its way out: there is none of this name, so nothing can send it."""


def blank(address: str, *, headers: Mapping[str, str], priority: int) -> Email:
    """Return a mail that has no words yet, unsaved.

    It is built here and not by post_office, which would read titles and comments as templates.
    """
    return Email(
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[address],
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


def wake(rows: Sequence[Email]) -> None:
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
    wake([email])


def _change(email: Email, **values: Any) -> None:
    """Change a mail in the outbox, and this copy of it."""
    for name, value in values.items():
        setattr(email, name, value)
    set_values(email, **values)


def set_values(email: Email, **values: Any) -> None:
    """Change the row of a mail, and nothing of this copy of it."""
    Email.objects.filter(pk=email.pk).update(last_updated=timezone.now(), **values)
