"""Members whose calendar declined a meeting: asked whether they are away, and who stands in.

Mail proves nobody, so it records no absence: the member does, signed in, from Home. Who declined by
mistake says there that they come (`lifecycle.will_attend`).
"""

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from changes.mail_in.declines import Calendar
from changes.notices import Notice

from .invitations import meeting_named
from .models import Absence, Invitation
from .states import MeetingState


def declined_by(user: User) -> QuerySet[Invitation]:
    """Invitations to meetings ahead that somebody declined without recording an absence."""
    away = Absence.objects.filter(
        membership__user=user,
        membership__board=OuterRef("meeting__board"),
        withdrawn_at=None,
        starts_on__lte=OuterRef("meeting__date"),
        ends_on__gte=OuterRef("meeting__date"),
    )
    found = _ahead(user).exclude(declined_at=None).filter(~Exists(away))
    return found.select_related("meeting__board").order_by("meeting__date", "pk")


def notices(user: User) -> list[Notice]:
    """Ask a member on Home. One query for members, none for others."""
    if not user.has_role(Role.CRB_MEMBER):
        return []
    return [
        Notice(
            _("Your calendar declined “%s”. Are you away?") % one.meeting,
            f"{reverse('crb:record_absence', args=[one.meeting.board_id])}?day={one.meeting.date}",
            _("Record an absence"),
            _("I will be there"),
            reverse("crb:will_attend", args=[one.meeting_id]),
        )
        for one in declined_by(user)
    ]


def _ahead(user: User) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        user=user,
        cancelled_at=None,
        meeting__state=MeetingState.SCHEDULED,
        meeting__starts_at__gt=timezone.now(),
    )


def _is_known(person: User, uid: str) -> bool:
    meeting = meeting_named(uid)
    return meeting is not None and _ahead(person).filter(meeting=meeting).exists()


def _note(person: User, uid: str) -> None:
    _ahead(person).filter(meeting=meeting_named(uid)).update(declined_at=timezone.now())


CALENDAR = Calendar(_is_known, _note)
