"""Customers for whom no board decides: shown to administrators, who set one up.

The form of a board refuses to leave a customer without one; a customer that is new, or active
again, has none where each board decides for some customers only.
"""

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from accounts.roles import Role
from changes.models import Change
from changes.notices import Notice
from changes.states import State

from .models import Board

NAMED = 5


def without_board() -> QuerySet[Organisation]:
    """Active customers for whom no board decides.

    Where there never was a board, only those with a change that waits for one.
    """
    waits = Change.objects.filter(state=State.BOARD)
    meets = Board.objects.filter(is_active=True)
    return Organisation.objects.filter(
        Exists(Board.objects.all()) | Q(pk__in=waits.values("organisation")),
        ~Exists(meets.filter(organisations=None)),
        ~Exists(meets.filter(organisations=OuterRef("pk"))),
        is_active=True,
    ).order_by("name", "pk")


def notices(user: User) -> list[Notice]:
    """Tell an administrator who has no board; one query for them, none for others."""
    if not user.has_role(Role.ADMINISTRATOR):
        return []
    names = [str(one) for one in without_board()[: NAMED + 1]]
    if not names:
        return []
    said = ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
    return [
        Notice(
            _("No board decides for: %s. Their code changes wait until one does.") % said,
            reverse("admin:crb_board_changelist"),
            _("Set up a board"),
        )
    ]
