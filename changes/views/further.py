"""A new request from the page of one that has ended, behind a mailed link."""

from typing import Any

from django.utils.translation import gettext_lazy

from accounts.models import User

from .. import permissions
from ..forms.confirmation import FollowUpForm
from ..models import Change, ChangeLink
from ..states import FINAL, State
from .secret_address import Limit

REQUESTS_ALLOWED = Limit("link-requests", 10, 3600)
"""New requests that one person can send in a while without signing in: each is work for others."""
SENT = gettext_lazy("Your new request %s is sent. We have mailed you a link to its page.")
TOO_MUCH = gettext_lazy("That is very much in a short time. Please wait a few minutes.")
SHOWN = 5
"""So many requests that follow this one are named, the newest."""


def may_send_one(person: User) -> bool:
    """Count one more request that a person sends through links, and say whether it may be.

    In the transaction that makes it: a request that is not made is not counted either.
    """
    return REQUESTS_ALLOWED.is_open_for(str(person.pk))


def further(reader: User, change: Change, form: FollowUpForm | None = None) -> dict[str, Any]:
    """Return the form of a new request that follows this one, and those that do already.

    A form that was sent and has a mistake is shown open, with what was typed. One query where
    the change has ended, none before.
    """
    if change.state not in FINAL:
        return {}
    kind = ChangeLink.Kind.SUCCESSOR_OF
    links = change.links_in.filter(kind=kind).exclude(source__state=State.DRAFT)
    newest = [one.source for one in links.select_related("source").order_by("-pk")[:SHOWN]]
    seen = [one for one in newest if not one.is_unsent and permissions.may_see(reader, one)]
    found: dict[str, Any] = {"followed_by": seen}
    if permissions.can_follow_up(reader, change):
        found["follow_up_form"] = form or FollowUpForm(change=change, user=reader)
        found["follow_up_open"] = form is not None
    return found
