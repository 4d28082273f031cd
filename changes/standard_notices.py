"""What waits besides changes: standard changes to decide on, or to renew, and who could."""

from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.roles import Role

from . import permissions
from .models import ChangeTemplate, StandardApproval
from .notices import Notice
from .standard import BEFORE_ITS_END, today


def notices(user: User) -> list[Notice]:
    """Return what this person may approve, and for administrators what nobody may.

    One query for approvers, one for administrators, none for others.
    """
    return [*_to_approve(user), *_that_nobody_may(user)]


def _that_nobody_may(user: User) -> list[Notice]:
    """Whoever names approvers reads of proposals that wait in vain."""
    number = permissions.nobody_may_decide().count() if user.has_role(Role.ADMINISTRATOR) else 0
    if not number:
        return []
    words = ngettext(
        "%d proposed standard change waits, and nobody may decide on it.",
        "%d proposed standard changes wait, and nobody may decide on them.",
        number,
    )
    address = f"{reverse('changes:standard_changes')}?view=waiting"
    return [Notice(words % number, address, _("Look at them"))]


def _to_approve(user: User) -> list[Notice]:
    theirs = Q()
    if user.has_role(Role.APPROVER) and user.approves_for_ids:
        theirs |= Q(template__organisation__in=user.approves_for_ids)
    if user.is_internal and user.has_role(permissions.FOR_ALL):
        theirs |= Q(template__organisation=None)
    if not theirs:
        return []
    wrote = ChangeTemplate.history.filter(id=OuterRef("template"), history_user=user)
    near = Q(decision="approved", valid_until__lte=today() + BEFORE_ITS_END)
    rows = StandardApproval.objects.filter(theirs, ~Exists(wrote), ending="")
    rows = rows.exclude(proposed_by=user)
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
