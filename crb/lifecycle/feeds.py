"""Calendar addresses: a secret each, of which only the hash is kept."""

import secrets

from django.utils import timezone

from accounts.models import User
from changes.lifecycle import hash_token
from expansive_cm.workflow.decisions import Decision

from .. import permissions
from ..models import CalendarFeed
from .core import take_step

TOKEN_BYTES = 32


def make_feed(*, actor: User) -> str:
    """Make a person's calendar address and return its token, which nobody can read again.

    Effects: the address they had until now no longer works.
    """
    with take_step("make_feed", actor, actor=actor, lock=_lock, rule=_may_make) as step:
        person = step.on
        _revoke(person)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        known = person.history.order_by("-history_id").values_list("history_id", flat=True)
        CalendarFeed.objects.create(
            user=person, token_hash=hash_token(token), made_after=known.first()
        )
    return token


def revoke_feed(*, actor: User) -> bool:
    """Make a person's calendar address worthless; return whether there was one."""
    with take_step("revoke_feed", actor, actor=actor, lock=_lock, asks=False) as step:
        step.happened = _revoke(step.on)
        return step.happened


def _may_make(user: User, _themselves: User) -> Decision:
    return permissions.can_make_feed(user)


def _lock(person: User) -> User:
    """Return the person under a lock, so that of two requests one makes the address."""
    return User.objects.select_for_update(no_key=True).get(pk=person.pk)


def _revoke(person: User) -> bool:
    feeds = CalendarFeed.objects.filter(user=person, revoked_at=None)
    return bool(feeds.update(revoked_at=timezone.now()))
