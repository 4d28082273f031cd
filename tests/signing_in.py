"""Signing somebody in where a test is about something else: with one statement instead of twenty.

`force_login` of Django's client saves an empty session, puts another in its place, writes that
again, and notes when the person signed in. What signing in itself does, tests see on its page.
"""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.models import User
from accounts.sessions import SessionStore


def sign_in(client: Client, user: User, backend: str | None = None) -> None:
    """Give a client a session of the person's, in the place of the one that it had."""
    user.backend = backend or client._get_backend()  # type: ignore[attr-defined]
    request = HttpRequest()
    request.session = SessionStore(get_random_string(32))
    known = {
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: user.backend,  # type: ignore[attr-defined]
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
    Session.objects.create(
        session_key=request.session.session_key,
        session_data=request.session.encode(known),
        expire_date=timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE),
    )
    client._set_login_cookies(request)


Client.force_login = sign_in
