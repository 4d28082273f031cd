"""What the requester would read if an outcome were recorded now."""

import re
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from post_office.models import Email

from accounts.models import User
from changes import news
from changes.models import Notice
from changes.settling import settle
from expansive_cm.sure import sure

from ..models import AgendaItem
from .outcomes import record_outcome

SECRET_LINK = re.compile(r"/r/[\w-]+/")


@dataclass(frozen=True)
class Preview:
    """The mail that the requester would get, or in words why there is none."""

    mail: Email | None
    unsent: str = ""


def preview_outcome(item: AgendaItem, *, actor: User, **arguments: Any) -> Preview:
    """Return the mail that recording this outcome would send to the requester; keep nothing.

    The outcome is recorded for real and undone, so that what is shown is what would be sent,
    also where it joins a mail that still waits: only the token of its secret link is left out.
    Takes the arguments of ``record_outcome`` and raises what it raises.
    """
    with transaction.atomic():  # undone again, so it is no act of anybody
        last = Notice.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        record_outcome(item, actor=actor, **arguments)
        requester = sure(item.change.requester)
        notices = Notice.objects.filter(pk__gt=last, change=item.change_id, person=requester)
        told = notices.select_related("email").order_by("-is_for_digest", "pk").last()
        if told and told.email:
            settle(told.email)
        transaction.set_rollback(True)
    if told is None or told.email is None:
        return Preview(None, _why_unsent(requester, told))
    mail = told.email
    mail.message = without_token(mail.message)
    mail.html_message = without_token(mail.html_message)
    return Preview(mail)


def _why_unsent(requester: User, told: Notice | None) -> str:
    if told is not None and not told.is_for_digest:
        return _("The requester gets no mail: they chose to read of outcomes in the app alone.")
    if told is not None:
        return _("The requester gets no mail of its own: they read it in their daily summary.")
    if requester.is_active and news.chosen_by(requester).get(news.OUTCOME.name) is news.Way.NONE:
        return _("The requester gets no mail: they chose to be told of no outcomes.")
    if requester.is_active and requester.mail_pace == User.MailPace.NEEDED:
        return _("The requester gets no mail: they chose to be mailed only what needs them.")
    return _("The requester gets no mail: they no longer have access.")


def without_token(body: str) -> str:
    """Return a mail's text without the secret part of its link."""
    return SECRET_LINK.sub("/r/…/", body)
