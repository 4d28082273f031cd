"""Mailed links by which a customer's people reach one change without an account.

Only the hash of a link's token is stored; the token itself is in the mail and nowhere else.
"""

import hashlib
import secrets
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from post_office.models import Email

from accounts.continuity import was_away
from accounts.models import User
from expansive_cm.statements import Given, ObjectStatement
from expansive_cm.sure import sure
from expansive_cm.workflow.steps import attribute

from . import permissions, story
from .models import AccessLink, Change, ConfirmationLink, MailEvent, Question

MAILED = "mailed a link to the change"


def hash_token(token: str) -> str:
    """Return what is stored of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_for(change: Change, person: User) -> bool:
    """Whether mail about the change carries a link for this person.

    It does for those of the customer's people who have a part in it: requester, raiser,
    watchers and whom the board asked. An approver signs in.
    """
    if person.is_internal or not permissions.may_see(person, change):
        return False
    return (
        person.pk in (change.requester_id, change.raised_by_id)
        or any(watcher.pk == person.pk for watcher in change.watchers.all())
        or _was_asked(change, person)
    )


def _was_asked(change: Change, person: User) -> bool:
    """Whether the board asked somebody; what was taken back it has not asked."""
    asked = {one.decision_id for one in change.questions.all() if one.answerer_id == person.pk}
    decisions = change.board_decisions.all() if asked else ()
    return any(one.stands for one in decisions if one.pk in asked)


def issue(
    change: Change, person: User, *, actor: User | None, why: str = MAILED
) -> tuple[str, AccessLink]:
    """Create a link to a change for one person; return its path and the link.

    Earlier links go on working. Belongs into the transaction of the step whose mail carries it;
    give the link to that mail (``outbox.write(..., links=[link])``), so that its time begins
    when the mail is sent.
    """
    path, link = draft(change, person, actor=actor, why=why)
    link.save()
    return path, link


def draft(
    change: Change, person: User, *, actor: User | None, why: str = MAILED
) -> tuple[str, AccessLink]:
    """As ``issue``, but unsaved: ``outbox.put`` saves it with the mail that carries it."""
    token = secrets.token_urlsafe(32)
    link = AccessLink(
        change=change,
        person=person,
        token_hash=hash_token(token),
        sent_to=person.email,
        expires_at=timezone.now() + timedelta(days=settings.ACCESS_LINK_DAYS),
    )
    attribute(link, actor=actor, reason=why)
    return _path(token), link


def renew(link: AccessLink) -> str:
    """Give a link that has not been sent another token, which is kept nowhere; return its path.

    For a mail that waits and is written anew: the old token was in its old words only.
    """
    token = secrets.token_urlsafe(32)
    AccessLink.objects.filter(pk=link.pk).update(token_hash=hash_token(token))
    return _path(token)


def _path(token: str) -> str:
    return reverse("changes:request_page", args=[token])


def working(now: datetime | Given | None = None) -> QuerySet[AccessLink]:
    """Return the links that are worth something, now or at a moment that is given.

    A link is worth nothing once it has expired or was revoked, its reader has left, has another
    address than the one it went to, or has no part in the change any more (the rule of
    ``is_for``). Who comes back, or gets an address back, is sent a new one.
    """
    watches = Change.watchers.through.objects.filter(
        change=OuterRef("change"), user=OuterRef("person")
    )
    asked = Question.objects.filter(
        change=OuterRef("change"), answerer=OuterRef("person"), decision__taken_back_at=None
    )
    return AccessLink.objects.filter(
        Q(change__requester=F("person"))
        | Q(change__raised_by=F("person"))
        | Exists(watches)
        | Exists(asked),
        ~was_away(person="person", address="sent_to", since="created_at", made=AccessLink.history),
        revoked_at=None,
        expired_at=None,
        expires_at__gt=now or timezone.now(),
        sent_to__iexact=F("person__email"),
        person__is_active=True,
        person__organisation__isnull=False,
    )


WITH_TOKEN = ObjectStatement(
    lambda: (
        working(Given("now", models.DateTimeField()))
        .filter(token_hash=Given("token", models.CharField()))
        .select_related(
            "person__organisation",
            "change__organisation__success_team",
            "change__requester",
            "change__raised_by",
            "change__owner",
            "change__promised_release",
            "change__release",
        )
    )
)


IN_MAIL = ObjectStatement(
    lambda: (
        working(Given("now", models.DateTimeField())).filter(email=Given("email")).order_by("-pk")
    )
)


def unsent_in(email: Email) -> AccessLink | None:
    """Return the link that a mail in the outbox carries while it is worth something."""
    return next(iter(IN_MAIL.objects(email=email.pk, now=timezone.now())), None)


def find(token: str) -> AccessLink | None:
    """Return the link with this token while it is worth something, with its change."""
    link = next(iter(WITH_TOKEN.objects(token=hash_token(token), now=timezone.now())), None)
    if link is None or not permissions.may_see(link.person, link.change):
        return None
    return link


def still_works(link: AccessLink | ConfirmationLink) -> bool:
    """Whether a link that was found before is still worth something, from fresh rows."""
    if isinstance(link, AccessLink):
        found = working().filter(pk=link.pk).select_related("person", "change").first()
        return found is not None and permissions.may_see(found.person, found.change)
    asked = working_confirmations().filter(pk=link.pk)
    asking = asked.select_related("confirmation__change__requester").first()
    if asking is None:
        return False
    change = asking.confirmation.change
    return permissions.may_see(sure(change.requester), change)


def working_confirmations(now: datetime | Given | None = None) -> QuerySet[ConfirmationLink]:
    """Return the links to a confirmation that are worth something, used or not.

    Now, or at a moment that is given.

    Such a link speaks for the requester alone whom it was mailed to: it is worth nothing once
    it has expired or was taken back, another is the requester, or they left or have another
    address, be it for a while.
    """
    return ConfirmationLink.objects.filter(
        ~was_away(
            person="confirmation__change__requester",
            address="sent_to",
            since="created_at",
            made=ConfirmationLink.history,
        ),
        superseded_at=None,
        expired_at=None,
        expires_at__gt=now or timezone.now(),
        sent_to__iexact=F("confirmation__change__requester__email"),
        confirmation__change__requester__is_active=True,
    )


ASKS_WITH_TOKEN = ObjectStatement(
    lambda: (
        working_confirmations(Given("now", models.DateTimeField()))
        .filter(token_hash=Given("token", models.CharField()))
        .select_related(
            "confirmation__change__requester", "confirmation__change__organisation__success_team"
        )
    )
)


def find_confirmation(token: str) -> ConfirmationLink | None:
    """Return the link to a confirmation with this token while it is worth something."""
    found = ASKS_WITH_TOKEN.objects(token=hash_token(token), now=timezone.now())
    link = next(iter(found), None)
    change = link and link.confirmation.change
    return link if change and permissions.may_see(sure(change.requester), change) else None


def whose(token: str) -> tuple[Change, User] | None:
    """Return whom a mailed link was for and what it was about, however long ago that was."""
    hashed = hash_token(token)
    link = AccessLink.objects.filter(token_hash=hashed).select_related("change", "person").first()
    if link is not None:
        return link.change, link.person
    asked = ConfirmationLink.objects.filter(token_hash=hashed)
    asking = asked.select_related("confirmation__change__requester").first()
    if asking is not None and asking.confirmation.change.requester is not None:
        return asking.confirmation.change, asking.confirmation.change.requester
    return None


def note_opened(link: AccessLink | ConfirmationLink) -> None:
    """Remember that a link was opened for the first time, by its reader or by a mail scanner.

    This tells when a mail has arrived; nothing follows from it.
    """
    if link.opened_at is not None:
        return
    unopened = type(link).objects.filter(pk=link.pk, opened_at=None)
    if unopened.update(opened_at=timezone.now()):
        change = link.change if isinstance(link, AccessLink) else link.confirmation.change
        MailEvent.objects.create(
            email_id=link.email_id,
            change=change,
            kind=MailEvent.Kind.OPENED,
            address=link.sent_to,
        )


def note_expired(token: str) -> None:
    """Remember of a link that its reader was told that it has expired.

    It stays so, whatever the clock says later: clocks of machines are set back.
    """
    now = timezone.now()
    for model in (AccessLink, ConfirmationLink):
        lapsed = model.objects.filter(token_hash=hash_token(token), expires_at__lte=now)
        lapsed.filter(expired_at=None).update(expired_at=now)


# --- For Expansive's own people ---------------------------------------------------------------


@dataclass(frozen=True)
class Reader:
    """One of a customer's people, and the links to a change that they were mailed."""

    person: User
    working: int = 0
    last_sent_at: datetime | None = None
    last_opened_at: datetime | None = None


def readers(change: Change) -> list[Reader]:
    """Return who was mailed links to a change, the requester first; costs a query at most."""
    by_person: dict[int, list[AccessLink]] = defaultdict(list)
    told = story.is_told(change, "access_links")
    links = change.access_links.all()
    for link in links if told else links.select_related("person"):
        by_person[link.person_id].append(link)
    found = [_reader(links) for links in by_person.values()]
    requester = change.requester
    if requester and not requester.is_internal and requester.pk not in by_person:
        found.append(Reader(requester))
    return sorted(found, key=lambda one: (one.person.pk != change.requester_id, str(one.person)))


def _reader(links: list[AccessLink]) -> Reader:
    now = timezone.now()
    return Reader(
        person=links[0].person,
        working=sum(link.revoked_at is None and link.expires_at > now for link in links),
        last_sent_at=max(link.created_at for link in links),
        last_opened_at=max((link.opened_at for link in links if link.opened_at), default=None),
    )
