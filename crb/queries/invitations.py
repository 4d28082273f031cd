"""Who was invited to meetings ahead, and whose calendar declined."""

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User

from ..models import Absence, Invitation
from ..states import MeetingState


def invited_ahead(user: User) -> QuerySet[Invitation]:
    """Invitations of somebody to meetings that lie ahead."""
    return Invitation.objects.filter(
        user=user,
        cancelled_at=None,
        meeting__state=MeetingState.SCHEDULED,
        meeting__starts_at__gt=timezone.now(),
    )


def declined_by(user: User) -> QuerySet[Invitation]:
    """Invitations to meetings ahead that somebody declined without recording an absence."""
    away = Absence.objects.filter(
        membership__user=user,
        membership__board=OuterRef("meeting__board"),
        withdrawn_at=None,
        starts_on__lte=OuterRef("meeting__date"),
        ends_on__gte=OuterRef("meeting__date"),
    )
    found = invited_ahead(user).exclude(declined_at=None).filter(~Exists(away))
    return found.select_related("meeting__board").order_by("meeting__date", "pk")
