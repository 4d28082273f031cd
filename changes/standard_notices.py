"""What waits for approvers besides changes: standard changes to decide on, or to renew."""

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.roles import Role

from . import permissions
from .models import StandardApproval
from .notices import Notice
from .standard import BEFORE_ITS_END, today


def notices(user: User) -> list[Notice]:
    """Return what this person may approve. One query for approvers, none for others."""
    theirs = Q()
    if user.has_role(Role.APPROVER) and user.approves_for_ids:
        theirs |= Q(template__organisation__in=user.approves_for_ids)
    if user.is_internal and user.has_role(permissions.FOR_ALL):
        theirs |= Q(template__organisation=None)
    if not theirs:
        return []
    near = Q(decision="approved", valid_until__lte=today() + BEFORE_ITS_END)
    rows = StandardApproval.objects.filter(theirs, ending="").exclude(proposed_by=user)
    numbers = rows.aggregate(
        waiting=Count("pk", filter=Q(decision="")), ending=Count("pk", filter=near)
    )
    address = reverse("changes:standard_changes")
    found = []
    if number := numbers["waiting"]:
        words = ngettext(
            "%d standard change waits for approval.",
            "%d standard changes wait for approval.",
            number,
        )
        found.append(Notice(words % number, f"{address}?view=waiting", _("Read and decide")))
    if number := numbers["ending"]:
        words = ngettext(
            "%d standard change ends soon or has expired.",
            "%d standard changes end soon or have expired.",
            number,
        )
        found.append(Notice(words % number, address, _("Look at them")))
    return found
