"""The secret address by which a watcher stops watching one change from a mail client.

It can do nothing else, needs no row and does not expire: mail is kept for years.
"""

from django.core import signing
from django.urls import reverse

from accounts.models import User

from . import permissions
from .models import Change

Watch = tuple[Change, User]

SALT = "changes.unwatch"


def path(change: Change, person: User) -> str:
    """Return where this person stops watching this change."""
    token = signing.dumps([change.pk, person.pk], salt=SALT)
    return reverse("changes:unwatch_by_link", args=[token])


def find(token: str) -> Watch | None:
    """Return the change and the person that a token was made for, while they may see it."""
    try:
        change_pk, person_pk = signing.loads(token, salt=SALT)
    except (signing.BadSignature, TypeError, ValueError):
        return None
    change = Change.objects.select_related("organisation").filter(pk=change_pk).first()
    person = User.objects.filter(pk=person_pk).first()
    if change is None or person is None or not permissions.may_see(person, change):
        return None
    return change, person
