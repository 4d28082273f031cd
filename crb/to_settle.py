"""Ballots whose time is over: shown to whoever is to record what the votes decide."""

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from changes.notices import Notice

from .models import Meeting
from .states import MeetingKind, MeetingState


def notices(user: User) -> list[Notice]:
    """Tell whoever leads a ballot that it is over. One query for members, none for others."""
    if not user.has_role(Role.CRB_MEMBER):
        return []
    over = Meeting.objects.filter(
        state=MeetingState.RUNNING, kind=MeetingKind.BALLOT, deadline__lte=timezone.now()
    )
    return [
        Notice(
            _("“%s” is over: the outcome is to be recorded.") % ballot,
            ballot.get_absolute_url(),
            _("Open the ballot"),
        )
        for ballot in over.select_related("board").order_by("deadline", "pk")
        if ballot.is_led_by(user)
    ]
