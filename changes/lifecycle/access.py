"""Mailed links to the requester's page of a change."""

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User

from ..errors import StepIllegal, StepIncomplete
from ..models import AccessLink, Change
from .core import take_step


def revoke_link(change: Change, *, actor: User, link: AccessLink, reason: str) -> AccessLink:
    """Make a mailed link to a change worthless. The customer's success team, administrators.

    Raises StepIncomplete without a reason and StepIllegal for a link that works no more. Effects:
    whoever opens the link reads that it is no longer valid; event, for Expansive's own people.
    Other links of the same person go on working, and a new question brings a new one.
    """
    if not reason.strip():
        raise StepIncomplete(_("Say why the link is revoked."), ["reason"])
    with take_step("revoke_link", change, actor=actor) as step:
        found = AccessLink.objects.select_for_update(of=("self",)).get(
            pk=link.pk, change=step.change
        )
        if not found.is_usable:
            raise StepIllegal(_("This link works no more."))
        found.revoked_at = timezone.now()
        step.internal = True
        step.reason = reason.strip()
        step.data = {"access_link": found.pk}
        step.save(found)
    return found
