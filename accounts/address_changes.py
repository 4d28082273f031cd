"""Whoever has a person's mail has their account: what follows when an address is changed."""

from datetime import datetime, timedelta

from allauth.account.adapter import get_adapter
from django.http import HttpRequest
from django.utils import timezone

from .models import User

REST = timedelta(days=3)
"""So long nobody chooses a password by mail after an address was changed, and the old one knows."""


def rests_until(person: User) -> datetime | None:
    """Return until when no password is chosen through the person's new address, or None.

    Only an account that somebody has can be taken from them: one without a password is free.
    """
    if not person.has_usable_password():
        return None
    before = person.history.exclude(email__iexact=person.email).order_by("-history_id").first()
    if before is None:
        return None
    changed = person.history.filter(history_id__gt=before.history_id).earliest("history_id")
    until: datetime = changed.history_date + REST
    return until if until > timezone.now() else None


def tell_of_change(request: HttpRequest, person: User, old: str) -> None:
    """Tell the old address and the new one of a change, and the old one first what to do.

    Effects: two mails, in the transaction that runs.
    """
    context = {"old": old, "new": person.email, "rest_days": REST.days}
    for address in (old, person.email):
        get_adapter(request).send_notification_mail(
            "account/email/address_changed", person, context, address
        )
