"""Mailed links by which a requester reaches one change without an account.

Only the hash of a link's token is stored; the token itself is in the mail and nowhere else.
"""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from accounts.models import User

from .models import AccessLink, Change


def hash_token(token: str) -> str:
    """Return what is stored of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_for(change: Change, person: User) -> bool:
    """Whether mail about the change carries a link for this person."""
    return change.requester_id == person.pk


def issue(change: Change, person: User, *, actor: User | None) -> tuple[str, AccessLink]:
    """Create a link to a change for one person; return its path and the link.

    Earlier links go on working. Belongs into the transaction of the step whose mail carries it;
    give the link to that mail (``outbox.write(..., links=[link])``), so that its time begins
    when the mail is sent.
    """
    token = secrets.token_urlsafe(32)
    link = AccessLink(
        change=change,
        person=person,
        token_hash=hash_token(token),
        sent_to=person.email,
        expires_at=timezone.now() + timedelta(days=settings.ACCESS_LINK_DAYS),
    )
    link._history_user = actor  # type: ignore[attr-defined]
    link._change_reason = "mailed a link to the change"  # type: ignore[attr-defined]
    link.save()
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


def find(token: str) -> AccessLink | None:
    """Return the link with this token while it is worth something, with its change.

    It is worth nothing once it has expired or was revoked, its reader has left, or somebody
    else has become the requester.
    """
    links = AccessLink.objects.select_related(
        "person__organisation", "change__requester", "change__organisation__success_team"
    )
    return links.filter(
        token_hash=hash_token(token),
        revoked_at=None,
        expires_at__gt=timezone.now(),
        person__is_active=True,
        change__requester=F("person"),
    ).first()


def still_works(link: AccessLink) -> bool:
    """Whether a link that was found before is still worth something, from fresh rows."""
    return AccessLink.objects.filter(
        pk=link.pk, revoked_at=None, expires_at__gt=timezone.now(), person__is_active=True
    ).exists()
