"""Sessions as Django keeps them in the database; the question for one is written once."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import CharField, DateTimeField
from django.utils import timezone

from expansive_cm.statements import Given, ObjectStatement

KEPT = ObjectStatement(
    lambda: Session.objects.filter(
        session_key=Given("key", CharField()), expire_date__gt=Given("now", DateTimeField())
    )
)


class SessionStore(db.SessionStore):
    """Reads the session of each request; its name is a part of what sessions are signed with."""

    def _get_session_from_db(self) -> Session | None:
        found = KEPT.objects(key=self.session_key, now=timezone.now())
        if not found:
            self._session_key = None
        return next(iter(found), None)
