"""Sessions in the database, as Django keeps them; each request reads one by a kept statement."""

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import models
from django.utils import timezone

from expansive_cm.statements import Given, ObjectStatement

# Of the one with this key that has not expired.
SESSION: ObjectStatement[Session] = ObjectStatement(
    lambda: Session.objects.filter(
        session_key=Given("key", models.CharField()),
        expire_date__gt=Given("now", models.DateTimeField()),
    )
)


class SessionStore(db.SessionStore):
    """Django's, which writes its question anew for each request."""

    def _get_session_from_db(self) -> Any:
        """Return the session's row; without one it begins anew, with another key."""
        found = SESSION.objects(key=self.session_key, now=timezone.now())
        if found:
            return found[0]
        self._session_key = None
        return None
