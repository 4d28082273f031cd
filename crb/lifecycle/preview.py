"""What the requester would read if an outcome were recorded now."""

import re
from typing import Any

from django.db import transaction
from post_office.models import Email

from accounts.models import User

from ..models import AgendaItem
from .outcomes import record_outcome

SECRET_LINK = re.compile(r"/r/[\w-]+/")


def preview_outcome(item: AgendaItem, *, actor: User, **arguments: Any) -> Email | None:
    """Return the mail that recording this outcome would send to the requester; keep nothing.

    The outcome is recorded for real and undone, so that what is shown is what would be sent:
    only the token of its secret link is left out. None if the requester gets no mail. Takes
    the arguments of ``record_outcome`` and raises what it raises.
    """
    with transaction.atomic():
        last = Email.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        record_outcome(item, actor=actor, **arguments)
        change = item.change
        written = Email.objects.filter(pk__gt=last, to=change.requester.email)
        mail = written.filter(headers__contains={"X-Change-Request": change.reference}).last()
        transaction.set_rollback(True)
    if mail is not None:
        mail.message = without_token(mail.message)
        mail.html_message = without_token(mail.html_message)
    return mail


def without_token(body: str) -> str:
    """Return a mail's text without the secret part of its link."""
    return SECRET_LINK.sub("/r/…/", body)
