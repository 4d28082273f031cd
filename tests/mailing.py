"""What tests read of the outbox."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from post_office.models import STATUS, Email

from changes import dispatch, letters
from changes.settling import settle
from expansive_cm.post.rows import UNWORDED
from tests.remembered import made_anew


def worded(**which: Any) -> QuerySet[Email]:
    """Return the outbox, or those of its rows, worded as the worker does it where they wait.

    Wording is most of what such a test costs: whoever reads one mail asks for that, by ``pk``,
    ``pk__gt`` or ``to``, which it has before it has words.
    """
    rows = Email.objects.filter(**which)
    wordless = rows.filter(backend_alias=UNWORDED, expires_at=None).order_by("pk")
    with transaction.atomic():
        for email in wordless.select_for_update(of=("self",)):
            settle(email)
    return rows


@contextmanager
def worded_at_once() -> Iterator[None]:
    """Let every mail get its words right after its step, as by a worker with nothing else to do."""
    send = letters.send

    def send_and_word(*arguments: Any) -> None:
        send(*arguments)
        worded()

    with made_anew(), patch.object(letters, "send", send_and_word):
        yield


def told(since: int = 0) -> list[tuple[str, str]]:
    """Return (first name, subject without reference and title) of the mails after a row."""
    rows = worded(pk__gt=since).order_by("pk")
    return sorted((row.to[0].split(".")[0], short(row.subject)) for row in rows)


def short(subject: str) -> str:
    """Return a subject without the change's reference and title."""
    return re.sub(r"^\[CR-\d+\] ", "", subject).rpartition(": ")[0]


def last_row() -> int:
    """Return the newest row of the outbox, 0 while it is empty."""
    return Email.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def mail_to(email: str) -> Email:
    """Return the newest mail to an address."""
    return worded(to=email).order_by("-pk")[0]


def link_in(row: Email) -> str:
    """Return the path of the one link to a confirmation in a mail; both bodies carry the same."""
    return link_between(row.message, row.html_message)


def link_between(*bodies: str) -> str:
    """Return the path of the one link to a confirmation that all bodies of a mail carry."""
    links = {re.search(r"/confirm/[^/\s\"]+/", body).group() for body in bodies}
    assert len(links) == 1
    return links.pop()


def addresses_but_for_choices(body: str) -> int:
    """Count our addresses in a mail's body, without the one where people choose what they hear."""
    choices = settings.BASE_URL + reverse("changes:news")
    return body.count(f"{settings.BASE_URL}/") - body.count(choices)


def deliver() -> None:
    """Send what waits: until then nobody has been asked anything."""
    while dispatch.deliver_due():
        pass


def deliver_questions() -> None:
    """Send the questions that wait, which have their words; pass over the rest as if it were sent.

    For tests of silence, which read nothing of what else was told on the way there.
    """
    Email.objects.filter(backend_alias=UNWORDED).update(status=STATUS.sent)
    deliver()
