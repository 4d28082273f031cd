"""Mails about changes, and what of ours a mail carries: its reader, links and files.

Every mail is a row of the outbox (``expansive_cm/post``), written with the act it tells of;
`dispatch.py` sends it afterwards. A mail about a change gets its words only then: until that it is
a row without any, and what it will tell are its notices.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from post_office.models import PRIORITY, Email
from simple_history.utils import bulk_create_with_history

from accounts.middleware import zone_of
from accounts.models import User
from expansive_cm.post.rows import blank, fill, wake
from expansive_cm.post.threads import thread_headers
from expansive_cm.post.words import Someone, Words, absolute, words_of

from .models import AccessLink, Change, ConfirmationLink, MailFile

Link = AccessLink | ConfirmationLink


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

    ``message`` names the folder under templates/email with subject, text and HTML.
    """
    email = blank(person.email, headers=headers, priority=priority)
    fill(email, tag, render(person, message, context))
    carry(email, links)
    return email


def compose_each(
    people: Iterable[User],
    message: str,
    context: Mapping[str, Any],
    own: Mapping[int, Mapping[str, Any]],
    *,
    tag: str,
    headers: Mapping[str, str],
    priority: int = PRIORITY.medium,
) -> list[Email]:
    """Return one mail to each person, unsaved, in their time zone.

    ``own`` has what only one person reads, by primary key. For all who read the same, but for
    the name that greets them, it is put into words once: of a person the templates of such a
    message read nothing else.
    """
    stand_in = secrets.token_hex(16)  # which nobody can have written anywhere
    drawn: list[tuple[Any, Words]] = []
    emails = []
    for person in people:
        theirs = {"may_sign_in": person.has_usable_password(), **own.get(person.pk, {})}
        key = zone_of(person), theirs
        words = next((words for known, words in drawn if known == key), None)
        if words is None:
            whole = {**context, **theirs, "person": Someone(stand_in)}
            words = words_of(message, whole, zone_of(person))
            drawn.append((key, words))
        email = blank(person.email, headers=headers, priority=priority)
        fill(email, tag, words.with_name(stand_in, person.display_name))
        emails.append(email)
    return emails


def carry(email: Email, links: Sequence[Link]) -> None:
    """Note which links a mail carries that is not in the outbox yet."""
    email.carries = tuple(links)


def render(person: User, message: str, context: Mapping[str, Any]) -> Words:
    """Put a message into words for one reader, in their time zone.

    With ``part`` in the context the bodies are only what the message itself says, without
    greeting, button and footer.
    """
    own = {"person": person, "may_sign_in": person.has_usable_password()}
    return words_of(message, {**own, **context}, zone_of(person))


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
    wake(rows)


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
