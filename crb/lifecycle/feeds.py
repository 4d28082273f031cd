"""Calendar addresses: a secret each, of which only the hash is kept."""

import secrets

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from changes.lifecycle import hash_token

from .. import permissions
from ..models import CalendarFeed
from .core import require_right

TOKEN_BYTES = 32


def make_feed(*, actor: User) -> str:
    """Make a person's calendar address and return its token, which nobody can read again.

    Effects: the address they had until now no longer works.
    """
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
        require_right(permissions.can_make_feed, person)
        _revoke(person)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        CalendarFeed.objects.create(user=person, token_hash=hash_token(token))
    return token


def revoke_feed(*, actor: User) -> bool:
    """Make a person's calendar address worthless; return whether there was one."""
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
        return _revoke(person)


def _revoke(person: User) -> bool:
    feeds = CalendarFeed.objects.filter(user=person, revoked_at=None)
    return bool(feeds.update(revoked_at=timezone.now()))
